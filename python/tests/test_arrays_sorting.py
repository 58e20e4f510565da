"""Sorting, searching, sets, quantiles and histograms are NumPy's, bit by bit, and computed where the elements are."""

from __future__ import annotations

import warnings
from typing import Any

import hypothesis
import hypothesis.extra.numpy as hnp
import numpy as np
import pytest
from hypothesis import strategies as st

import distob

RNG = np.random.default_rng(7)
DTYPES = "?bBhHiIlLefdgFDG"


@pytest.fixture(autouse=True)
def _no_fallbacks():
    """Every function here is distributed: none may fall back to NumPy."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", distob.PerformanceWarning)
        yield


def values(dtype: str, shape: Any, spread: int = 40) -> np.ndarray:
    """Elements with many equal ones, both zeros and, where there are any, all sorts of not a number."""
    a = RNG.integers(0 if dtype in "?BHIL" else -spread, spread, shape).astype(dtype)
    if dtype in "FDG":
        a = a + (1j * RNG.integers(-2, 3, shape)).astype(dtype)
        a.imag[RNG.random(shape) < 0.05] = np.nan
    if dtype in "efdgFDG":
        a[RNG.random(shape) < 0.05] = np.nan
        a[RNG.random(shape) < 0.05] = -0.0
        a[RNG.random(shape) < 0.02] = np.inf
    return a.astype(dtype)


def check(function: Any, *arrays: np.ndarray) -> None:
    """The function gives the same, or the same error, with scattered arrays."""
    got = outcome(function, *(distob.scatter(a) for a in arrays))
    expected = outcome(function, *arrays)
    assert type(got) is type(expected) or not isinstance(expected, (Exception, tuple, list)), (got, expected)
    if isinstance(expected, Exception):
        assert str(got) == str(expected)
        return
    pairs = zip(got, expected, strict=True) if isinstance(expected, (tuple, list)) else [(got, expected)]
    for mine, theirs in pairs:
        mine, theirs = np.asarray(mine), np.asarray(theirs)
        assert mine.dtype == theirs.dtype
        assert mine.shape == theirs.shape
        np.testing.assert_array_equal(mine, theirs)
        for one, two in ((mine.real, theirs.real), (mine.imag, theirs.imag)) if theirs.dtype.kind in "fc" else ():
            np.testing.assert_array_equal(np.signbit(one), np.signbit(two))


def outcome(function: Any, *arrays: Any) -> Any:
    try:
        return function(*arrays)
    except (ValueError, TypeError, IndexError) as error:
        return error


# --- Sorting --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", [0, 1, 2, 300, 70_000])
def test_sorts_are_stable_for_every_dtype(dtype, n):
    a = values(dtype, n, spread=40 if n < 1000 else 30_000)
    check(lambda x: np.sort(x, kind="stable"), a)
    check(lambda x: np.argsort(x, kind="stable"), a)


@pytest.mark.parametrize("dtype", ["l", "d", "D", "g", "e"])
@pytest.mark.parametrize("axis", [0, 1, 2, -1, None])
def test_rows_are_sorted_along_any_axis(dtype, axis):
    a = values(dtype, (13, 50, 41))
    check(lambda x: np.sort(x, axis=axis, kind="stable"), a)
    check(lambda x: np.argsort(x, axis=axis, kind="stable"), a)
    check(lambda x: np.sort(x[::-2, :, 3:].T, axis=axis, kind="stable"), a)


def test_few_long_rows_are_sorted_by_all_threads():
    a = RNG.standard_normal((2, 100_000))
    a[1, ::7] = -0.0
    a[1, ::9] = 0.0
    a[0, ::11] = np.nan
    check(lambda x: np.sort(x, kind="stable"), a)
    check(lambda x: np.argsort(x.T, axis=0, kind="stable"), a)


@pytest.mark.parametrize("kind", ["datetime64[s]", "timedelta64[ns]"])
def test_times_are_sorted_with_those_that_are_none_at_the_end(kind):
    a = RNG.integers(-1000, 1000, 500).astype(kind)
    a[::50] = "NaT"
    for function in (
        np.sort,
        lambda x: np.argsort(x, kind="stable"),
        np.unique,
        lambda x: np.searchsorted(np.sort(x), x),
    ):
        check(function, a)


def test_other_byte_orders_are_sorted_and_stay():
    a = values("d", 1000).astype(">f8")
    check(lambda x: np.sort(x, kind="stable"), a)
    check(lambda x: np.argsort(x, kind="stable"), a)
    check(lambda x: np.unique(x, return_index=True), a)


def test_payloads_of_what_is_no_number_survive_a_sort():
    bits = np.array([0x7FF8000000000001, 0xFFF8000000000000, 0x3FF0000000000000, 0x7FF8000000000000], np.uint64)
    got = np.asarray(np.sort(distob.scatter(bits.view(float))))
    assert got.view(np.uint64).tolist() == [bits[2], bits[0], bits[1], bits[3]]


def test_sort_in_place_is_seen_through_views():
    a = values("d", (60, 70))
    d = distob.scatter(a)
    column = d[:, 3]
    d[:, 2:9].sort(axis=0)
    a[:, 2:9].sort(axis=0)
    np.testing.assert_array_equal(np.asarray(d), a)
    np.testing.assert_array_equal(np.asarray(column), a[:, 3])
    shown = np.asarray(d)
    d.sort()
    assert not np.array_equal(shown, np.asarray(d), equal_nan=True)  # a snapshot stays as it was


def test_sort_of_a_read_only_array_is_refused():
    d = np.broadcast_to(distob.scatter(np.arange(3.0)), (2, 3))
    with pytest.raises(ValueError, match="sort array is read-only"):
        d.sort()


@pytest.mark.parametrize(
    "function",
    [
        lambda x: np.sort(x, axis=3),
        lambda x: np.sort(x, kind="bubble"),
        lambda x: np.sort(x, kind="stable", stable=True),
        lambda x: np.sort(x, order="field"),
        lambda x: np.argsort(x, axis=-3),
        lambda x: np.partition(x, 7),
        lambda x: np.partition(x, 1.5),
        lambda x: np.argpartition(x, -8),
        lambda x: np.searchsorted(x[0], 1.0, "middle"),
        lambda x: np.searchsorted(x[0], 1.0, sorter=[0]),
        lambda x: np.searchsorted(x[0], 1.0, sorter=[9] * 7),
        lambda x: np.searchsorted(x[0], 1.0, sorter=[0.5] * 7),
        lambda x: np.median(x, axis=4),
        lambda x: np.quantile(x, 1.5),
        lambda x: np.quantile(x, 0.5, method="guess"),
        lambda x: np.histogram(x, bins=0),
        lambda x: np.histogram(x, bins=[2, 1]),
        lambda x: np.histogram(x, range=(2, 1)),
        lambda x: np.bincount(x[0]),
        lambda x: np.bincount((x[0] * 0).astype(int) - 1),
        lambda x: np.interp(x[0], [1.0], [1.0, 2.0]),
        lambda x: np.interp(x[0], [], []),
        lambda x: np.digitize(x, [0, 2, 1]),
        lambda x: np.isin(x, [1], kind="tabel"),
    ],
)
def test_errors_are_numpys(function):
    check(function, values("d", (3, 7)))


def test_partitions_are_sorts():
    a = values("d", 500)
    check(lambda x: np.partition(x, [3, 100])[[3, 100]], a)
    d = distob.scatter(a)
    np.testing.assert_array_equal(np.asarray(d[np.argpartition(d, 100)])[100], np.sort(a)[100])
    d.partition(100)
    np.testing.assert_array_equal(np.asarray(d)[100], np.sort(a)[100])
    assert d.partition == distob.scatter(a).partition  # the attribute still says how the array is cut


@pytest.mark.parametrize("dtype", DTYPES)
def test_lexsort_sorts_by_the_last_key_first(dtype):
    one, two, three = values(dtype, (3, 400))
    check(lambda *keys: np.lexsort(keys), one, two, three)
    check(lambda x, y: np.lexsort((x, y), axis=0), values(dtype, (30, 4)), values("l", (30, 4), spread=3))


# --- Searching ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("side", ["left", "right"])
def test_searchsorted_finds_the_places(dtype, side):
    among, wanted = values(dtype, 300), values(dtype, (7, 90))
    check(lambda x, y: np.searchsorted(np.sort(x), y, side), among, wanted)
    check(lambda x, y: np.searchsorted(x, y, side, sorter=np.argsort(x, kind="stable")), among, wanted)
    check(lambda x: np.searchsorted(x[0, :0], x, side), wanted)


def test_searchsorted_takes_numbers_and_mixed_dtypes():
    a = np.sort(values("l", 300))
    check(lambda x: np.searchsorted(x, 3), a)
    check(lambda x: np.searchsorted(x, [1.5, 2.5]), a)
    check(lambda x: x.searchsorted(np.float32(0.5), side="right"), a)
    check(lambda x: np.searchsorted(np.arange(5.0), x), a)


@pytest.mark.parametrize("dtype", "bhlLefd")
def test_digitize_and_isin(dtype):
    a = values(dtype, (9, 80))
    check(lambda x: np.digitize(x, [1, 5, 20]), a)
    check(lambda x: np.digitize(x, [20, 5, 1], right=True), a)
    check(lambda x: np.isin(x, [1, 5, 7]), a)
    check(lambda x: np.isin(x, np.nan, invert=True), a)
    check(lambda x: np.isin(3, x), a)


def test_interp_has_numpys_bits():
    points = np.sort(RNG.standard_normal(50))
    points[10] = points[11]
    heights = RNG.standard_normal(50)
    heights[[3, 4, 20]] = np.inf
    heights[30] = np.nan
    x = np.concatenate((RNG.standard_normal(5000) * 2, points, [np.nan, np.inf, -np.inf]))
    check(lambda at: np.interp(at, points, heights), x)
    check(lambda at, xp, fp: np.interp(at, xp, fp, left=-1, right=9), x[:4000].reshape(2, 2000), points, heights)
    check(lambda at: np.interp(at, [1.0], [2.0]), x)
    check(lambda at: np.interp(at, points, heights, period=3.5), x[:5000])
    check(lambda at: np.interp(at, points, heights + 1j * points), x)
    check(lambda xp: np.interp(0.3, xp, heights), points)


# --- Sets -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("equal_nan", [False, True])
def test_unique_returns_everything_asked_for(dtype, equal_nan):
    for shape in (0, 1, 700, (6, 50)):
        a = values(dtype, shape)
        check(lambda x: np.unique(x, return_index=True, equal_nan=equal_nan), a)
        check(lambda x: np.unique(x, True, True, True, equal_nan=equal_nan), a)
        if dtype not in "efdgFDG":
            check(np.unique, a)


def test_unique_of_a_large_array():
    check(lambda x: np.unique(x, True, True, True), RNG.integers(0, 5000, 200_000))
    check(lambda x: np.unique(x, return_inverse=True), np.round(RNG.standard_normal(200_000), 3))


# --- Quantiles ------------------------------------------------------------------------------------------------------

METHODS = [
    *("linear", "lower", "higher", "midpoint", "nearest", "inverted_cdf", "hazen", "weibull", "median_unbiased"),
    *("normal_unbiased", "closest_observation", "interpolated_inverted_cdf", "averaged_inverted_cdf"),
]


@pytest.mark.parametrize("method", METHODS)
def test_quantiles_by_every_method(method):
    a = RNG.standard_normal((6, 40))
    b = a.copy()
    b[2, 3] = np.nan
    for axis in (None, 0, 1, (0, 1)):
        for q in (0.3, 0, 1, [0.1, 0.5, 0.99], [[0.1, 0.2], [0.3, 0.4]]):
            check(lambda x, axis=axis, q=q: np.quantile(x, q, axis=axis, method=method), a)
            check(lambda x, axis=axis, q=q: np.quantile(x, q, axis=axis, method=method, keepdims=True), b)
    check(lambda x: np.percentile(x, 30, method=method), RNG.integers(0, 9, 101))
    check(lambda x: np.percentile(x, [30, 60], axis=0, method=method), a.astype(np.float32))


@pytest.mark.parametrize("dtype", "bBhlLefdg")
def test_medians(dtype):
    for shape in (1, 2, 9, (5, 6), (4, 3, 5)):
        a = values(dtype, shape)
        for axis in {None, 0, -1}:
            check(lambda x, axis=axis: np.median(x, axis=axis), a)
            check(lambda x, axis=axis: np.median(x, axis=axis, keepdims=True), np.abs(a))


@pytest.mark.parametrize("kind", ["spread", "equal", "two", "nan", "integers", "halves"])
def test_selection_in_a_long_row_finds_what_a_sort_finds(kind):
    n = 150_001
    a = {
        "spread": lambda: RNG.standard_normal(n),
        "equal": lambda: np.full(n, 3.5),
        "two": lambda: np.where(np.arange(n) % 5 == 0, -0.0, 0.0),
        "nan": lambda: np.where(np.arange(n) % 3 == 0, np.nan, np.arange(n)),
        "integers": lambda: RNG.integers(0, 50, n),
        "halves": lambda: RNG.standard_normal(n).astype(np.float16),
    }[kind]()
    ordered = np.sort(a, kind="stable")
    positions = [0, 1, n // 3, n // 2, n - 2, n - 1]
    got = np.asarray(distob._core.sorted_elements(distob.scatter(a), tuple(positions), 0))
    assert got.tobytes() == ordered[positions].tobytes()
    check(np.median, a)
    check(lambda x: np.quantile(x, [0.01, 0.25, 0.999]), a.astype(float))


def test_quantiles_into_out():
    a = RNG.standard_normal((5, 8))
    out, expected = distob.scatter(np.zeros(8)), np.zeros(8)
    np.median(distob.scatter(a), axis=0, out=out)
    np.median(a, axis=0, out=expected)
    np.testing.assert_array_equal(np.asarray(out), expected)


# --- Counting -------------------------------------------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # densities of bins without width, as NumPy
@pytest.mark.parametrize("dtype", "bBhlfd")
def test_histograms_have_numpys_counts(dtype):
    a = RNG.integers(0, 100, (30, 300)).astype(dtype) if dtype in "bBhl" else RNG.standard_normal(9000).astype(dtype)
    for bins, range in ((10, None), (7, (-1, 1)), (1000, (0, 99)), ([-1, 0, 0.5, 1], None), ([0, 0, 1, 1], None)):
        check(lambda x, bins=bins, range=range: np.histogram(x, bins, range), a)
        check(lambda x, bins=bins, range=range: np.histogram(x, bins, range, density=True), a)
        check(lambda x, bins=bins, range=range: np.histogram_bin_edges(x, bins, range), a)
    check(lambda x: np.histogram(x, 20, weights=np.abs(x)), a.astype(float))
    check(lambda x: np.histogram(x, "auto"), a)
    check(lambda x: np.histogram(x[..., :0]), a)


def test_weighted_histograms_of_several_blocks_have_numpys_bits():
    a, weights = RNG.standard_normal((2, 200_000))
    check(lambda x, w: np.histogram(x, 50, (-2, 2), weights=w), a, weights)


@pytest.mark.parametrize("dtype", "?bBhil")
def test_bincount(dtype):
    a = np.abs(values(dtype, 3000))
    check(np.bincount, a)
    check(lambda x: np.bincount(x, minlength=300), a)
    check(lambda x: np.bincount(x, weights=np.sqrt(x.astype(float))), a)
    check(lambda x: np.bincount(x[:0]), a)
    check(lambda x: np.bincount(x, weights=x[1:]), a)


def test_results_do_not_depend_on_threads():
    a = RNG.standard_normal(120_000)
    a[::5] = -0.0
    a[::7] = 0.0
    i = RNG.integers(0, 900, a.size)
    d, e = distob.scatter(a), distob.scatter(i)
    before = distob.threads()
    try:
        results = []
        for n in (1, 2, 3, 5):
            distob.set_threads(n)
            made = [np.sort(d), np.argsort(d), np.median(d), np.bincount(e, weights=d), *np.unique(d, True, True, True)]
            made += [*np.histogram(d, 30, weights=d), np.lexsort((d, e)), np.argsort(e)]
            results.append([np.asarray(m).tobytes() for m in made])
    finally:
        distob.set_threads(before)
    assert all(result == results[0] for result in results)


NUMBERS = st.one_of(st.integers(-3, 3).map(float), st.sampled_from([np.nan, -0.0, np.inf, -np.inf]))


@hypothesis.settings(deadline=None, max_examples=150, derandomize=True)
@hypothesis.given(
    a=hnp.arrays(st.sampled_from([np.float64, np.float32, np.float16]), hnp.array_shapes(max_dims=3, max_side=7), elements=NUMBERS),
    data=st.data(),
)  # fmt: skip
def test_any_view_is_sorted_and_selected_as_by_numpy(a, data):
    index = data.draw(hnp.basic_indices(a.shape))
    axis = data.draw(st.integers(0, a.ndim - 1))
    block = data.draw(st.integers(1, 4))
    d = distob.scatter(a, axis=axis, blocksize=block)
    part, expected = d[index], a[index]
    if np.ndim(expected) == 0:
        return
    along = data.draw(st.integers(-np.ndim(expected), np.ndim(expected) - 1))
    for function in (
        lambda x: np.sort(x, axis=along, kind="stable"),
        lambda x: np.argsort(x, axis=along, kind="stable"),
        lambda x: np.unique(x, return_index=True, return_counts=True),
    ):
        got, want = function(part), function(expected)
        for mine, theirs in zip(got, want, strict=True) if isinstance(want, tuple) else [(got, want)]:
            assert np.asarray(mine).tobytes() == np.ascontiguousarray(theirs).tobytes()
    if expected.size:
        np.testing.assert_array_equal(np.asarray(np.median(part, axis=along)), np.median(expected, axis=along))


@pytest.mark.filterwarnings("ignore:All-NaN")
@pytest.mark.parametrize("q", [0.3, [0.1, 0.9]])
def test_quantiles_without_what_is_no_number(q):
    a = RNG.standard_normal((7, 30))
    a[RNG.random(a.shape) < 0.2] = np.nan
    for array in (a, a[0], np.full(5, np.nan), a.astype(np.float32), np.arange(9)):
        check(np.nanmedian, array)
        check(lambda x: np.nanquantile(x, q), array)
        check(lambda x: np.nanpercentile(x, q, method="lower", keepdims=True), array)
