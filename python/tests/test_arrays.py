"""Distributed arrays behave as NumPy's: examples of every part of the interface."""

from __future__ import annotations

import copy
import gc
import operator
import pickle
import subprocess
import sys
import threading
import warnings
from typing import Any

import numpy as np
import pytest

import distob
from distob import DistArray, RemoteArray, _core, _fallback


def grid() -> np.ndarray:
    return np.arange(24.0).reshape(4, 6)


# --- Scatter and gather ----------------------------------------------------------------------------------------------


def test_scatter_cuts_along_the_last_axis_by_default() -> None:
    d = distob.scatter(grid())
    assert type(d) is DistArray
    assert d.partition.cuts[0] == (0, 4)
    assert len(d.partition.cuts[1]) > 1 or _core.planned_slots() == 1


def test_scatter_without_an_axis_gives_one_remote_block() -> None:
    r = distob.scatter(grid(), axis=None)
    assert type(r) is RemoteArray
    assert len(r.blocks) == 1
    np.testing.assert_array_equal(r, grid())


def test_blocksize_is_the_number_of_indices_of_a_block() -> None:
    d = distob.scatter(grid(), axis=0, blocksize=3)
    assert d.partition.cuts == ((0, 3, 4), (0, 6))
    assert [b.shape for b in d.blocks] == [(3, 6), (1, 6)]


@pytest.mark.parametrize("axis", [2, -3, 7])
def test_a_wrong_axis_is_an_axis_error_at_the_line(axis: int) -> None:
    with pytest.raises(np.exceptions.AxisError):
        distob.scatter(grid(), axis=axis)
    with pytest.raises(ValueError):
        distob.scatter(grid(), axis=axis)
    with pytest.raises(IndexError):
        distob.scatter(grid(), axis=axis)


@pytest.mark.parametrize("blocksize", [0, -1])
def test_a_blocksize_below_one_is_a_value_error(blocksize: int) -> None:
    with pytest.raises(ValueError, match="blocksize"):
        distob.scatter(grid(), blocksize=blocksize)


@pytest.mark.parametrize(
    "array",
    [
        np.array(5.0),
        np.empty((0,)),
        np.empty((3, 0, 2), np.int8),
        np.arange(6, dtype=">i4"),
        np.array(["a", "bcd"]),
        np.array([b"xy", b"z"]),
        np.array(["2020-01-01", "NaT"], "M8[D]"),
        np.array([(1, 2.5), (3, 4.5)], dtype=[("x", "i4"), ("y", "f8")]),
        np.arange(5, dtype=np.longdouble),
        np.arange(5, dtype=np.float16),
        np.arange(12.0).reshape(3, 4)[::-1, ::2],
        np.asfortranarray(grid()),
        np.arange(3) + 1j,
    ],
    ids=lambda a: f"{a.dtype}-{a.shape}",
)
def test_every_rank_and_dtype_comes_back_as_it_went(array: np.ndarray) -> None:
    back = distob.gather(distob.scatter(array, axis=0 if array.ndim else None))
    assert back.dtype == array.dtype
    assert back.shape == array.shape
    assert back.flags.owndata and back.flags.writeable
    np.testing.assert_array_equal(back, array)


def test_a_masked_array_is_refused() -> None:
    with pytest.raises(TypeError, match="mask"):
        distob.scatter(np.ma.array([1, 2], mask=[0, 1]))


def test_lists_of_ndarrays_become_lists_of_arrays() -> None:
    parts = distob.scatter([np.arange(3), np.arange(4.0)], axis=None)
    assert [type(p) for p in parts] == [RemoteArray, RemoteArray]
    gathered = distob.gather(parts)
    assert [g.dtype for g in gathered] == [np.dtype(int), np.dtype(float)]


@pytest.mark.parametrize(
    "array",
    [np.array([1, "a", None], dtype=object), np.array([["one"], ["two words"]], dtype=np.dtypes.StringDType())],
    ids=["objects", "strings"],
)
def test_arrays_of_references_become_ndarrays_by_value(cluster: Any, array: np.ndarray) -> None:
    remote = distob.scatter(array)
    for local in (np.asarray(remote), np.array(remote), distob.gather(remote)):
        assert type(local) is np.ndarray and local.dtype == array.dtype and local.shape == array.shape
        assert (local == array).all()
    assert np.concatenate([np.asarray(remote), array]).shape == (2 * len(array), *array.shape[1:])
    with pytest.raises(ValueError, match="copy"):
        np.asarray(remote, copy=False)


