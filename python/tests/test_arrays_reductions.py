"""Reductions, running totals and statistics of scattered arrays agree with NumPy's, in every argument."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import hypothesis.extra.numpy as npst
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

import distob

NUMBERS = "?bBhHiIqQefdgFDG"
BINARY = sorted(
    {u for u in vars(np).values() if isinstance(u, np.ufunc) and u.signature is None and (u.nin, u.nout) == (2, 1)},
    key=lambda u: u.__name__,
)
CUTS: list[dict[str, Any]] = [{}, {"axis": 0}, {"axis": 0, "blocksize": 2}, {"axis": None}]


def outcome(call: Callable[..., Any], scatter: Callable[..., Any], *, told: bool = True) -> Any:
    """What a call gives, or the type of its error; and the float and other warnings it issued."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            result = call(scatter)
            result = tuple(map(np.asarray, result)) if isinstance(result, tuple) else np.asarray(result)
        except Exception as error:
            return type(error), str(error)
    texts = {str(w.message) for w in caught if w.category is RuntimeWarning}
    assert not told or not [w for w in caught if w.category is distob.PerformanceWarning]
    return result, texts


def assert_same(expected: Any, got: Any, tolerance: float = 0) -> None:
    if isinstance(expected[0], type) or isinstance(got[0], type):
        assert str(got) == str(expected)
        return
    assert got[1] == expected[1]
    assert got[0].dtype == expected[0].dtype
    assert got[0].shape == expected[0].shape
    kind = expected[0].dtype
    if tolerance and kind.kind in "fc":
        np.testing.assert_allclose(got[0], expected[0], rtol=tolerance * np.finfo(kind).eps, atol=0)
    else:
        assert_array_equal(got[0], expected[0])


def check(call: Callable[..., Any], tolerance: float = 0, *, told: bool = True) -> None:
    for cut in CUTS:
        expected = outcome(call, lambda a: a)
        got = outcome(call, lambda a, cut=cut: distob.scatter(a, **cut), told=told)
        assert_same(expected, got, tolerance)


def sample(dtype: str, shape: tuple[int, ...] = (5, 4, 3), low: int = 0) -> np.ndarray:
    return ((np.arange(np.prod(shape)) * 5) % 7 + low).astype(dtype).reshape(shape)


@pytest.mark.parametrize("ufunc", BINARY, ids=lambda u: u.__name__)
@pytest.mark.parametrize("method", ["reduce", "accumulate", "reduceat"])
def test_every_binary_ufunc_has_its_methods(ufunc: np.ufunc, method: str) -> None:
    for dtype in NUMBERS:
        a = sample(dtype, low=1)
        try:
            result = ufunc(a, a).dtype
        except TypeError:
            continue
        # NumPy's vector loops of these read ahead of what a reduction writes: np.arctan2.reduce([1, 6, 4], dtype="f4") is
        # arctan2(1, 4).
        if ufunc in (np.arctan2, np.power, np.float_power) and result.char in "fd" and method != "accumulate":
            continue
        for axis in (0, 1, -1):
            args = ([0, 2, 1, 1],) if method == "reduceat" else ()
            check(
                lambda scatter, a=a, axis=axis, args=args: getattr(ufunc, method)(scatter(a), *args, axis=axis),
                64 if result.kind in "fc" else 0,
                told=ufunc is not np.ldexp,
            )


@pytest.mark.parametrize("keywords", [
    {"axis": None}, {"axis": ()}, {"axis": (0, 2)}, {"axis": (1, -1)}, {"keepdims": True}, {"dtype": "f4"}, {"dtype": "D"},
    {"initial": 5}, {"initial": None}, {"where": [True, False, True]}, {"axis": 7}, {"axis": (0, 0)}, {"axis": "x"},
    {"where": [True, False, True], "initial": 2}, {"axis": None, "where": False}, {"where": [1, 0, 1]},
    {"axis": (0, 1, 2), "keepdims": True, "initial": 3}, {"nonsense": 1},
], ids=str)  # fmt: skip
def test_arguments_of_reductions(keywords: dict[str, Any]) -> None:
    for ufunc in (
        np.add,
        np.multiply,
        np.maximum,
        np.fmin,
        np.logical_or,
        np.bitwise_xor,
        np.subtract,
        np.hypot,
        np.gcd,
    ):
        for dtype in "?idD":
            for shape in ((5, 4, 3), (0, 4, 3), ()):
                a = sample(dtype, shape)
                check(lambda scatter, u=ufunc, a=a: u.reduce(scatter(a), **keywords), 64)


