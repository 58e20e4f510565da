"""Indexing by arrays and masks, and the functions that pick elements, give what NumPy gives, errors included."""

from __future__ import annotations

import operator
import threading
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import distob

RUNS = settings(suppress_health_check=list(HealthCheck))


@pytest.fixture(autouse=True)
def _nothing_falls_back() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("error", distob.PerformanceWarning)
        yield


def outcome(work: Callable[..., Any], *args: Any) -> Any:
    """What `work` returns, as values that compare; or its error, type and words."""
    try:
        result = work(*args)
    except Exception as e:
        return type(e), str(e)
    if isinstance(result, tuple):
        return tuple(outcome(lambda one=one: one) for one in result)
    local = np.asarray(result)
    return local.dtype, local.shape, local.tobytes()


def check(work: Callable[..., Any], *arrays: np.ndarray) -> None:
    """`work` gives the same for arrays and for scattered copies, and leaves the same in them."""

    def run(copies: list[Any]) -> Any:
        return outcome(work, *copies), [outcome(lambda one=one: one) for one in copies]

    assert run([distob.scatter(a) for a in arrays]) == run([a.copy() for a in arrays])


def writing(work: Callable[..., Any]) -> Callable[..., Any]:
    """Work that returns nothing."""

    def run(*args: Any) -> None:
        assert work(*args) is None

    return run


# --- Random indices -----------------------------------------------------------------------------------------------------


@st.composite
def placed(draw: Any) -> tuple[np.ndarray, Any]:
    """An array, and a distributed copy cut, joined or seen in some way."""
    shape = tuple(draw(st.lists(st.integers(0, 5), min_size=0, max_size=3)))
    dtype = draw(st.sampled_from(["f8", "i8", "i1", "?", "c16", "f2", ">i4", "M8[s]", "S3", "i4,f8"]))
    local = np.arange(int(np.prod(shape, dtype=int))).reshape(shape)
    local = local.astype("i8").astype(dtype) if dtype != "i4,f8" else np.zeros(shape, dtype)
    way = draw(st.sampled_from(["whole", "cut", "joined", "turned", "stepped"]))
    if not shape or way == "whole":
        return local, distob.scatter(local, axis=None)
    axis = draw(st.integers(0, len(shape) - 1))
    if way == "cut":
        return local, distob.scatter(local, axis=axis, blocksize=draw(st.integers(1, 3)))
    if way == "joined":
        parts = [distob.scatter(p.copy(), axis=None) for p in np.array_split(local, 2, axis)]
        return local, distob.DistArray(parts, axis)
    if way == "turned":
        return local, distob.scatter(local.T.copy()).T
    backwards = tuple(slice(None, None, -1) for _ in shape)
    return local, distob.scatter(local[backwards].copy())[backwards]


@st.composite
def indices(draw: Any, shape: tuple[int, ...]) -> Any:
    """An index that often fits, with at least one array in it most of the time."""
    parts: list[Any] = []
    common = draw(st.sampled_from([(), (1,), (3,), (2, 3), (0,)]))
    axis = 0
    while axis < len(shape) and draw(st.integers(0, 9)):
        extent = shape[axis]
        kind = draw(st.sampled_from("aaaammsine"))
        if kind == "m":
            ndim = draw(st.integers(0, min(2, len(shape) - axis)))
            parts.append(
                np.array(draw(st.lists(st.booleans(), min_size=16, max_size=16)))
                .repeat(2)[: int(np.prod(shape[axis : axis + ndim], dtype=int))]
                .reshape(shape[axis : axis + ndim])
                if np.prod(shape[axis : axis + ndim], dtype=int) <= 32
                else True
            )
            axis += ndim
            continue
        if kind == "n":
            parts.append(None)
            continue
        if kind == "e" and Ellipsis not in [p for p in parts if p is Ellipsis]:
            parts.append(Ellipsis)
            axis += draw(st.integers(0, 1))
            continue
        axis += 1
        if kind == "s":
            step = draw(st.sampled_from([1, 2, -1, None]))
            parts.append(slice(draw(st.integers(-3, 3)), None, step))
        elif kind == "i":
            parts.append(draw(st.integers(-extent, extent)) if extent else 0)
        else:
            own = draw(st.sampled_from([common, common[-1:], (1,) * len(common)]))
            most = max(extent, 1)
            wrong = draw(st.integers(0, 30)) == 0
            count = int(np.prod(own, dtype=int))
            values = draw(st.lists(st.integers(-most, most if wrong else most - 1), min_size=count, max_size=count))
            made = np.array(values, draw(st.sampled_from(["i8", "i8", "i2", ">i4"]))).reshape(own)
            parts.append(made if draw(st.booleans()) else made.tolist())
    return tuple(parts) if len(parts) != 1 or draw(st.booleans()) else parts[0]