def test_a_remote_ndarray_describes_no_memory_and_prints_without_a_call() -> None:
    with distob.Cluster(n=1):
        array = distob._calls._place([np.array([1, None], dtype=object)])[0]
        assert repr(array).startswith("<remote ndarray ")
    # Any call would raise ClosedError now.
    for name in ("__array_struct__", "__array_interface__", "__dlpack__"):
        assert not hasattr(array, name)
    assert "lost with its cluster" in repr(array)


def test_a_local_remote_of_an_ndarray_shares_its_memory() -> None:
    array = np.arange(3.0)
    assert np.shares_memory(np.asarray(distob.Remote(array)), array)


# --- Snapshots --------------------------------------------------------------------------------------------------------


def test_asarray_is_a_read_only_snapshot_that_later_writes_do_not_reach() -> None:
    d = distob.scatter(grid())
    before = np.asarray(d)
    assert not before.flags.writeable
    d[...] = -1
    np.testing.assert_array_equal(before, grid())
    assert (np.asarray(d) == -1).all()


def test_flags_tell_and_set_whether_the_array_itself_may_be_written() -> None:
    d = distob.scatter(grid())
    assert d.flags.writeable and d.flags["WRITEABLE"] and d.flags.owndata
    assert d.flags.c_contiguous and d.T.flags.f_contiguous and not d.T.flags.owndata
    d.flags.writeable = False
    assert not d.flags.writeable and not d[1:].flags.writeable and not d.flags.carray
    for write in (lambda: d.fill(1), lambda: d[1:].__setitem__(0, 1), lambda: np.add(d, 1, out=d)):
        with pytest.raises(ValueError, match="read-only"):
            write()
    with pytest.raises(ValueError, match="WRITEABLE"):
        d[1:].flags.writeable = True
    d.setflags(write=True)
    d[...] = 1
    assert (d == 1).all()


def test_flags_are_those_of_an_ndarray_with_the_same_strides() -> None:
    a, d = grid(), distob.scatter(grid())
    for cut in (np.s_[:], np.s_[1], np.s_[:, ::2], np.s_[::-1]):
        for name in ("c_contiguous", "f_contiguous", "forc", "aligned", "behaved", "writeable"):
            assert getattr(d[cut].flags, name) == getattr(a[cut].flags, name), (cut, name)
    assert repr(d.flags) == repr(a.copy().flags)
    with pytest.raises(ValueError, match="aligned"):
        d.setflags(align=False)
    with pytest.raises(AttributeError):
        _ = d.flags.nonsense
    with pytest.raises(KeyError):
        d.flags["NONSENSE"] = True


def test_one_bool_takes_an_array_with_a_single_element() -> None:
    d = distob.scatter(np.zeros(3, bool))
    for value in (np.array([True]), distob.scatter(np.array([True])), [1]):
        d[1] = False
        d[1] = value
        assert d[1]
    with pytest.raises(ValueError, match="sequence"):
        d[1] = np.array([True, False])


def test_views_without_elements_can_be_reshaped() -> None:
    for view in (lambda a: a[::-1], lambda a: a[::2, ...].T, lambda a: a[:, :, ::-1]):
        d = view(distob.scatter(np.zeros((3, 0, 2))))
        assert d.reshape(-1).shape == (0,)
        assert d.reshape(0, 5).shape == (0, 5)


@pytest.mark.parametrize("index", [(0, 0), (-1, -1), (np.int64(1), 2)], ids=repr)
@pytest.mark.parametrize("value", [[1.0], np.ones(1), np.ones((1, 1))], ids=["list", "vector", "matrix"])
def test_one_element_takes_no_array_with_axes(index: tuple[Any, Any], value: Any) -> None:
    d = distob.scatter(grid())
    for refused in (value, distob.scatter(np.asarray(value))):
        with pytest.raises(ValueError, match="sequence"):
            d[index] = refused
    d[index] = np.asarray(7.0)
    assert d[index] == 7


def test_broadcast_views_and_their_blocks_stay_read_only() -> None:
    view = np.broadcast_to(distob.scatter(np.arange(4.0)), (3, 4))
    assert not view.flags.writeable
    assert not any(block.flags.writeable for block in view.blocks)
    with pytest.raises(ValueError, match="WRITEABLE"):
        view.flags.writeable = True


