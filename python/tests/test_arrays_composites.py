"""Functions composed of others, and transforms: arguments, errors and results are NumPy's."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest

import distob

RNG = np.random.default_rng(11)
A = RNG.standard_normal((6, 8))
V = RNG.standard_normal(50)
N = RNG.integers(0, 20, (5, 9))
BYTES = RNG.integers(0, 256, (4, 7)).astype(np.uint8)


@pytest.fixture(autouse=True)
def _no_fallbacks():
    with warnings.catch_warnings():
        warnings.simplefilter("error", distob.PerformanceWarning)
        yield


def outcome(function: Any, *arrays: Any) -> Any:
    try:
        return function(*arrays)
    except (ValueError, TypeError, IndexError) as error:
        return error


def check(function: Any, *arrays: np.ndarray, rtol: float = 0) -> None:
    expected = outcome(function, *arrays)
    got = outcome(function, *(distob.scatter(a) for a in arrays))
    if isinstance(expected, Exception):
        assert type(got) is type(expected)
        assert str(got) == str(expected)
        return
    assert not isinstance(got, Exception), got
    pairs = zip(got, expected, strict=True) if isinstance(expected, tuple) else [(got, expected)]
    for mine, theirs in pairs:
        mine, theirs = np.asarray(mine), np.asarray(theirs)
        assert (mine.dtype, mine.shape) == (theirs.dtype, theirs.shape)
        np.testing.assert_allclose(mine, theirs, rtol=rtol, atol=rtol)


@pytest.mark.parametrize("mode", ["raise", "wrap", "clip", ("wrap", "clip")])
@pytest.mark.parametrize("order", ["C", "F"])
def test_indices_of_several_axes_and_back(mode, order):
    check(lambda i, j: np.ravel_multi_index((i, j), (20, 30), mode=mode, order=order), N, N[::-1])
    if mode != "raise":
        check(lambda i, j: np.ravel_multi_index((i, j), (7, 5), mode=mode, order=order), N, N - 10)
    check(lambda i: np.unravel_index(i, (4, 5), order=order), N)
    check(lambda i: np.unravel_index(i, 20), N)


def test_coordinates_outside_are_refused():
    check(lambda i, j: np.ravel_multi_index((i, j), (7, 5)), N, N)
    check(lambda i: np.ravel_multi_index((i, 3), (20, 5)), N - 5)


@pytest.mark.parametrize("axis", [None, 0, 1, -1])
@pytest.mark.parametrize("bitorder", ["big", "little"])
def test_bits(axis, bitorder):
    check(lambda x: np.unpackbits(x, axis=axis, bitorder=bitorder), BYTES)
    check(lambda x: np.unpackbits(x, axis=axis, count=13, bitorder=bitorder), BYTES)
    check(lambda x: np.unpackbits(x, axis=axis, count=-3, bitorder=bitorder), BYTES)
    check(lambda x: np.packbits(x > 0, axis=axis, bitorder=bitorder), A)
    check(lambda x: np.packbits(x, axis=axis, bitorder=bitorder), N - 3)


@pytest.mark.parametrize("options", [{}, {"indexing": "ij"}, {"sparse": True}, {"copy": False}, {"indexing": "kl"}])
def test_meshgrid(options):
    check(lambda x: np.meshgrid(x, **options), V)
    check(lambda x, y: np.meshgrid(x, y, 3.0, **options), V, N)
    check(lambda x: np.meshgrid(x, [1, 2], [0.5], **options), V)


@pytest.mark.parametrize("function", [np.convolve, np.correlate])
@pytest.mark.parametrize("mode", ["full", "same", "valid"])
def test_sliding_sums_of_every_dtype_and_length(function, mode):
    for one, two in [("b", "b"), ("l", "h"), ("L", "B"), ("d", "l"), ("f", "d"), ("D", "d"), ("d", "D"), ("g", "f")]:
        for n, m in [(1, 1), (40, 7), (40, 8), (7, 40), (8, 40), (9, 9)]:
            x, y = ((RNG.standard_normal(k) * 5).astype(t) for k, t in ((n, one), (m, two)))
            if two == "D":
                y = y + 1j * RNG.standard_normal(m)
            check(lambda a, v: function(a, v, mode), x, y, rtol=1e-12)


def test_sliding_sums_of_long_vectors_do_not_depend_on_threads():
    a, v = distob.scatter(RNG.standard_normal(100_000)), distob.scatter(RNG.standard_normal(30))
    before = distob.threads()
    try:
        results = []
        for n in (1, 2, 3, 5):
            distob.set_threads(n)
            results.append(np.asarray(np.convolve(a, v)).tobytes())
    finally:
        distob.set_threads(before)
    assert all(result == results[0] for result in results)
    np.testing.assert_allclose(
        np.asarray(np.convolve(a, v)), np.convolve(np.asarray(a), np.asarray(v)), rtol=1e-10, atol=1e-12
    )


@pytest.mark.parametrize("norm", [None, "ortho", "forward", "sideways"])
def test_transforms_have_numpys_bits(norm):
    for name in ("fft", "ifft", "rfft", "ihfft", "fft2", "rfft2", "fftn", "rfftn"):
        transform = getattr(np.fft, name)
        check(lambda x, f=transform: f(x, norm=norm), A)
        check(lambda x, f=transform: f(x[::-1, ::2], norm=norm), A)
    for name in ("irfft", "hfft", "irfft2", "irfftn"):
        transform = getattr(np.fft, name)
        check(lambda x, f=transform: f(x, norm=norm), A + 1j * A[::-1])
    check(lambda x: np.fft.fft(x, n=5, axis=0, norm=norm), A)
    check(lambda x: np.fft.fft(x, n=0, norm=norm), A)
    check(lambda x: np.fft.fft(x, axis=2, norm=norm), A)


def test_a_transform_of_many_rows_is_computed_on_all_cores():
    a = RNG.standard_normal((300, 500)).astype(np.float32)
    check(np.fft.rfft, a)
    check(lambda x: np.fft.fft(x, axis=0), a)
    out = distob.scatter(np.zeros((300, 251), np.complex64))
    assert np.fft.rfft(distob.scatter(a), out=out) is out
    np.testing.assert_array_equal(np.asarray(out), np.fft.rfft(a))


def test_grids_of_bins():
    check(lambda x: np.histogramdd(x, bins=4)[0], RNG.standard_normal((500, 3)))
    check(lambda x: np.histogramdd(x, bins=[[-1, 0, 2], 3])[0], RNG.standard_normal((500, 2)))
    check(lambda x, y: np.histogram2d(x, y, bins=7, range=[(-1, 1), (-2, 2)]), V, V[::-1])
    check(lambda x, y: np.histogram2d(x, y, weights=x), V, V[::-1], rtol=1e-12)
    check(lambda x, y: np.histogram2d(x, y[1:]), V, V)


@pytest.mark.parametrize(
    "function",
    [
        lambda x: np.isclose(x, x + 1e-9), lambda x: np.isclose(x, np.nan, equal_nan=True), lambda x: np.allclose(x, x.T.T),
        lambda x: np.array_equiv(x, x[:1]), lambda x: np.array_equiv(x, [1, 2, 3]), lambda x: np.angle(x + 1j, deg=True),
        lambda x: np.nan_to_num(np.log(x), nan=7, posinf=8, neginf=9), lambda x: np.nan_to_num(x.astype(int)),
        lambda x: np.sinc(x), lambda x: np.fix(3 * x), lambda x: np.isreal(x), lambda x: np.iscomplex(x + 0j),
        lambda x: np.real_if_close(x + 0j), lambda x: np.isneginf(-x / 0), lambda x: np.isposinf(x + 1j),
        lambda x: np.polyval([1, -2, 3], x), lambda x: np.polyadd(x[0], x[1, 1:]),
        lambda x: np.polyder(x[0], 2), lambda x: np.polyint(x[0]),
        lambda x: np.polydiv(x[0], x[1, :3]),
    ],
)  # fmt: skip
def test_compositions(function):
    with np.errstate(all="ignore"):
        check(function, A, rtol=1e-12)


def test_products_of_polynomials():
    warnings.simplefilter("ignore", distob.PerformanceWarning)  # for the search of leading zeros
    check(lambda x: np.polymul(x[0], x[1]), A, rtol=1e-12)
    check(lambda x: np.polymul(x[0] * 0, x[1]), A)
    check(lambda x: np.polymul(x, x), A)