def distributed(index: Any) -> Any:
    """The same index with its arrays distributed."""
    if isinstance(index, tuple):
        return tuple(distributed(part) for part in index)
    return distob.scatter(index) if isinstance(index, np.ndarray) else index


@RUNS
@given(st.data())
def test_reading_by_any_index_is_numpys(data: Any) -> None:
    local, ours = data.draw(placed())
    index = data.draw(indices(local.shape))
    expected = outcome(lambda: local[index])
    assert outcome(lambda: ours[index]) == expected
    assert outcome(lambda: ours[distributed(index)]) == expected


@RUNS
@given(st.data())
def test_writing_by_any_index_is_numpys(data: Any) -> None:
    local, ours = data.draw(placed())
    index = data.draw(indices(local.shape))
    shape = getattr(outcome(lambda: local[index]), "__getitem__", lambda i: ())(1)
    shape = shape if isinstance(shape, tuple) else (2,)
    lengths = data.draw(st.sampled_from([shape, shape[-1:], (), (1, *shape), (2,), (1,) * len(shape)]))
    value = np.arange(100, 100 + int(np.prod(lengths, dtype=int))).reshape(lengths)
    if local.dtype.kind != "V":
        value = value.astype(data.draw(st.sampled_from([local.dtype, np.dtype("i8")])))
    if local.dtype.kind in "MV":
        value = np.zeros(lengths, local.dtype)
    if local.dtype.kind in "MSV" and not shape:
        value = value[(0,) * value.ndim]  # whether an array with axes is one such element NumPy answers by type
    ours_value = distob.scatter(value) if data.draw(st.booleans()) else value

    def write(array: Any, value: Any) -> None:
        array[index] = value

    assert outcome(write, ours, ours_value) == outcome(write, local, value)
    assert outcome(lambda: ours) == outcome(lambda: local)


@RUNS
@given(st.data())
def test_in_place_operators_on_picked_elements_are_numpys(data: Any) -> None:
    local, ours = data.draw(placed())
    index = data.draw(indices(local.shape))
    if local.dtype.kind not in "ifc":
        return

    def update(array: Any) -> None:
        array[index] += 3

    assert outcome(update, ours) == outcome(update, local)
    assert outcome(lambda: ours) == outcome(lambda: local)


# --- Words and corners ----------------------------------------------------------------------------------------------------

B = np.arange(12.0).reshape(3, 4)


@pytest.mark.parametrize(
    "index",
    [
        1.0, "x", [0.5], np.array([0.5]), [True], np.ones((3, 5), bool), np.ones((3, 4, 1), bool), ([0],) * 3,
        (Ellipsis, Ellipsis), [], np.array([]), {1}, object(), (np.zeros(0, int), 99), ([1, 2], [7, 8]), ([9], 7), 2**70,
        [2**70], np.array([2**64 - 1], np.uint64), (slice(None), np.array([True, False, True])), np.bool_(True),
        (np.int8(1), [0, 1]), [[]], np.array(1), (np.array(1), slice(None)), True, False, (False, [0, 1]), [[0, 1], [0]],
    ],
    ids=repr,
)  # fmt: skip
def test_odd_indices_are_taken_or_refused_in_numpys_words(index: Any) -> None:
    check(lambda a: a[index], B)
    for value in (7, [1, 2], np.zeros((2, 2)), "x"):
        check(writing(lambda a, value=value: operator.setitem(a, index, value)), B)