def test_array_protocol_follows_numpys_copy_rules() -> None:
    d = distob.scatter(grid())
    assert np.array(d).flags.writeable
    assert np.asarray(d, dtype=np.float32).dtype == np.float32
    assert np.asarray(d, copy=False).base is not None
    with pytest.raises(ValueError):
        np.asarray(d, dtype=np.float32, copy=False)


def test_a_gathered_copy_is_the_callers_own() -> None:
    d = distob.scatter(grid())
    mine = distob.gather(d)
    mine[0, 0] = 99
    assert d[0, 0] == 0


# --- Views and mutation -----------------------------------------------------------------------------------------------


def test_views_alias_whatever_the_partition() -> None:
    d = distob.scatter(grid(), axis=1, blocksize=2)
    d[1:3, ::2].T[0] = 7
    expected = grid()
    expected[1:3, ::2].T[0] = 7
    np.testing.assert_array_equal(d, expected)
    d.reshape(-1)[5] = -5
    assert d[0, 5] == -5


def test_in_place_operators_change_the_array_itself() -> None:
    d = distob.scatter(grid())
    alias, view = d, d[0]
    d += 1
    d *= d
    assert d is alias
    np.testing.assert_array_equal(view, (grid()[0] + 1) ** 2)
    with pytest.raises(np._core._exceptions._UFuncOutputCastingError):
        i = distob.scatter(np.arange(3))
        i += 0.5


def test_reductions_give_values_and_not_aliases() -> None:
    d = distob.scatter(grid())
    total = d.sum()
    other = total
    total += 1
    assert other == 276 and total == 277
    d[...] = 0
    assert other == 276
    assert {other: 1}[276.0] == 1
    assert f"{other:.1f}" == "276.0" and round(float(other)) == 276


def test_masks_and_integer_arrays_read_and_write() -> None:
    a, d = grid(), distob.scatter(grid())
    np.testing.assert_array_equal(d[d > 11], a[a > 11])
    np.testing.assert_array_equal(d[[2, 0], ::-1], a[[2, 0], ::-1])
    d[d > 11] = 0
    a[a > 11] = 0
    d[[0, 1], [1, 1]] += 5
    a[[0, 1], [1, 1]] += 5
    d[:, distob.scatter(np.array([0, 3]))] = [[1, 2]]
    a[:, [0, 3]] = [[1, 2]]
    np.testing.assert_array_equal(d, a)


def test_broadcast_views_refuse_writes() -> None:
    b = np.broadcast_to(distob.scatter(np.arange(3)), (2, 3))
    with pytest.raises(ValueError, match="read-only"):
        b[0, 0] = 1
    with pytest.raises(ValueError, match="read-only"):
        b += 1


@pytest.mark.parametrize(
    "index", [4, (0, 6), (0, 0, 0), "x", 1.5, slice(None, None, 0), (Ellipsis, Ellipsis), [9], 2**70], ids=repr
)
def test_wrong_indices_raise_numpys_errors(index: Any) -> None:
    a, d = grid(), distob.scatter(grid())
    with pytest.raises(Exception) as theirs:
        a[index]
    with pytest.raises(theirs.type):
        d[index]
    with pytest.raises(Exception) as theirs:
        a[index] = 1
    with pytest.raises(theirs.type):
        d[index] = 1


@pytest.mark.parametrize("value", [np.ones(5), np.ones((2, 4, 6)), "text", [1, 2], 1j, 10**400], ids=repr)
def test_wrong_values_raise_numpys_errors(value: Any) -> None:
    a, d = grid(), distob.scatter(grid())
    with pytest.raises(Exception) as theirs:
        a[...] = value
    with pytest.raises(theirs.type):
        d[...] = value
    np.testing.assert_array_equal(d, grid())


# --- ufuncs -----------------------------------------------------------------------------------------------------------


def same(theirs: Any, mine: Any) -> None:
    if isinstance(theirs, tuple):
        assert len(theirs) == len(mine)
        for a, b in zip(theirs, mine, strict=True):
            same(a, b)
        return
    mine = np.asarray(mine)
    assert mine.dtype == np.asarray(theirs).dtype
    theirs = np.asarray(theirs)
    ulps = 8 * np.finfo(theirs.dtype).eps if theirs.dtype.kind in "fc" else 0
    np.testing.assert_allclose(mine.astype(complex), theirs.astype(complex), rtol=ulps)