@pytest.mark.parametrize("name", ["sum", "prod", "min", "max", "any", "all", "mean", "var", "std", "cumsum", "argmax"])
@pytest.mark.parametrize("dtype", ["d", "f", "i8", "D", "?", "e"])
def test_out_takes_the_result(name: str, dtype: str) -> None:
    a = sample("d", low=1)
    shape = a.shape if name == "cumsum" else (5, 3)
    for distributed in (False, True):
        for wrong in (False, True):

            def call(scatter: Any, distributed: bool = distributed, wrong: bool = wrong) -> Any:
                out = np.zeros((2, 2) if wrong else shape, dtype)
                target = scatter(out) if distributed else out
                result = getattr(np, name)(scatter(a), axis=1, out=target)
                assert result is target
                return result

            expected, got = outcome(call, lambda x: x), outcome(call, distob.scatter)
            if wrong or isinstance(expected[0], type):
                assert isinstance(got[0], type)
                assert got[0] is expected[0] or {got[0], expected[0]} <= {ValueError, TypeError}
            else:
                assert_same(expected, got, 64)


def test_sums_of_negative_zeros_are_numpys() -> None:
    for dtype in "efdgFDG":
        for a in (np.full(1, -0.0, dtype), np.full((3, 40), -0.0, dtype), np.array(-0.0, dtype)):
            for keywords in ({}, {"initial": -0.0}, {"initial": None}, {"axis": ()}, {"axis": 0} if a.ndim else {}):
                expected = np.asarray(np.add.reduce(a, **{"axis": None, **keywords}))
                got = np.asarray(np.add.reduce(distob.scatter(a), **{"axis": None, **keywords}))
                assert_array_equal(np.signbit(got.real), np.signbit(expected.real))


def test_an_empty_sum_is_its_initial_value() -> None:
    assert np.sum(distob.scatter(np.zeros(0)), initial=5) == 5
    assert_array_equal(np.sum(distob.scatter(np.zeros((0, 2))), axis=0, initial=5), [5, 5])


@pytest.mark.parametrize("dtype", NUMBERS)
def test_running_totals_of_every_dtype(dtype: str) -> None:
    a = sample(dtype, (4, 3, 5))
    for function in (np.cumsum, np.cumprod, np.maximum.accumulate, np.nancumsum, np.nancumprod):
        for axis in (0, 1, 2, -1):
            check(lambda scatter, f=function, axis=axis: f(scatter(a), axis=axis))
            check(lambda scatter, f=function, axis=axis: f(scatter(a).T, axis=axis))
    for function in (np.cumsum, np.cumprod):
        check(lambda scatter, f=function: f(scatter(a)))
        check(lambda scatter, f=function: f(scatter(a[1, 1, 1])))
        check(lambda scatter, f=function: f(scatter(a), dtype="d"))
    if hasattr(np, "cumulative_sum"):
        check(lambda scatter: np.cumulative_sum(scatter(a), axis=1, include_initial=True))


def test_long_integer_scans_are_exact_and_long_sums_as_good_as_numpys() -> None:
    rng = np.random.default_rng(3)
    whole = rng.integers(-1000, 1000, 200_003)
    assert_array_equal(np.cumsum(distob.scatter(whole)), np.cumsum(whole))
    assert_array_equal(np.cumprod(distob.scatter(whole)), np.cumprod(whole))
    assert_array_equal(np.minimum.accumulate(distob.scatter(whole)), np.minimum.accumulate(whole))
    for dtype in "fdD":
        real = rng.standard_normal(200_003).astype(dtype)
        exact = np.cumsum(real.astype("G" if dtype == "D" else "g"))
        bound = np.finfo(dtype).eps * np.arange(1, real.size + 1) * np.cumsum(abs(real))
        assert (abs(np.asarray(np.cumsum(distob.scatter(real))) - exact) <= bound).all()
    assert_array_equal(np.cumprod(distob.scatter(1 + real.real / 1e4)), np.cumprod(1 + real.real / 1e4))
    real = rng.standard_normal(100_000)
    for place, value in ((50_000, np.inf), (60_000, np.nan), (70_000, -np.inf), (10, 1.7e308), (11, 1.7e308)):
        real[place] = value
        with np.errstate(all="ignore"):
            expected, got = np.cumsum(real), np.asarray(np.cumsum(distob.scatter(real)))
        assert_array_equal(np.isfinite(got), np.isfinite(expected))
        assert_array_equal(got[~np.isfinite(got)], expected[~np.isfinite(expected)])