def test_more_index_arrays_than_numpy_takes_are_refused() -> None:
    for index in ((True,) * 64, (True,) * 80, (np.array([0]),) * 64, (slice(0.0, None), 0.0), (slice(0.5, None), [0])):
        check(lambda a, index=index: a[index], np.zeros(1))
        check(lambda a, index=index: a[index], np.ones((1,) * 64))


def test_results_have_numpys_order_in_memory() -> None:
    a = np.arange(120).reshape(2, 3, 4, 5)
    f = np.asfortranarray([[0, 1, 1], [1, 0, 0]])
    for index in ((slice(None), [0, 1]), [1, 0], f, (f, f), (slice(None), f), (f, f, f, f), np.ix_([0, 1], [1, 2])):
        assert distob.scatter(a)[index].strides == a[index].strides
    a = distob.scatter(np.zeros(2))
    a[f] = np.asfortranarray([[1, 2, 3], [4, 5, 6]])  # which write is the last one depends on it too
    expected = np.zeros(2)
    expected[f] = np.asfortranarray([[1, 2, 3], [4, 5, 6]])
    assert a.tolist() == expected.tolist()


def test_a_value_that_overlaps_the_target_is_read_first() -> None:
    check(writing(lambda a: operator.setitem(a, [0, 1, 2], a[[3, 4, 5]])), np.arange(6))
    check(writing(lambda a: operator.setitem(a, [1, 2, 3], a[:3])), np.arange(6))
    check(writing(lambda a: operator.setitem(a, a, a[::-1])), np.arange(6)[::-1].copy())
    check(writing(lambda a: operator.setitem(a, a > 2, a[:3])), np.arange(6))
    check(writing(lambda a: operator.setitem(a, a, 5)), np.array([True, False, True]))


def test_snapshots_and_views_taken_before_keep_their_promise() -> None:
    a = distob.scatter(np.arange(6))
    before, view = np.asarray(a), a[::2]
    a[[0, 1]] = -1
    a[a > 4] = -2
    assert before.tolist() == [0, 1, 2, 3, 4, 5]
    assert view.tolist() == [-1, 2, 4] and a.tolist() == [-1, -1, 2, 3, 4, -2]


def test_indexed_work_takes_its_turn_after_work_that_is_still_to_run() -> None:
    x = distob.scatter(np.zeros(200_000))
    for round_number in range(1, 20):
        x += 1
        x[x > 0] *= 2
        x[[0, -1]] = round_number
        assert x[[0, 1, -1]].tolist()[0] == round_number
    expected = np.zeros(3)
    for round_number in range(1, 20):
        expected = (expected + 1) * 2
        expected[[0, 2]] = round_number
    assert x[[0, 1, -1]].tolist() == expected.tolist()


def test_two_threads_writing_the_same_array_leave_one_of_their_values_everywhere() -> None:
    x = distob.scatter(np.zeros(100_000))
    where = np.arange(100_000)

    def write(value: float) -> None:
        for _ in range(5):
            x[where] = value

    threads = [threading.Thread(target=write, args=(v,)) for v in (1.0, 2.0)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(np.asarray(x).tolist())) == 1  # each write is one entry of the sequence