UFUNCS = sorted(
    {
        value
        for value in vars(np).values()
        if isinstance(value, np.ufunc)
        and value.signature is None
        and value.nin in (1, 2)
        and "isnat" not in value.__name__
    },
    key=lambda f: f.__name__,
)


@pytest.mark.parametrize("ufunc", UFUNCS, ids=lambda f: f.__name__)
@pytest.mark.parametrize("dtype", ["f8", "f4", "i4", "?", "c16"])
def test_every_ufunc_gives_numpys_answer_or_numpys_error(ufunc: np.ufunc, dtype: str) -> None:
    a = (np.linspace(0.1, 0.9, 12).reshape(3, 4) * (7 if dtype == "i4" else 1)).astype(dtype)
    inputs = [a, a[::-1]][: ufunc.nin]
    mine = [distob.scatter(inputs[0], axis=0), *(distob.scatter(x, axis=1) for x in inputs[1:])]
    with np.errstate(all="ignore"):
        try:
            theirs = ufunc(*inputs)
        except Exception as error:
            with pytest.raises(type(error)):
                ufunc(*mine)
            return
        result = ufunc(*mine)
        same(theirs, result)
        first = result[0] if isinstance(result, tuple) else result
        assert isinstance(first, DistArray)


def test_ufunc_keywords_work() -> None:
    a, d = grid(), distob.scatter(grid())
    out = distob.scatter(np.zeros((4, 6)))
    assert np.add(d, 1, out=out) is out
    np.testing.assert_array_equal(out, a + 1)
    local = np.zeros((4, 6))
    assert np.multiply(d, 2, out=local) is local
    np.testing.assert_array_equal(local, a * 2)
    np.add(d, 100, out=out, where=d > 20)
    np.testing.assert_array_equal(out, np.where(a > 20, a + 100, a + 1))
    assert np.add(d, 1, dtype=np.float32).dtype == np.float32
    with pytest.raises(TypeError):
        np.add(d, 1, dtype=np.int8, casting="safe")
    with pytest.raises(ValueError):
        np.add(d, 1, out=distob.scatter(np.zeros(5)))
    same(np.divmod(a, 5), np.divmod(d, 5))
    same(np.frexp(a), np.frexp(d))


def test_arrays_mix_with_ndarrays_scalars_and_lists() -> None:
    a, d = grid(), distob.scatter(grid())
    for other in (a, a[0], 2, 2.5, np.float32(3), np.int64(2), [1, 2, 3, 4, 5, 6], True):
        for mine, theirs in ((d + other, a + other), (other + d, other + a)):
            assert isinstance(mine, DistArray)
            same(theirs, mine)
    remote = distob.scatter(a, axis=None)
    assert type(remote + 1) is RemoteArray
    assert type(remote + d) is DistArray


def test_promotion_is_nep_50() -> None:
    d = distob.scatter(np.arange(3, dtype=np.uint8))
    assert (d + 1).dtype == np.uint8
    assert (d + 1.0).dtype == np.float64
    assert (d + np.int64(1)).dtype == np.int64
    assert (distob.scatter(np.ones(2, np.float32)) * 1e10).dtype == np.float32
    with pytest.raises(OverflowError):
        d + 300
    assert (d < 300).all() and not (d == -1).any()


def test_an_operand_that_takes_over_gets_its_turn() -> None:
    class Mine:
        __array_ufunc__ = None

        def __radd__(self, other: Any) -> str:
            return "mine"

    assert distob.scatter(grid()) + Mine() == "mine"  # type: ignore[comparison-overlap]


def test_comparing_with_what_cannot_be_equal_gives_false() -> None:
    d = distob.scatter(np.arange(3))
    assert not (d == "text").any()
    assert (d != "text").all()
    assert not (d == None).any()  # noqa: E711
    with pytest.raises(TypeError):
        operator.lt(d, "text")


def test_datetimes_and_strings_compute_by_numpy() -> None:
    days = np.array(["2020-01-01", "2021-06-01"], "M8[D]")
    d = distob.scatter(days)
    same_days = d + np.timedelta64(1, "D")
    np.testing.assert_array_equal(same_days, days + np.timedelta64(1, "D"))
    assert (d > np.datetime64("2020-12-31")).tolist() == [False, True]


