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


RECORD = np.dtype([("foo", "i8"), ("bar", "i8"), ("baz", "f4")])


@pytest.mark.parametrize("index", [..., 0, slice(1, None), [0, 2], np.array([True, False, True])])
def test_writing_some_fields_leaves_the_others(index: Any) -> None:
    a = np.zeros(3, RECORD)
    a["foo"], a["bar"], a["baz"] = 1, 2, 3
    d = distob.scatter(a)
    for x in (a, d):
        x[["foo", "baz"]][index] = (7, 8)
        x[["foo", "bar"]] = x[["bar", "foo"]]
    np.testing.assert_array_equal(np.asarray(d), a)


def test_records_are_compared_by_their_fields() -> None:
    a = np.array([(5, 42), (10, 1)], dtype=[("a", ">i4"), ("b", "<f8")])
    b = np.array([(5, 43), (10, 1)], dtype=[("a", "<i8"), ("b", "<f4")])
    d = distob.scatter(a)
    for one, two in ((d, b), (a, distob.scatter(b)), (d, distob.scatter(b))):
        np.testing.assert_array_equal(one == two, a == b)
        np.testing.assert_array_equal(one != two, a != b)
    with pytest.raises(TypeError):
        _ = d == np.zeros(2, "i4,i4,i4")
    assert (d["a"] == "word") is np.False_ or not np.asarray(d["a"] == "word").any()


@pytest.mark.parametrize(
    ("left", "right"),
    [((3, 3), (3, 3)), ((2, 3, 3), (3, 3)), ((3,), (3, 3)), ((3, 2), (3, 3)), ((3, 3), (3,)), ((3, 3), (2, 3, 3))],
)
@pytest.mark.parametrize("dtypes", ["dd", "fd", "id", "ll"])
def test_matrices_are_multiplied_in_place(left: Any, right: Any, dtypes: str) -> None:
    a = np.arange(np.prod(left)).reshape(left).astype(dtypes[0])
    b = np.arange(np.prod(right)).reshape(right).astype(dtypes[1])
    d = distob.scatter(a, axis=0, blocksize=1)
    same = d
    try:
        a @= b
    except (ValueError, TypeError) as error:
        with pytest.raises(type(error).__mro__[-3] if isinstance(error, TypeError) else ValueError):
            d @= distob.scatter(b)
        return
    d @= distob.scatter(b)
    assert d is same
    np.testing.assert_array_equal(d, a)


def test_clip_is_numpys_in_its_bounds() -> None:
    a = np.arange(-5, 5, dtype=np.int8)
    d = distob.scatter(a)
    for bounds in ((-(10**30), 3), (-2, 10**30), (-200, 200), (None, 2), (None, None), (4, -4), (-1.5, 2.5)):
        ours, theirs = np.clip(d, *bounds), np.clip(a, *bounds)
        assert ours.dtype == theirs.dtype
        np.testing.assert_array_equal(ours, theirs)
        np.testing.assert_array_equal(np.clip(d, min=bounds[0], max=bounds[1]), theirs)
    with pytest.raises(TypeError, match="missing 1 required positional argument: 'a_max'"):
        np.clip(d, 1)
    with pytest.raises(ValueError, match="is forbidden"):
        np.clip(d, 1, 2, min=1)
    with pytest.raises(TypeError, match="unsupported format string"):
        format(d, ">10")


def test_repr_is_what_print_options_say() -> None:
    d = distob.scatter(np.arange(3))
    with np.printoptions(override_repr=lambda x: f"<{x.size} elements>"):
        assert repr(d) == "<3 elements>"


def test_interpolation_passes_nan_on() -> None:
    for x in (0.5, -1.0, 2.0, np.nan):
        for places in ([np.nan, 1.0], [0.0, np.nan], [np.nan, np.nan], [0.0, 1.0]):
            theirs = np.interp(x, places, np.array([3.0, 10.0]))
            np.testing.assert_array_equal(np.interp(x, places, distob.scatter(np.array([3.0, 10.0]))), theirs)


def test_the_shape_is_set_in_place_where_no_copy_is_needed() -> None:
    _, d = both((3, 4))
    view = d[:2]
    d.shape = 2, -1
    assert d.shape == (2, 6)
    d[0, 5] = 99
    assert view[1, 1] == 99
    d.shape = 12
    turned = view.T
    with pytest.raises(AttributeError, match="Incompatible shape for in-place modification"):
        turned.shape = (8,)
    with pytest.raises(ValueError, match="cannot reshape array of size 12 into shape"):
        d.shape = (5, 5)
    assert (d.shape, turned.shape) == ((12,), (4, 2))


def test_ufuncs_without_out_work() -> None:
    words = np.array(["hello", "world!"])
    np.testing.assert_array_equal(np.strings.slice(distob.scatter(words), 1, 4), np.strings.slice(words, 1, 4))
