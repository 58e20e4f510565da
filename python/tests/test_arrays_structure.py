"""Functions of structure give NumPy's results, errors and layouts on every kind of array, and move nothing they need not."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import distob

RANDOM = np.random.default_rng(3)
ARRAYS: dict[str, np.ndarray] = {
    "matrix": RANDOM.integers(0, 9, (4, 6)).astype(float),
    "integers": RANDOM.integers(0, 9, (4, 6)),
    "cube": RANDOM.integers(0, 9, (3, 4, 5)).astype(np.int16),
    "vector": np.array([0, 0, 3, 1, 0, 2, 0, 1, 2, 0]),
    "element": np.array(3.5),
    "empty": np.zeros((0, 3)),
    "fortran": np.asfortranarray(RANDOM.random((4, 6)).round(2)),
    "complex": RANDOM.integers(0, 9, (4, 6)) + 1j * RANDOM.integers(0, 9, (4, 6)),
    "bool": RANDOM.random((4, 4)) < 0.5,
    "swapped": np.arange(12, dtype=">i4").reshape(4, 3),
    "dates": np.array(["2024-01-01", "2025-06-30", "2026-02-03"], "M8[D]"),
    "strings": np.array([["a", "bcd"], ["ef", "g"]]),
    "records": np.array([(1, 2.5), (3, 4.5)], [("i", "i4"), ("f", "f8")]),
}

FUNCTIONS: dict[str, Callable[[Any], Any]] = {
    "roll": lambda a: [np.roll(a, 1), np.roll(a, -3, axis=0), np.roll(a, (1, 2), axis=(0, 0))],
    "roll of two axes": lambda a: np.roll(a, (1, -2), axis=(0, 1)),
    "rot90": lambda a: [np.rot90(a, k) for k in range(-1, 5)] + [np.rot90(a, 1, (1, 0))],
    "rot90 of one axis": lambda a: np.rot90(a, 1, (0, 0)),
    "flip": lambda a: [np.flip(a), np.flip(a, 0), np.flip(a, (0, -1))],
    "flip of no axis": lambda a: np.flip(a, 7),
    "fliplr": np.fliplr,
    "flipud": np.flipud,
    "diff": lambda a: [np.diff(a), np.diff(a, 2, axis=0)],
    "diff with ends": lambda a: np.diff(a, prepend=1, append=2),
    "diff of order -1": lambda a: np.diff(a, -1),
    "ediff1d": lambda a: [np.ediff1d(a), np.ediff1d(a, to_begin=[1], to_end=[3, 4])],
    "gradient": lambda a: np.gradient(a),
    "gradient with a spacing": lambda a: np.gradient(a, 2.0, axis=0, edge_order=2),
    "gradient of uneven points": lambda a: np.gradient(a, np.array([1.0, 2, 4, 8]), axis=0),
    "stack": lambda a: [np.stack([a, a], axis=k) for k in (0, -1)],
    "stack of others": lambda a: np.stack([a, np.zeros(3)]),
    "vstack": lambda a: np.vstack([a, np.array(a)]),
    "hstack": lambda a: np.hstack((a, a)),
    "dstack": lambda a: np.dstack([a, a]),
    "column_stack": lambda a: np.column_stack([a, a]),
    "block": lambda a: np.block([[a, a], [a, a]]),
    "append": lambda a: [np.append(a, a), np.append(a, a, axis=0)],
    "concatenate": lambda a: [np.concatenate([a, a], axis=None), np.concatenate([a[:1], a], axis=0)],
    "concatenate to another type": lambda a: np.concatenate([a, a], dtype="c16"),
    "concatenate unsafely": lambda a: np.concatenate([a, a], dtype="f4", casting="unsafe"),
    "concatenate into out": lambda a: np.concatenate([a, a], out=np.empty_like(a, shape=(8, 6))),
    "concatenate into a wrong out": lambda a: np.concatenate([a, a], out=np.empty_like(a, shape=(1, 1))),
    "concatenate shapes that differ": lambda a: np.concatenate([a, a[0]]),
    "concatenate along no axis": lambda a: np.concatenate([a, a], axis=5),
    "array_split": lambda a: [np.array_split(a, 3), np.array_split(a, [1, 9, -1], axis=-1)],
    "split": lambda a: np.split(a, 2),
    "split unevenly": lambda a: np.split(a, 5),
    "split at points": lambda a: np.split(a, [1, 3, 9], axis=0),
    "hsplit": lambda a: np.hsplit(a, 2),
    "vsplit": lambda a: np.vsplit(a, 2),
    "dsplit": lambda a: np.dsplit(a, 5),
    "expand_dims": lambda a: [np.expand_dims(a, 0), np.expand_dims(a, (0, -1))],
    "expand_dims too far": lambda a: np.expand_dims(a, 9),
    "squeeze": lambda a: [np.squeeze(a[:1]), np.squeeze(a[:1], 0), np.squeeze(a[:1], (0,))],
    "squeeze a long axis": lambda a: np.squeeze(a, -1),
    "moveaxis": lambda a: [np.moveaxis(a, 0, -1), np.moveaxis(a, -1, 0)],
    "moveaxis twice": lambda a: np.moveaxis(a, (0, 0), (1, 0)),
    "rollaxis": lambda a: [np.rollaxis(a, 1), np.rollaxis(a, 0, 2)],
    "rollaxis too far": lambda a: np.rollaxis(a, 0, 9),
    "transpose": lambda a: [np.transpose(a), a.T, a.transpose(), np.permute_dims(a), np.swapaxes(a, 0, -1)],
    "transpose by too few": lambda a: a.transpose(0),
    "swapaxes too far": lambda a: a.swapaxes(0, 3),
    "matrix_transpose": lambda a: [np.matrix_transpose(a), a.mT],
    "mT": lambda a: a.mT,
    "atleast": lambda a: [np.atleast_1d(a), np.atleast_2d(a), np.atleast_3d(a)] + list(np.atleast_2d(a, a)),
    "tile": lambda a: [np.tile(a, 2), np.tile(a, (2, 1, 3)), np.tile(a, ())],
    "tile a negative number of times": lambda a: np.tile(a, -1),
    "repeat": lambda a: [np.repeat(a, 2), np.repeat(a, 3, axis=0), a.repeat([2], axis=-1), np.repeat(a, 0)],
    "repeat by counts": lambda a: np.repeat(a, [2, 0, 1, 3], axis=0),
    "repeat a negative number of times": lambda a: np.repeat(a, -1),
    "resize": lambda a: [np.resize(a, (5, 7)), np.resize(a, 3)],
    "kron": lambda a: np.kron(a, a[:2]),
    "unwrap": np.unwrap,
    "trapezoid": np.trapezoid,
    "trim_zeros": lambda a: [np.trim_zeros(a), np.trim_zeros(a, "f"), np.trim_zeros(a, "b")],
    "ravel": lambda a: [np.ravel(a, order) for order in "CFAK"],
    "flatten": lambda a: [a.flatten(order) for order in "CFAK"],
    "copy": lambda a: [a.copy(order) for order in "CFAK"] + [np.copy(a)],
    "copy in no order": lambda a: a.copy("X"),
    "reshape": lambda a: [a.reshape(-1), a.reshape(-1, order="F"), np.reshape(a, (1, -1), order="A")],
    "reshape in two": lambda a: [a.reshape((2, -1)), a.reshape(2, -1, order="F"), a.T.reshape(2, -1)],
    "reshape in order K": lambda a: a.reshape(-1, order="K"),
    "reshape to another size": lambda a: a.reshape(7, -1),
    "reshape with two unknowns": lambda a: a.reshape(-1, -1),
    "broadcast_to": lambda a: np.broadcast_to(a, (2, *a.shape)),
    "broadcast_to a lesser shape": lambda a: np.broadcast_to(a, (2,)),
    "broadcast_arrays": lambda a: np.broadcast_arrays(a, a[:1], 1),
    "view as bytes": lambda a: a.view("u1"),
    "view as something odd": lambda a: a.view("V7"),
    "view of the transpose": lambda a: a.T.view("u1"),
    "view as objects": lambda a: a.view(object),
    "real and imag": lambda a: [a.real, a.imag, np.real(a), np.imag(a)],
    "getfield": lambda a: a.getfield("i2", 2),
    "getfield outside": lambda a: a.getfield("i8", 12),
    "byteswap": lambda a: a.byteswap(),
    "astype in an order": lambda a: [a.astype("c8", order=order) for order in "CFAK"],
    "astype safely": lambda a: a.astype("i1", casting="safe"),
    "apply_over_axes": lambda a: np.apply_over_axes(np.sum, a, [0, 1]),
    "pad with a number": lambda a: np.pad(a, ((1, 2),) * a.ndim, constant_values=7),
    "pad by reflection": lambda a: [np.pad(a, 3, mode="reflect", reflect_type=t) for t in ("even", "odd")],
    "pad by a function": lambda a: np.pad(a, 1, lambda v, w, i, k: v.__setitem__(slice(0, 1), 1)),
    "pad with no mode": lambda a: np.pad(a, 1, mode="no mode"),
    "pad by a negative width": lambda a: np.pad(a, -1),
    "pad by floats": lambda a: np.pad(a, 1.5),
}
for _mode in ("constant", "edge", "linear_ramp", "maximum", "mean", "median", "minimum", "symmetric", "wrap"):
    FUNCTIONS[f"pad {_mode}"] = lambda a, mode=_mode: np.pad(a, 2, mode=mode)
if hasattr(np, "unstack"):
    FUNCTIONS["unstack"] = lambda a: [np.unstack(a), np.unstack(a, axis=-1)]


def scattered(a: np.ndarray) -> Iterator[Any]:
    yield distob.scatter(a, axis=None)
    if a.ndim:
        yield distob.scatter(a, axis=0, blocksize=3)
        yield distob.scatter(a)


def joined(a: np.ndarray) -> Any:
    a = np.ascontiguousarray(a)
    return distob.DistArray([distob.scatter(a[:1], axis=None), distob.scatter(a[1:])], axis=0)


def outcome(function: Callable[[Any], Any], a: Any) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return function(a)
        except Exception as error:
            return error


def leaves(value: Any) -> list[Any]:
    return [x for item in value for x in leaves(item)] if isinstance(value, (list, tuple)) else [value]


def plain(text: object) -> str:
    return re.sub(r"\s+", " ", str(text))


@pytest.mark.parametrize("name", FUNCTIONS)
def test_results_errors_and_layouts_are_numpys(name: str) -> None:
    for array in ARRAYS.values():
        partitions = list(scattered(array)) + ([joined(array)] if array.ndim and len(array) > 1 else [])
        if name == "view of the transpose":
            partitions = list(scattered(array))  # the parts of a joined array may be contiguous where the whole is not
        for d in partitions:
            wanted = outcome(FUNCTIONS[name], array.copy("K" if distob._core.pieces(d) == 1 else "C"))
            got = outcome(FUNCTIONS[name], d)
            if isinstance(wanted, Exception):
                assert type(got) is type(wanted), (array.dtype, wanted, got)
                assert plain(got) == plain(wanted)
                continue
            assert not isinstance(got, Exception), (array.dtype, array.shape, got)
            assert len(leaves(got)) == len(leaves(wanted))
            for theirs, ours in zip(leaves(wanted), leaves(got), strict=True):
                assert isinstance(ours, distob._core.Array) or not isinstance(theirs, np.ndarray)
                assert np.asarray(ours).dtype == np.asarray(theirs).dtype
                if name == "pad mean":  # means agree within rounding
                    np.testing.assert_allclose(np.asarray(ours), np.asarray(theirs), rtol=1e-15)
                else:
                    np.testing.assert_array_equal(np.asarray(ours), np.asarray(theirs))
                many = isinstance(theirs, np.ndarray) and theirs.size > 1
                if many and distob._core.pieces(d) == 1 and isinstance(ours, distob._core.Array):
                    assert (ours.flags.c_contiguous, ours.flags.f_contiguous) == (
                        theirs.flags.c_contiguous,
                        theirs.flags.f_contiguous,
                    )


VIEWS: dict[str, Callable[[Any], Any]] = {
    "transpose": lambda a: a.T,
    "swapaxes": lambda a: a.swapaxes(0, 1),
    "moveaxis": lambda a: np.moveaxis(a, 0, 1),
    "rollaxis": lambda a: np.rollaxis(a, 1),
    "flip": np.flip,
    "rot90": np.rot90,
    "split": lambda a: np.split(a, 2)[1],
    "array_split": lambda a: np.array_split(a, 3, axis=1)[1],
    "a row": lambda a: list(a)[2],
    "expand_dims": lambda a: np.expand_dims(a, 1),
    "squeeze": lambda a: np.squeeze(a[:, :1]),
    "ravel": lambda a: a.ravel(),
    "reshape": lambda a: a.reshape(4, 2, 3),
    "reshape in Fortran's order": lambda a: a.T.reshape(3, 2, 4, order="F"),
    "atleast_3d": np.atleast_3d,
    "mT": lambda a: a.mT,
    "view": lambda a: a.view("i4"),
    "a wider view": lambda a: a.view("c16"),
    "real": lambda a: a.view("c16").real,
    "imag": lambda a: a.view("c16").imag,
    "getfield": lambda a: a.getfield("i4", 4),
    "a view of a view": lambda a: a[::2].T.view()[1:, ::-1],
    "all of it": lambda a: a.view(),
}


@pytest.mark.parametrize("name", VIEWS)
@pytest.mark.parametrize("kind", ["whole", "blocks", "joined"])
def test_writes_through_a_view_are_seen_through_all(name: str, kind: str) -> None:
    array = np.arange(24.0).reshape(4, 6)
    d = {"whole": lambda: distob.scatter(array, axis=None), "blocks": lambda: distob.scatter(array, 0, 3),
         "joined": lambda: joined(array)}[kind]()  # fmt: skip
    mine = array.copy()
    before = distob._core.array_statistics()["bytes_copied"]
    view, theirs = VIEWS[name](d), VIEWS[name](mine)
    assert distob._core.array_statistics()["bytes_copied"] == before, "a view moved elements"
    assert np.shares_memory(view, d) == np.shares_memory(theirs, mine)
    view[...] = 7
    theirs[...] = 7
    np.testing.assert_array_equal(np.asarray(d), mine)
    d[1:] *= 2
    mine[1:] *= 2
    np.testing.assert_array_equal(np.asarray(view), theirs)
    view[1:] = view[:-1]
    theirs[1:] = theirs[:-1].copy()
    np.testing.assert_array_equal(np.asarray(d), mine)


def test_fields_of_records_are_views() -> None:
    dtype = np.dtype([("i", "i4"), ("pos", "f8", (2,)), ("inner", [("x", "u1"), ("z", "c16")])], align=True)
    mine = np.zeros((3, 4), dtype)
    for d in scattered(mine.copy()):
        theirs = mine.copy()
        for a in (theirs, d):
            a["i"] = np.arange(12).reshape(3, 4)
            a["pos"][..., 1] = a["i"] * 2.0
            a["inner"]["z"].imag = 5
            a[1:]["inner"]["x"] = 200
            part = a[["i", "inner"]]
            part["i"] += 1
            a["i"] += a["inner"]["x"] > 100
        np.testing.assert_array_equal(np.asarray(d), theirs)
        assert d["pos"].shape == (3, 4, 2)
        assert d[["i", "pos"]].dtype == theirs[["i", "pos"]].dtype
        with pytest.raises(ValueError, match="no field of name nothing"):
            d["nothing"]
        with pytest.raises(KeyError):
            d[["i", "nothing"]]


def test_flat_reads_and_writes_in_c_order() -> None:
    for array in (
        np.arange(24.0).reshape(4, 6),
        np.arange(24.0).reshape(4, 6).T,
        np.arange(24).reshape(4, 6)[::2, ::-1],
    ):
        for make in (lambda a: distob.scatter(a, 0, 2), joined):
            mine, d = array.copy("K"), make(array)
            d = d.copy("K") if make is not joined else d
            assert list(d.flat) == list(mine.flat)
            assert len(d.flat) == len(mine.flat)
            walk, other = d.flat, mine.flat
            next(walk), next(other)
            assert (walk.index, walk.coords) == (other.index, other.coords)
            assert walk.base is d
            for index in (
                3,
                -1,
                slice(1, 9, 3),
                slice(None, None, -2),
                [1, -1, 2],
                ...,
                slice(5, 2),
                np.array([[0, 1]]),
            ):
                np.testing.assert_array_equal(np.asarray(d.flat[index]), mine.flat[index])
            statements: list[tuple[Any, Any]] = [
                (2, 50), (slice(0, 6, 2), 7), (slice(3, 12), [1, 2]), ([1, 5, 0], [9, 8, 7]), (..., [3, 4, 5]),
                (slice(0, 3), []), (slice(2, 5), range(40, 60)),
            ]  # fmt: skip
            for index, value in statements:
                d.flat[index] = value
                mine.flat[index] = value
                np.testing.assert_array_equal(np.asarray(d), mine)
            d.flat = mine.flat = range(3)
            np.testing.assert_array_equal(np.asarray(d), mine)
            np.testing.assert_array_equal(np.asarray(d.flat), np.asarray(mine.flat))
            assert (d.flat == mine.flat.copy()).all()
            for wrong in (99, -99, "x", (1, 2), [99]):
                errors = [type(outcome(lambda a, wrong=wrong: a.flat[wrong], a)) for a in (mine, d)]
                assert errors[0] is errors[1]
            with pytest.raises(ValueError, match="Error setting single item"):
                d.flat[0] = [1]


def test_real_and_imaginary_parts_are_written_through() -> None:
    for code in ("c8", "c16", "c32", ">c8"):
        mine = (np.arange(6.0) + 1j).astype(code).reshape(2, 3)
        d = distob.scatter(mine.copy())
        for a in (mine, d):
            a.real = 5
            a.imag[1] = a.real[0] * 2
            a.imag += a.real
        np.testing.assert_array_equal(np.asarray(d), mine)
        assert d.real.dtype == mine.real.dtype
    real = distob.scatter(np.arange(3.0))
    with pytest.raises(TypeError, match="does not have imaginary part to set"):
        real.imag = 3
    with pytest.raises(ValueError, match="read-only"):
        real.imag[0] = 3


def test_parts_of_scalars_are_values() -> None:
    value = distob.scatter(np.array([1 + 2j, 3j])).sum()
    assert (value.real, value.imag) == (1.0, 5.0)
    with pytest.raises(TypeError):
        value.real[...] = 4
    assert value == 1 + 5j


def test_scatter_and_gather_keep_the_order_of_memory() -> None:
    for array in (np.asfortranarray(np.arange(6.0).reshape(2, 3)), np.arange(24).reshape(2, 3, 4).transpose(1, 0, 2)):
        d = distob.scatter(array)
        assert d.strides == array.copy("K").strides
        assert distob.gather(d).strides == array.copy("K").strides
        np.testing.assert_array_equal(distob.gather(d), array)


@pytest.mark.parametrize("axis", [0, 1])
def test_numpy_writes_into_joined_arrays(axis: int) -> None:
    mine = np.arange(24.0).reshape(4, 6)
    parts = [distob.scatter(part) for part in np.split(mine, 2, axis)]
    d = distob.DistArray([parts[0][:, ::-1][:, ::-1], parts[1]], axis=axis)
    for a in (mine, d):
        np.put(a, [0, 5, 23], [-1, -2, -3])
        a[a > 20] = 0
        a[[0, 3], [1, 2]] = 99
        a.sort(axis=1)
        np.add.at(a, ([0, 0], [1, 1]), 5)
    np.testing.assert_array_equal(np.asarray(d), mine)
    np.testing.assert_array_equal(np.concatenate([np.asarray(p) for p in parts], axis), mine)


def test_iteration_sees_what_the_loop_writes() -> None:
    d, mine = distob.scatter(np.arange(5)), np.arange(5)
    for a in (d, mine):
        for i, x in enumerate(a):
            if i + 1 < len(a):
                a[i + 1] += x
    np.testing.assert_array_equal(np.asarray(d), mine)
    assert [type(x) for x in d] == [type(x) for x in mine]


def test_a_record_refuses_writes_that_would_be_lost() -> None:
    record = distob.scatter(np.array([(1, 2.5)], [("i", "i4"), ("f", "f8")]))[0]
    assert record == np.array((1, 2.5), record.dtype)[()]
    with pytest.raises(ValueError, match="read-only"):
        record["i"] = 5
