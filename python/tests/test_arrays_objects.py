"""Arrays of Python objects and variable-width strings, whose blocks live in engines."""

from __future__ import annotations

import copy
import pickle
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import distob
from distob import DistArray, RemoteArray

STRING = np.dtypes.StringDType()


def fractions(*shape: int) -> np.ndarray:
    return np.array([Fraction(i, 3) for i in range(int(np.prod(shape)))], object).reshape(shape)


@pytest.fixture(autouse=True)
def _engines(cluster: Any) -> None:
    """All tests here need engines."""


def same(distributed: Any, local: Any) -> None:
    assert isinstance(distributed, (DistArray, RemoteArray))
    assert (distributed.shape, distributed.dtype) == (local.shape, local.dtype)
    assert np.asarray(distributed).tolist() == local.tolist()


@pytest.mark.parametrize("axis", [0, 1, -1, None])
@pytest.mark.parametrize("blocksize", [None, 1, 2])
def test_they_are_cut_over_the_engines_and_come_back(axis: Any, blocksize: Any) -> None:
    local = fractions(4, 5)
    d = distob.scatter(local, axis=axis, blocksize=blocksize)
    assert isinstance(d, RemoteArray if axis is None else DistArray)
    assert not isinstance(d, DistArray if axis is None else RemoteArray)
    assert (d.shape, d.ndim, d.size, len(d), d.dtype) == ((4, 5), 2, 20, 4, np.dtype(object))
    assert axis is None or len(set(d.engines)) == 2
    gathered = distob.gather(d)
    assert type(gathered) is np.ndarray and gathered.tolist() == local.tolist()
    same(d, local)
    assert repr(d) == ("RemoteArray" if axis is None else "DistArray") + repr(local).removeprefix("array").replace(
        "\n     ", "\n" + " " * (11 if axis is None else 9)
    )


_items = st.one_of(st.integers(-7, 6), st.slices(7), st.none(), st.just(Ellipsis))


@given(st.lists(_items, max_size=4), st.sampled_from([0, 1, None]), st.booleans())
def test_basic_indexing_is_numpys(items: list[Any], axis: Any, write: bool) -> None:
    index = tuple(items)
    local = fractions(7, 6)
    d = distob.scatter(local, axis=axis, blocksize=3)
    try:
        expected = local[index]
    except IndexError as error:
        with pytest.raises(IndexError) as raised:
            d[index]
        assert str(raised.value) == str(error)
        return
    if isinstance(expected, np.ndarray):
        same(d[index], expected)
    else:
        assert d[index] == expected
    if write:
        values = np.arange(expected.size).reshape(expected.shape) if isinstance(expected, np.ndarray) else "x"
        local[index] = values
        d[index] = values
        same(d, local)


def test_slices_are_views() -> None:
    local = fractions(10)
    d = distob.scatter(local)
    view, expected = d[8:1:-2], local[8:1:-2]
    view[1:] = -1
    expected[1:] = -1
    same(d, local)
    d[...] = 5
    assert view.tolist() == [5] * 4
    d.T[0] = 6
    assert d[0] == 6


def test_masks_and_integers_along_the_cut() -> None:
    local = fractions(9)
    d = distob.scatter(local)
    mask = np.arange(9) % 3 != 0
    same(d[mask], local[mask])
    same(d[distob.scatter(mask)], local[mask])
    for where in ([8, 0, 0, -1, 4], [], np.array([2, 3])):
        same(d[where], local[np.asarray(where, int)])
    d[mask] = 7
    local[mask] = 7
    d[[0, 8]] = [1, "two"]
    local[[0, 8]] = np.array([1, "two"], object)
    same(d, local)
    same(d[d == 7], local[local == 7])
    with pytest.raises(IndexError):
        d[[9]]
    with pytest.raises(NotImplementedError, match="gather"):
        distob.scatter(fractions(4, 4), axis=0)[[0, 1], [1, 2]]


def test_elementwise_work_runs_in_the_engines() -> None:
    local = fractions(4, 5)
    d = distob.scatter(local, axis=1)
    other = distob.scatter(fractions(4, 5) + 1, axis=0)
    native = distob.scatter(np.arange(20).reshape(4, 5))
    same(d + 1, local + 1)
    same(1 / (d + 1), 1 / (local + 1))
    same(d * other, local * (local + 1))
    same(d - native, local - np.arange(20).reshape(4, 5))
    same(native - d, np.arange(20).reshape(4, 5) - local)
    same(d + np.arange(5), local + np.arange(5))
    same(-d, -local)
    same(np.add(d, [[1]]), np.add(local, [[1]]))
    for result, expected in ((d > 2, local > 2), (d == other, local == local + 1), (d == "a", local == "a")):
        assert result.dtype == np.bool_
        same(result, expected)
    view = d[1:]
    d += 10
    d[0] **= 2
    local += 10
    local[0] **= 2
    same(d, local)
    same(view, local[1:])
    with pytest.raises((TypeError, ExceptionGroup)):
        d + "text"
    with pytest.raises(ValueError, match="broadcast"):
        d + np.zeros(3)