# --- Floating point errors --------------------------------------------------------------------------------------------


def test_float_errors_warn_at_the_users_line_with_numpys_words() -> None:
    d = distob.scatter(np.array([1.0, 0.0, -1.0]))
    for operation in (lambda: 1 / d, lambda: np.sqrt(d), lambda: d * 1e308 * 1e308):
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            operation()
        assert [(w.category, w.filename) for w in told] == [(RuntimeWarning, __file__)]
    with pytest.warns(RuntimeWarning, match="divide by zero encountered in divide"):
        1 / d
    with pytest.warns(RuntimeWarning, match="invalid value encountered in sqrt"):
        np.sqrt(d)


def test_errstate_is_respected() -> None:
    d = distob.scatter(np.array([1.0, 0.0]))
    with np.errstate(divide="raise"), pytest.raises(FloatingPointError, match="divide by zero encountered in divide"):
        1 / d
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with np.errstate(all="ignore"):
            np.asarray(1 / d)
    told = []
    with np.errstate(divide="call", call=lambda text, flag: told.append(text)):
        1 / d
    assert told == ["divide by zero"]


def test_a_deferred_warning_names_the_line_of_the_operation() -> None:
    program = "import distob, numpy as np\nd = distob.scatter(np.zeros(200000))\ne = 1 / d\nx = e + 1\ndistob.sync()\n"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert "<string>:3: RuntimeWarning: divide by zero encountered in divide" in done.stderr


# --- NumPy's functions ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "function",
    [
        lambda x: np.sum(x, axis=(0, 1)), lambda x: np.mean(x, axis=1, keepdims=True), lambda x: x.std(axis=0),
        lambda x: np.var(x, ddof=1), lambda x: x.prod(axis=1), lambda x: np.max(x, axis=0, initial=7),
        lambda x: np.sum(x, where=x > 3), lambda x: np.any(x > 22), lambda x: np.all(x >= 0, axis=1),
        lambda x: np.transpose(x), lambda x: np.reshape(x, (3, -1)), lambda x: np.ravel(x), lambda x: np.swapaxes(x, 0, 1),
        lambda x: np.moveaxis(x[..., None], 2, 0), lambda x: np.rollaxis(x, 1), lambda x: np.expand_dims(x, (0, 2)),
        lambda x: np.squeeze(x[None]), lambda x: np.flip(x, 0), lambda x: np.where(x > 5, x, -1), lambda x: np.clip(x, 3, 9),
        lambda x: np.round(x / 7, 2), lambda x: np.concatenate([x, x], 1), lambda x: np.stack([x, x], -1),
        lambda x: np.vstack([x, x[0]]), lambda x: np.hstack([x, x]), lambda x: np.dstack([x, x]),
        lambda x: np.split(x, 2), lambda x: np.hsplit(x, [1, 4]), lambda x: np.vsplit(x, 4), lambda x: np.array_split(x, 5, 1),
        lambda x: np.broadcast_to(x, (2, 4, 6)), lambda x: np.broadcast_arrays(x, x[0])[1], lambda x: np.zeros_like(x),
        lambda x: np.full_like(x, 3, dtype=int), lambda x: np.ptp(x, axis=0), lambda x: np.count_nonzero(x),
        lambda x: x.astype(np.int16), lambda x: np.atleast_3d(x), lambda x: np.column_stack([x[:, 0], x]),
        lambda x: np.add.reduce(x, axis=1), lambda x: np.multiply.outer(x[0], x[1]), lambda x: np.size(x, 1),
        lambda x: np.cumsum(x), lambda x: x.argmax(), lambda x: np.add.accumulate(x), lambda x: x.cumprod(axis=1),
    ],
)  # fmt: skip
def test_functions_are_distributed_and_agree(function: Any) -> None:
    a, d = grid(), distob.scatter(grid(), axis=0)
    with warnings.catch_warnings():
        warnings.simplefilter("error", distob.PerformanceWarning)
        mine, theirs = function(d), function(a)
    if isinstance(theirs, list):
        assert len(mine) == len(theirs)
    for one, two in zip(mine, theirs, strict=True) if isinstance(theirs, list) else [(mine, theirs)]:
        assert np.shape(one) == np.shape(two)
        same(two, one)