@pytest.mark.parametrize("threads", [1, 2, 3, 5])
def test_large_arrays_are_indexed_alike_on_any_number_of_threads(threads: int) -> None:
    before = distob.threads()
    distob.set_threads(threads)
    try:
        rng = np.random.default_rng(3)
        n = 100_000
        local, index, values = rng.random(n), rng.integers(-n, n, 2 * n), rng.random(2 * n)
        mask = local > 0.3
        ours = distob.scatter(local)
        assert outcome(lambda: ours[distob.scatter(mask)]) == outcome(lambda: local[mask])
        assert outcome(lambda: ours[index]) == outcome(lambda: local[index])
        assert outcome(lambda: ours.nonzero()) == outcome(lambda: local.nonzero())
        assert outcome(lambda: (ours > 0.5).reshape(100, -1).nonzero()) == outcome(
            lambda: (local > 0.5).reshape(100, -1).nonzero()
        )
        for a in (local, ours):
            a[index] = values
            a[mask] = values[: mask.sum()]
            np.add.at(a, index % 1000, values)
            np.maximum.at(a, index, values)
            a.reshape(100, -1)[:, index[:50] % 1000] = values[:100, np.newaxis]
        assert outcome(lambda: ours) == outcome(lambda: local)
        rows = local.reshape(1000, -1)
        picked = index[:700] % 1000
        assert outcome(lambda: ours.reshape(1000, -1)[picked]) == outcome(lambda: rows[picked])
        assert outcome(lambda: ours.reshape(1000, -1).take(picked % 100, 1)) == outcome(
            lambda: rows.take(picked % 100, 1)
        )
    finally:
        distob.set_threads(before)


# --- Functions ------------------------------------------------------------------------------------------------------------

I = np.array([0, 2, -1])  # noqa: E741
C = np.arange(24).reshape(2, 3, 4)
A = np.arange(6)


@pytest.mark.parametrize("mode", ["raise", "wrap", "clip", "x"])
def test_take_put_and_choose(mode: str) -> None:
    picks: list[Any] = [
        I, [50, 0], [[0, 1], [-3, 2]], 2, [], np.array([0.5]), [True, False], np.array([1], np.uint64), np.zeros((0, 2), int),
    ]  # fmt: skip
    for pick in picks:
        for axis in (None, 0, 1, -1, 5):
            check(lambda a, pick=pick, axis=axis: np.take(a, pick, axis=axis, mode=mode), B)
        check(lambda a, pick=pick: np.take(a, pick, mode=mode), np.array(4))
        for values in (9, [1.5], [7, 8], [], np.arange(30.0)):
            check(writing(lambda a, pick=pick, values=values: np.put(a, pick, values, mode=mode)), B)
            check(writing(lambda a, pick=pick, values=values: a.T.put(pick, values, mode)), B)
    check(lambda a, b: np.take(a, b, 1, mode=mode), B, I)
    for index in ([0, 1, 1], [0, 1, -1]):
        check(lambda a, b: np.choose(a, [b, b * 2], mode=mode), np.array(index), np.arange(3))
        check(lambda a, b: np.choose(a, [b, 2.5], mode=mode), np.array(index), np.arange(3))
    check(lambda a: np.take(a, [0, 1], 0, out=np.empty((2, 4)), mode=mode), B)


def test_choose_takes_rows_and_refuses_what_numpy_refuses() -> None:
    check(lambda a: np.choose([0, 1, 1], a), A.reshape(2, 3))
    check(lambda a: np.choose([0, 1, 2], a), A.reshape(2, 3))
    check(lambda a: np.choose([0.5], [a]), A)
    check(lambda a: a.choose([]), A)
    check(lambda a: a.choose([[1, 2], [3, 4]]), np.array([True, False]))


@pytest.mark.parametrize(
    "condition", [[0, 1], [[1]], [0] * 6 + [1], [1, 0, 1], np.array([True, False, True])], ids=repr
)
def test_compress(condition: Any) -> None:
    check(lambda a: np.compress(condition, a), A)
    check(lambda a: a.compress(condition, axis=0), B)
    check(lambda a: np.compress(condition, a, axis=1), B)
    check(lambda a, c: np.compress(c, a, axis=0), B, np.asarray(condition))


