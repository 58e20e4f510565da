"""Small things of ndarray that programs rely on, most of them asked for by NumPy's own tests."""

import copy
import pickle
from typing import Any

import numpy as np
import pytest

import distob


def both(shape: tuple[int, ...], axis: int = -1, blocksize: int | None = None) -> tuple[np.ndarray, Any]:
    a = np.arange(float(np.prod(shape))).reshape(shape)
    return a.copy(), distob.scatter(a, axis=axis, blocksize=blocksize)


def in_pieces() -> tuple[np.ndarray, Any]:
    a = np.arange(12.0).reshape(3, 4)
    parts = [distob.scatter(a[:, :1], axis=None), distob.scatter(a[:, 1:], axis=None)]
    return a.copy(), distob.DistArray(parts, axis=1)


def test_arrays_of_more_blocks_than_an_array_has_axes_are_joined_and_pickled() -> None:
    a, d = both((100,), blocksize=1)
    joined = np.concatenate([d, d])
    np.testing.assert_array_equal(joined, np.concatenate([a, a]))
    assert len(joined.partition.slots) == 200
    again = pickle.loads(pickle.dumps(d))
    assert again.partition == d.partition
    np.testing.assert_array_equal(copy.deepcopy(d), a)


def test_numpys_functions_write_into_arrays_of_several_pieces() -> None:
    a, d = in_pieces()
    for x in (a, d):
        np.put(x, [0, 5, 11], [-1, -2])
        np.place(x, np.asarray(x) > 8, [100, 200])
        np.fill_diagonal(x, 7)
    np.testing.assert_array_equal(d, a)


@pytest.mark.parametrize("make", [lambda: both((3, 4), 0, 1), lambda: both((3, 4), 1, 3), in_pieces])
@pytest.mark.parametrize("turned", [False, True])
def test_flat_reads_and_writes_the_elements(make: Any, turned: bool) -> None:
    a, d = make()
    one, two = (a.T, d.T) if turned else (a, d)
    for flat in (one.flat, two.flat):
        flat[3] = 50
        flat[-1] = True
        flat[2:9:3] = [1, 2]
        flat[[0, 5]] = np.array([9, 8, 7])
        flat[np.arange(12) % 5 == 0] = -1
        flat[4:4] = []
        flat[:0] = 5
    np.testing.assert_array_equal(d, a)
    for key in (3, slice(None, None, 4), [1, -1], slice(3, 1)):
        np.testing.assert_array_equal(two.flat[key], one.flat[key])
    assert [float(x) for x in two.flat] == [float(x) for x in one.flat]
    assert len(two.flat) == 12
    assert two.flat.base is two
    np.testing.assert_array_equal(two.flat == 1, one.flat == 1)
    np.testing.assert_array_equal(np.add(two.flat, 1), np.add(one.flat, 1))
    two.flat = one.flat = [1, 2, 3, 4, 5]
    np.testing.assert_array_equal(d, a)


@pytest.mark.parametrize(("key", "value"), [(12, 0), (-13, 0), ("x", 0), (0, []), (0, [1, 2]), ((), 0), (0, "word")])
def test_flat_refuses_what_numpys_does(key: Any, value: Any) -> None:
    a, d = both((3, 4))
    with pytest.raises(Exception) as theirs:
        a.flat[key] = value
    with pytest.raises(type(theirs.value)) as ours:
        d.flat[key] = value
    assert str(ours.value) == str(theirs.value)
    np.testing.assert_array_equal(d, a)


def test_flat_counts_as_it_iterates() -> None:
    _, d = both((2, 3))
    flat = d.flat
    assert (flat.index, flat.coords) == (0, (0, 0))
    next(flat), next(flat), next(flat), next(flat)
    assert (flat.index, flat.coords) == (4, (1, 1))


def test_flat_of_a_read_only_array_cannot_be_written() -> None:
    _, d = both((3,))
    d.flags.writeable = False
    with pytest.raises(ValueError, match="underlying array is read-only"):
        d.flat[0] = 1


def test_out_may_be_given_by_position_where_numpy_computes() -> None:
    _, d = both((4,))
    out = distob.scatter(np.ones(4, bool))
    assert np.isposinf(d, out) is out
    assert not np.asarray(out).any()


def test_axes_come_as_any_sequence() -> None:
    a, d = both((2, 3, 4))
    order = distob.scatter(np.array([2, 0, 1]))
    for axes in ((2, 0, 1), [2, 0, 1], np.array([2, 0, 1]), order):
        np.testing.assert_array_equal(d.transpose(axes), a.transpose(2, 0, 1))