@pytest.mark.parametrize(
    "function",
    [
        lambda x: np.linalg.norm(x, 2),
    ],
)  # fmt: skip
def test_what_is_not_distributed_says_so_once_and_agrees(function: Any) -> None:
    a, d = grid(), distob.scatter(grid())
    _fallback.forget_what_was_told()
    with pytest.warns(distob.PerformanceWarning) as told:
        mine = function(d)
    assert told[0].filename == __file__
    same(function(a), mine)
    with warnings.catch_warnings():
        warnings.simplefilter("error", distob.PerformanceWarning)
        function(d)


def test_functions_that_write_their_argument_write_ours() -> None:
    a, d = grid(), distob.scatter(grid())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", distob.PerformanceWarning)
        for x in (a, d):
            np.copyto(x, 5, where=np.asarray(x) > 20)
            np.put(x, [0, 1], [9, 8])
            np.fill_diagonal(x[:4, :4], -1)
            np.add.at(x, ([0, 0], [5, 5]), 1)
            x[1].sort()
    np.testing.assert_array_equal(d, a)


def test_the_names_of_the_package() -> None:
    d = distob.scatter(grid())
    assert distob.transpose(d).shape == (6, 4)
    assert distob.rollaxis(d, 1).shape == (6, 4)
    assert distob.expand_dims(d, 0).shape == (1, 4, 6)
    assert distob.concatenate([d, d]).shape == (8, 6)
    assert distob.vstack([d, d]).shape == (8, 6)
    assert distob.hstack([d, d]).shape == (4, 12)
    assert distob.dstack([d, d]).shape == (4, 6, 2)
    assert [p.shape for p in distob.split(d, 2)] == [(2, 6)] * 2
    assert [p.shape for p in distob.vsplit(d, 2)] == [(2, 6)] * 2
    assert [p.shape for p in distob.hsplit(d, 2)] == [(4, 3)] * 2
    assert [p.shape for p in distob.dsplit(d[..., None], 1)] == [(4, 6, 1)]
    assert [x.shape for x in distob.broadcast_arrays(d, d[0])] == [(4, 6)] * 2
    assert float(distob.mean(d)) == 11.5


def test_joining_remote_arrays_shares_their_elements() -> None:
    parts = [distob.scatter(np.full((2, 3), float(i)), axis=None) for i in range(3)]
    d = DistArray(parts)
    assert d.shape == (2, 9)
    assert len(d.blocks) == 3
    np.testing.assert_array_equal(d, np.repeat([[0, 1, 2]], 2, 0).repeat(3, 1))
    d[:, 4] = 50
    assert parts[1][0, 1] == 50
    parts[2][...] = -1
    assert (np.asarray(d[:, 6:]) == -1).all()
    np.testing.assert_array_equal(d + 1, np.asarray(d) + 1)
    assert DistArray(parts, axis=0).shape == (6, 3)
    assert DistArray([np.arange(3.0)]).shape == (3,)
    with pytest.raises(ValueError, match="dtype"):
        DistArray([np.arange(3), np.arange(3.0)])
    with pytest.raises(ValueError, match="shape"):
        DistArray([np.ones((2, 3)), np.ones((3, 3))])
    with pytest.raises(np.exceptions.AxisError):
        DistArray(parts, axis=5)


# --- Python's protocols -----------------------------------------------------------------------------------------------


def test_conversions_to_python() -> None:
    one = distob.scatter(np.array([2.0]))
    assert float(one[0]) == 2.0 and int(one.sum()) == 2 and complex(one.sum()) == 2 and bool(one.sum())
    assert [10, 20, 30][distob.scatter(np.array(1))] == 20
    assert len(distob.scatter(grid())) == 4
    assert [row.tolist() for row in distob.scatter(grid())] == grid().tolist()
    assert list(distob.scatter(np.arange(3))) == [0, 1, 2]
    assert 5.0 in distob.scatter(grid()) and 99 not in distob.scatter(grid())
    assert distob.scatter(grid()).tolist() == grid().tolist()
    assert distob.scatter(grid()).item(3) == 3.0
    with pytest.raises(ValueError):
        bool(distob.scatter(grid()))
    with pytest.raises(TypeError):
        len(distob.scatter(np.array(1)))
    with pytest.raises(TypeError):
        hash(distob.scatter(grid()))