@pytest.mark.parametrize("values", [[1, 2], [], 7, [1.5], np.array([1.5]), "x", np.arange(30)], ids=repr)
def test_place_and_putmask(values: Any) -> None:
    for mask in ([1, 0], A > 2, A > 20, [0, 2, 0, 3, 0, 0], (A > 2).reshape(2, 3)):
        for dtype in ("i8", "f4"):
            check(writing(lambda a, mask=mask: np.place(a, mask, values)), A.astype(dtype))
            check(writing(lambda a, mask=mask: np.putmask(a, mask, values)), A.astype(dtype))


@pytest.mark.parametrize(
    "a",
    [
        B,
        A,
        C,
        B > 4,
        np.array(3),
        np.zeros((0, 3)),
        B * 1j,
        np.array([np.nan, 0.0, -0.0]),
        B.astype("f2"),
        B.astype(">i4"),
    ],
    ids=lambda a: f"{a.dtype}{a.shape}",
)
def test_where_elements_are_not_zero(a: np.ndarray) -> None:
    for function in (np.nonzero, np.argwhere, np.flatnonzero, np.where):
        check(lambda x, function=function: function(x), a)
    check(lambda x: x.nonzero(), a)
    check(lambda x: np.extract(x > 4, x), B)
    check(lambda x: np.extract([[1, 0, 1, 1]] * 3, x), B)


def test_along_an_axis() -> None:
    check(lambda a, i: np.take_along_axis(a, i, 0), B, np.array([[0, 1, 2, 1]]))
    for index, axis in (([[0, 1, 2, 1]], 0), ([0, 11], None), ([[9]], 0), ([9], 0), ([[0.5]], 0)):
        check(lambda a, index=index, axis=axis: np.take_along_axis(a, np.array(index), axis), B)
        check(writing(lambda a, index=index, axis=axis: np.put_along_axis(a, np.array(index), 99, axis)), B)
    check(writing(lambda a: np.put_along_axis(a, np.array([[0], [1], [-1]]), [[5], [6], [7]], 1)), B)
    check(lambda a: B[tuple(np.asarray(i) for i in np.ix_(a, [1, 2]))], np.array([0, 1]))
    check(lambda a: distob.scatter(B)[np.ix_(a > 0, [1, 2])], np.array([0, 1]))


def test_select_and_piecewise() -> None:
    check(lambda x: np.select([x < 3, x > 5], [x, x**2], 42), A)
    check(lambda x: np.select([x < 3, x > 5], [1, 2.5]), A)
    check(lambda x: np.select([x], [x]), A)
    check(lambda x: np.select([x > 1], [x, x]), A)
    check(lambda x: np.select([x > 1, [True, False, True, False]], [x, 7], -1.0), B)
    check(lambda x: np.piecewise(x, [x < 3, x >= 3], [-1, lambda v: v * 10]), B)
    check(lambda x: np.piecewise(x, [x < 3], [-1, 5]), B)
    check(lambda x: np.piecewise(x, x < 3, [-1, 5]), B)
    check(lambda x: np.piecewise(x, [x < 3, x > 4, x > 5], [-1]), B)
    check(lambda x: np.piecewise(x, [x < 3, x > 4], [lambda v, k: v + k, lambda v, k: v * k, lambda v, k: -v], 3), B)


@pytest.mark.parametrize("shape", [(3, 3), (5, 3), (3, 5), (3, 3, 3), (3,), (2, 3, 3), (7, 2), (0, 3)])
@pytest.mark.parametrize("wrap", [False, True])
def test_fill_diagonal(shape: tuple[int, ...], wrap: bool) -> None:
    for value in (5, [1, 2], np.arange(9.0), []):
        check(writing(lambda a, value=value: np.fill_diagonal(a, value, wrap)), np.zeros(shape))