def test_strings() -> None:
    local = np.array(["one", "two words", "", "four"], STRING)
    d = distob.scatter(local)
    same(d, local)
    assert d[1] == "two words" and list(d) == local.tolist() and "four" in d
    same(d + "!", local + "!")
    same(d == "four", local == "four")
    same(np.strings.str_len(d), np.strings.str_len(local))
    d[0] = "1"
    d[-1:] = "4"
    local[0], local[-1] = "1", "4"
    same(d, local)
    same(np.sort(d), np.sort(local))


@pytest.mark.filterwarnings("ignore::distob.PerformanceWarning")
def test_reductions_are_numpys_in_its_order() -> None:
    local = np.array([0.1, 0.2, 0.3, 1e16, -1e16, 3], object)
    d = distob.scatter(local, blocksize=2)
    assert d.sum() == local.sum() and np.prod(d[:3]) == np.prod(local[:3])
    assert (d.max(), d.min(), d.argmax()) == (local.max(), local.min(), local.argmax())
    assert np.add.reduce(distob.scatter(np.array(["a", "b", "c"], object))) == "abc"
    table = fractions(3, 4)
    t = distob.scatter(table, axis=1)
    assert t.sum() == table.sum()
    for axis in (0, 1):
        assert np.asarray(t.sum(axis=axis)).tolist() == table.sum(axis=axis).tolist()
    same(np.concatenate([t, t]), np.concatenate([table, table]))
    same(np.cumsum(t, axis=1), np.cumsum(table, axis=1))
    assert t.mean() == table.mean() and bool(t.any())


def test_dtypes_change_there_and_back() -> None:
    local = np.array([1, 2.5, True], object)
    d = distob.scatter(local)
    numbers = d.astype(float)
    assert type(numbers) is DistArray and numbers.tolist() == [1, 2.5, 1]
    same(distob.scatter(np.asarray(numbers.astype(object))), numbers.tolist() and np.array([1, 2.5, 1.0], object))
    same(d.astype(STRING), local.astype(STRING))
    with pytest.raises((ValueError, ExceptionGroup)):
        distob.scatter(np.array(["x", 1], object)).astype(int)


def test_elements_that_change_are_reached() -> None:
    local = np.empty(3, object)
    local[:] = [[1], [2], {"a": 1}]
    d = distob.scatter(local)
    d[0].append(5)
    d[-1]["b"] = 2
    assert distob.gather(d).tolist() == [[1, 5], [2], {"a": 1, "b": 2}]
    for item in d:
        item.clear()
    assert np.asarray(d).tolist() == [[], [], {}]


def test_functions_over_blocks() -> None:
    local = fractions(8)
    d = distob.scatter(local, blocksize=3)
    same(distob.apply(lambda block, k: block * k, d, 2), local * 2)
    assert distob.vectorize(len)(d) == [3, 3, 2]

    def clear(block: np.ndarray) -> None:
        block[:] = 0

    distob.apply(clear, d)
    assert d.tolist() == [0] * 8


def test_parts_are_joined_where_they_are() -> None:
    one, other = distob.scatter(fractions(3), axis=None), distob.scatter(fractions(2), axis=None)
    both = DistArray([one, other])
    same(both, np.concatenate([fractions(3), fractions(2)]))
    both[3] = "new"
    assert other[0] == "new"
    with pytest.raises(ValueError, match="same dtype"):
        DistArray([one, distob.scatter(np.arange(3), axis=None)])


def test_copies_are_copies() -> None:
    d = distob.scatter(fractions(5))
    for other in (d.copy(), copy.copy(d), copy.deepcopy(d)):
        other[0] = "changed"
        assert d[0] == 0
    assert pickle.loads(pickle.dumps(d)).tolist() == d.tolist()

    def write(x: np.ndarray) -> None:
        x[0] = 1

    with pytest.raises(ValueError, match="read-only"):
        distob.call(write, d)


def test_empty_and_without_axes() -> None:
    same(distob.scatter(np.empty((0, 3), object), axis=0), np.empty((0, 3), object))
    same(distob.scatter(fractions(4))[4:], fractions(4)[4:])
    one = distob.scatter(np.array({"a": 1}, object))
    assert one.shape == () and one[()]["a"] == 1
    with pytest.raises(TypeError):
        len(one)
    with pytest.raises(TypeError):
        iter(one)


def test_blocks_are_freed_with_the_array(cluster: Any) -> None:
    before = distob.call(lambda: distob._core.engine_link().number_of_objects())
    d = distob.scatter(fractions(100), axis=None)
    e = (d + 1)[::2]
    del d, e
    for _ in range(4):
        distob.call(abs, 1)
    assert distob.call(lambda: distob._core.engine_link().number_of_objects()) <= before