def test_attributes() -> None:
    a = np.arange(24, dtype=np.int16).reshape(2, 3, 4)
    d = distob.scatter(a)
    for name in ("shape", "ndim", "size", "nbytes", "itemsize", "dtype"):
        assert getattr(d, name) == getattr(a, name)
    np.testing.assert_array_equal(d.T, a.T)
    assert set(d.engines) == set(d.partition.slots)
    c = distob.scatter(np.array([1 + 2j]))
    assert c.real[0] == 1 and c.imag[0] == 2
    with pytest.raises(AttributeError):
        d.no_such_thing


def test_copies_and_pickles_are_by_value() -> None:
    d = distob.scatter(grid(), axis=0, blocksize=3)
    for twin in (copy.copy(d), copy.deepcopy(d), pickle.loads(pickle.dumps(d)), d.copy()):
        assert type(twin) is DistArray
        np.testing.assert_array_equal(twin, d)
        twin[0, 0] = 77
        assert d[0, 0] == 0
    assert pickle.loads(pickle.dumps(d)).partition == d.partition


@pytest.mark.parametrize("shape", [(), (3,), (0,), (2, 3), (2000,), (60, 70), (30, 4, 20)])
def test_repr_and_str_are_numpys(shape: tuple[int, ...]) -> None:
    a = np.asarray(np.arange(np.prod(shape, dtype=int)).reshape(shape) / 8)
    d = distob.scatter(a)
    assert str(d) == str(a)

    def squeezed(text: str) -> str:
        return "".join(text.split())

    assert squeezed(repr(d)) == squeezed(repr(a)).replace("array", "DistArray", 1)
    assert "<svg" in d._repr_html_()


# --- Threads and memory -----------------------------------------------------------------------------------------------

_BITS = """
import distob, numpy as np, hashlib
r = np.random.default_rng(3)
a = distob.scatter(r.standard_normal((300, 700)), axis=0)
b = distob.scatter(r.standard_normal(210_000).astype("f4"), blocksize=BLOCK)
digest = hashlib.sha256()
for x in (a.sum(), a.sum(axis=0), a.sum(axis=1), b.sum(), b.prod(), a.mean(), np.sin(a) + np.exp(a * .1), a.std(), b[::-3].sum()):
    digest.update(np.ascontiguousarray(np.asarray(x)).tobytes())
print(digest.hexdigest())
"""


def test_bits_do_not_depend_on_threads_or_blocks() -> None:
    import os

    answers = set()
    for threads, block in (("1", "210000"), ("2", "1000"), ("3", "77777"), ("5", "50000")):
        environment = {**os.environ, "DISTOB_THREADS": threads}
        done = subprocess.run(
            [sys.executable, "-c", _BITS.replace("BLOCK", block)],
            capture_output=True,
            text=True,
            env=environment,
            timeout=120,
        )
        assert done.returncode == 0, done.stderr
        answers.add(done.stdout)
    assert len(answers) == 1


def test_set_threads_changes_nothing_but_speed() -> None:
    before = distob.threads()
    d = distob.scatter(np.linspace(0, 1, 100_003))
    answers = set()
    try:
        for n in (1, 2, 3, 5):
            distob.set_threads(n)
            assert distob.threads() == n
            answers.add(float((d * d).sum()))
    finally:
        distob.set_threads(before)
    assert len(answers) == 1
    with pytest.raises(ValueError):
        distob.set_threads(0)


def test_memory_of_dead_arrays_comes_back() -> None:
    gc.collect()
    distob.sync()
    before = _core.array_statistics()["bytes_live"]
    d = distob.scatter(np.zeros(100_000))
    for _ in range(200):
        e = d + 1
        e[10:] *= 2
        np.asarray(e)
    assert _core.array_statistics()["bytes_live"] < before + 50 * d.nbytes
    del d, e
    distob.sync()
    assert _core.array_statistics()["bytes_live"] <= before + 1_000_000


def test_more_memory_than_the_budget_is_a_memory_error() -> None:
    import distob.numpy as dnp

    with pytest.raises(MemoryError):
        dnp.zeros(2**50)
    assert float(dnp.zeros(10).sum()) == 0