@pytest.mark.parametrize("k", [-4, -1, 0, 2, 5])
def test_diagonals_and_triangles(k: int) -> None:
    for a in (A, B, C, np.zeros((0, 3)), np.array(3)):
        for function in (
            np.diag,
            np.diagflat,
            np.tril,
            np.triu,
            np.diagonal,
            np.tril_indices_from,
            np.triu_indices_from,
        ):
            check(lambda x, function=function: function(x, k), a)
        check(lambda x: x.diagonal(k, 1, 2), a)
        check(lambda x: x.diagonal(k, -1, 0), a)


def test_a_diagonal_is_a_view_that_may_not_be_written() -> None:
    a = distob.scatter(B)
    diagonal = np.diagonal(a)
    a[[1], [1]] = 70
    a[0] = -1
    assert diagonal.tolist() == [-1, 70, 10]
    assert not diagonal.flags.writeable
    with pytest.raises(ValueError, match="assignment destination is read-only"):
        diagonal[0] = 1


@pytest.mark.parametrize(
    "obj", [1, -1, [0, 2], slice(0, 2), [True, False, True], np.array([1]), [], 7, [0, 5]], ids=repr
)
def test_delete_and_insert(obj: Any) -> None:
    for axis in (0, 1, None):
        check(lambda a, axis=axis: np.delete(a, obj, axis), B)
        check(lambda a, axis=axis: np.insert(a, obj, 9.5, axis), B)


def test_repeat_and_copyto() -> None:
    check(lambda a: np.repeat(a, [1, 0, 2], 0), B)
    check(lambda a: a.repeat([1, 2], 0), B)
    check(writing(lambda a: np.copyto(a, 5, where=a > 3)), B)
    check(writing(lambda a: np.copyto(a, [1, 2, 3, 4], where=[[True], [False], [True]])), B)
    check(writing(lambda a: np.copyto(a, 1.5)), A)
    check(writing(lambda a: np.copyto(a, [1.5] * 6)), A)
    check(writing(lambda a: np.copyto(a, [1.5] * 6, casting="unsafe", where=a > 2)), A)


@pytest.mark.parametrize("dtype", list("?bBhHiIlLefdFD"))
def test_ufunc_at_counts_every_repetition(dtype: str) -> None:
    rng = np.random.default_rng(1)
    a, index = rng.integers(0, 100, 50).astype(dtype), rng.integers(0, 50, 300)
    for ufunc in (np.add, np.multiply, np.subtract, np.maximum, np.minimum, np.bitwise_and, np.negative):
        for value in (1, 2.5, rng.integers(0, 5, 300).astype(dtype), rng.random(300)):

            def apply(x: Any, ufunc: Any = ufunc, value: Any = value) -> None:
                with warnings.catch_warnings(), np.errstate(all="ignore"):
                    warnings.simplefilter("ignore")  # what has no loop NumPy refuses
                    ufunc.at(x, index) if ufunc.nin == 1 else ufunc.at(x, index, value)

            check(apply, a)


@pytest.mark.parametrize(
    "index",
    [
        [0, 0, 1],
        (slice(None), [1, 1]),
        ([0, 0], [1, 1]),
        B > 4,
        slice(0, 2),
        1,
        (1, 1),
        Ellipsis,
        [0, 9],
        (None, [0, 0]),
    ],
    ids=repr,
)
def test_ufunc_at_takes_any_index(index: Any) -> None:
    for value in (1.5, [1, 2, 3], np.arange(4.0), np.array([[1.0], [2.0]])):
        check(writing(lambda a, value=value: np.add.at(a, index, value)), B)
        check(writing(lambda a, value=value: np.copysign.at(a, index, value)), B)
    check(writing(lambda a: np.negative.at(a, index)), B)


def test_ufunc_at_warns_of_float_errors_as_the_ufunc_does() -> None:
    a = distob.scatter(np.full(3, 1e308))
    with pytest.warns(RuntimeWarning, match="overflow encountered in add"):
        np.add.at(a, [0, 0], 1e308)
        distob.sync()
        a + 1
    with np.errstate(over="raise"), pytest.raises(FloatingPointError, match="overflow encountered in add"):
        np.add.at(a, [1, 1], 1e308)