@pytest.mark.parametrize("shape", [(300_001,), (3, 70_001), (70_001, 3), (100, 100, 30)])
def test_bits_do_not_depend_on_threads(shape: tuple[int, ...]) -> None:
    a = np.random.default_rng(4).standard_normal(shape)
    threads = distob.threads()
    bits = set()
    try:
        for n in (1, 2, 3, 5):
            distob.set_threads(n)
            for cut in ({}, {"axis": 0, "blocksize": 1 + shape[0] // 3}):
                d = distob.scatter(a, **cut)
                parts = [np.cumsum(d), np.cumsum(d, axis=0), np.var(d, axis=0), np.mean(d), np.argmax(d, axis=0),
                         np.logaddexp.reduce(d, axis=-1), np.add.reduceat(d, [0, 2, 1], axis=0)]  # fmt: skip
                bits.add(b"".join(np.asarray(p).tobytes() for p in parts))
    finally:
        distob.set_threads(threads)
    assert len(bits) == 1


@pytest.mark.parametrize("dtype", [*NUMBERS, "M8[s]", "m8[D]"])
def test_positions_of_extremes(dtype: str) -> None:
    a = sample(dtype, (6, 5, 4)) if dtype[0] not in "Mm" else sample("i8", (6, 5, 4)).astype(dtype)
    variants = [a, a[:, :, ::2], a.T, a[2, 3, 1:2], a[2, 3, 1], np.zeros((0, 3), a.dtype), np.zeros((3, 0), a.dtype)]
    if a.dtype.kind in "fcMm":
        bad = a.copy()
        bad[3, 2, 1] = bad[1, 1, 1] = "NaT" if a.dtype.kind in "Mm" else np.nan
        variants.append(bad)
    for one in variants:
        for function in (np.argmax, np.argmin):
            for keywords in (
                {},
                {"axis": 0},
                {"axis": -1},
                {"axis": 0, "keepdims": True},
                {"keepdims": True},
                {"axis": 9},
            ):
                check(lambda scatter, f=function, one=one, k=keywords: f(scatter(one), **k))


def test_the_first_of_many_equal_extremes_is_found_in_long_arrays() -> None:
    a = np.zeros(400_000)
    for place in (0, 1, 65_535, 65_536, 131_071, 399_999):
        a[place] = 1
        assert np.argmax(distob.scatter(a)) == np.argmax(a)
        a[place] = np.nan
        assert np.argmin(distob.scatter(a)) == np.argmin(a)
        a[place] = 0
    wide = np.random.default_rng(5).integers(0, 4, (3000, 700))
    for axis in (0, 1):
        assert_array_equal(np.argmin(distob.scatter(wide), axis=axis), np.argmin(wide, axis=axis))


STATISTICS = [
    {}, {"axis": 0}, {"axis": (0, 2)}, {"axis": 1, "keepdims": True}, {"dtype": "f4"}, {"dtype": "d"}, {"axis": ()},
    {"where": np.arange(3) > 0}, {"axis": 0, "where": np.arange(60).reshape(5, 4, 3) % 2 == 0},
    {"axis": 0, "where": np.zeros((5, 4, 3), bool)}, {"axis": (0, 1), "keepdims": True, "where": [True, False, True]},
]  # fmt: skip


@pytest.mark.parametrize("keywords", STATISTICS, ids=str)
@pytest.mark.parametrize("name", ["mean", "var", "std", "nanmean", "nanvar", "nanstd"])
def test_statistics_take_all_of_numpys_arguments(name: str, keywords: dict[str, Any]) -> None:
    for dtype in NUMBERS:
        for shape in ((5, 4, 3), (0, 4, 3)):
            if shape[0] == 0 and "where" in keywords:
                continue
            if name.startswith("nan") and dtype in "efF" and keywords.get("dtype") == "d":
                continue  # NumPy keeps the distances in the narrower dtype
            a = sample(dtype, shape)
            check(lambda scatter, a=a: getattr(np, name)(scatter(a), **keywords), 2000 if dtype == "e" else 64)


def test_variances_with_ddof_correction_and_a_known_mean() -> None:
    a = sample("d")
    middle = a.mean(axis=1, keepdims=True)
    for keywords in ({"ddof": 1}, {"correction": 1}, {"ddof": 7}, {"ddof": 1, "correction": 1}, {"ddof": 0.5}):
        for name in ("var", "std", "nanvar"):
            check(lambda scatter, k=keywords, name=name: getattr(np, name)(scatter(a), axis=1, **k), 64)
    for wrap in (False, True):
        check(lambda scatter, wrap=wrap: np.var(scatter(a), axis=1, mean=scatter(middle) if wrap else middle), 64)


@pytest.mark.parametrize("name", ["nansum", "nanprod", "nanmin", "nanmax", "nanmean", "nanvar", "nanstd", "nanargmin",
                                  "nanargmax", "nancumsum", "nancumprod"])  # fmt: skip
def test_what_is_not_a_number_is_passed_over(name: str) -> None:
    for dtype in "efdFDi":
        a = sample(dtype, (6, 5), low=-2)
        if a.dtype.kind != "i":
            a[1, 1] = a[0, 3] = a[5, 0] = np.nan
        empty = a.copy()
        empty[:, 2] = np.nan if a.dtype.kind != "i" else 0
        for one in (a, empty):
            for keywords in ({}, {"axis": 0}, {"axis": 1}, {"axis": -1, "keepdims": True}):
                if "cum" in name and "keepdims" in keywords:
                    continue
                check(
                    lambda scatter, one=one, k=keywords: getattr(np, name)(scatter(one), **k),
                    2000 if dtype == "e" else 64,
                )


def test_averages_ranges_and_counts() -> None:
    a = sample("d")
    weights = np.arange(1.0, 5.0)
    check(lambda scatter: np.average(scatter(a)), 64)
    check(lambda scatter: np.average(scatter(a), axis=1, weights=weights), 64)
    check(lambda scatter: np.average(scatter(a), axis=1, weights=scatter(weights)), 64)
    check(lambda scatter: np.average(scatter(a), axis=1, weights=weights, returned=True)[0], 64)
    check(lambda scatter: np.average(scatter(a), axis=1, weights=np.zeros(4)), 64)
    for dtype in NUMBERS:
        a = sample(dtype)
        for axis in (None, 0, (0, 1)):
            check(lambda scatter, a=a, axis=axis: np.count_nonzero(scatter(a), axis=axis))
            if dtype != "?":
                check(lambda scatter, a=a, axis=axis: np.ptp(scatter(a), axis=axis))
                check(lambda scatter, a=a, axis=axis: np.ptp(scatter(a), axis=axis, keepdims=True))


def test_outer_is_a_call_with_axes_side_by_side() -> None:
    a, b = sample("d", (3, 2), low=1), sample("i4", (4,), low=1)
    for ufunc in (np.add, np.power, np.divmod, np.less, np.hypot):
        for both in (True, False):
            check(lambda scatter, u=ufunc, both=both: np.asarray(u.outer(scatter(a), scatter(b) if both else b)), 8)
    check(lambda scatter: np.subtract.outer(scatter(a), b, out=scatter(np.zeros((3, 2, 4)))))
    check(lambda scatter: np.subtract.outer(scatter(a), 3, dtype="f4"))


@given(st.data())
def test_random_reductions_of_random_arrays(data: Any) -> None:
    dtype = np.dtype(data.draw(st.sampled_from("?bBhHiqQfd")))
    shape = data.draw(npst.array_shapes(min_dims=1, max_dims=4, min_side=0, max_side=9))
    values = data.draw(st.lists(st.integers(0, 5), min_size=1, max_size=17))
    a = np.resize(np.array(values, dtype), shape)
    view = data.draw(npst.basic_indices(shape, min_dims=1, allow_ellipsis=False))
    ufunc = data.draw(
        st.sampled_from([np.add, np.maximum, np.subtract, np.logical_and, np.fmin, np.hypot, np.copysign])
    )
    method = data.draw(st.sampled_from(["reduce", "accumulate", "reduceat"]))
    cut = data.draw(st.sampled_from(CUTS))
    ndim = a[view].ndim
    axis = data.draw(st.integers(-ndim, ndim - 1)) if ndim else 0
    args: tuple[Any, ...] = ()
    if method == "reduceat":
        args = (data.draw(st.lists(st.integers(0, max(a[view].shape[axis] - 1, 0) if ndim else 0), max_size=5)),)
    expected = outcome(lambda scatter: getattr(ufunc, method)(scatter(a)[view], *args, axis=axis), lambda x: x)
    got = outcome(
        lambda scatter: getattr(ufunc, method)(scatter(a)[view], *args, axis=axis),
        lambda x: distob.scatter(x, **cut),
        told=False,
    )
    assert_same(expected, got, 64)