def test_two_threads_share_an_array() -> None:
    d = distob.scatter(np.zeros((2, 60_000)))
    errors: list[BaseException] = []

    def work(row: int) -> None:
        try:
            for _ in range(50):
                d[row] += 1
                np.remainder(d[row], 1000, out=d[row])
                assert float(d[row].max()) == float(d[row].min())
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(row,)) for row in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not errors and not any(t.is_alive() for t in threads)
    assert (np.asarray(d) == 50).all()


def test_finalizers_may_do_array_work_inside_a_collection() -> None:
    d = distob.scatter(np.zeros(50_000))

    class Writes:
        def __init__(self) -> None:
            self.me = self

        def __del__(self) -> None:
            nonlocal d
            d += 1

    for _ in range(20):
        Writes()
        gc.collect()
    assert float(d.max()) == 20


# --- User functions over blocks ---------------------------------------------------------------------------------------


def test_vectorize_gives_every_block_as_an_ndarray(cluster: Any) -> None:
    d = distob.scatter(grid(), axis=1, blocksize=2)

    def double(block: np.ndarray) -> np.ndarray:
        assert type(block) is np.ndarray and block.flags.writeable
        return block * 2

    r = distob.apply(double, d)
    assert type(r) is DistArray
    assert r.partition.cuts == d.partition.cuts
    np.testing.assert_array_equal(r, grid() * 2)
    np.testing.assert_array_equal(distob.vectorize(double)(grid()), grid() * 2)
    sums = [float(grid()[:, i : i + 2].sum()) + 1 for i in (0, 2, 4)]
    assert distob.apply(lambda block, k: float(block.sum()) + k, d, 1) == sums


def test_results_that_do_not_fit_together_are_a_list(cluster: Any) -> None:
    d = distob.scatter(grid(), axis=0, blocksize=1)
    assert distob.apply(lambda block: float(block.sum()), d) == grid().sum(axis=1).tolist()


def test_what_a_function_writes_is_in_the_array(cluster: Any) -> None:
    d = distob.scatter(grid(), axis=0)
    view = d[:, 2]

    def increment(block: np.ndarray) -> None:
        block += 1

    distob.apply(increment, d)
    np.testing.assert_array_equal(d, grid() + 1)
    d *= 2
    distob.apply(increment, d)
    np.testing.assert_array_equal(view, (grid()[:, 2] + 1) * 2 + 1)


def test_what_a_function_keeps_is_a_copy(cluster: Any) -> None:
    d = distob.scatter(grid(), axis=0)

    def keep(block: np.ndarray) -> None:
        import builtins

        builtins.kept_block = block  # type: ignore[attr-defined]

    def kept(block: np.ndarray) -> Any:
        import builtins

        builtins.kept_block += 100  # type: ignore[attr-defined]
        return builtins.kept_block.copy()  # type: ignore[attr-defined]

    distob.apply(keep, d)
    d[...] = -1
    np.testing.assert_array_equal(distob.apply(kept, d), grid() + 100)
    assert (np.asarray(d) == -1).all()


def test_a_function_that_fails_leaves_the_array_usable(cluster: Any) -> None:
    d = distob.scatter(grid(), axis=0)

    def fails(block: np.ndarray) -> None:
        raise KeyError("no such thing")

    with pytest.raises((KeyError, ExceptionGroup)):
        distob.apply(fails, d)
    d += 1
    np.testing.assert_array_equal(d, grid() + 1)


def test_a_snapshot_survives_what_a_function_writes(cluster: Any) -> None:
    d = distob.scatter(grid(), axis=0)
    before = np.asarray(d)

    def clear(block: np.ndarray) -> None:
        block[...] = 0

    distob.apply(clear, d)
    np.testing.assert_array_equal(before, grid())
    assert not np.asarray(d).any()


def test_distob_numpy_makes_arrays_in_place() -> None:
    import distob.numpy as dnp

    assert type(dnp.zeros((2, 3))) is DistArray
    np.testing.assert_array_equal(dnp.arange(2, 11, 3), np.arange(2, 11, 3))
    np.testing.assert_array_equal(dnp.arange(0.0, 1.0, 0.1), np.arange(0.0, 1.0, 0.1))
    np.testing.assert_array_equal(dnp.full((2,), 7), np.full((2,), 7))
    assert dnp.sqrt is np.sqrt and operator.add(dnp.ones(3), 1).sum() == 6
