"""How distributed arrays meet others: subclasses and other array libraries, DLPack, pickles, copies, bytes and files."""

from __future__ import annotations

import copy
import io
import pickle
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import distob
import distob.numpy


@pytest.fixture(autouse=True)
def _no_warnings() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", distob.PerformanceWarning)
        yield


# --- Others --------------------------------------------------------------------------------------------------------


class Tagged(np.ndarray):
    """A subclass that remembers something, as astropy's quantities do."""

    tag = None

    def __array_finalize__(self, obj: Any) -> None:
        self.tag = getattr(obj, "tag", None)


def test_masks_are_never_lost() -> None:
    plain = np.arange(4.0)
    masked = np.ma.masked_array(np.arange(4.0), [0, 1, 0, 1])
    d = distob.scatter(plain)
    for expression in (lambda a: masked + a, lambda a: a + masked, lambda a: a - masked, lambda a: np.add(a, masked),
                       lambda a: np.multiply(masked, a), lambda a: a < masked):  # fmt: skip
        theirs, ours = expression(plain), expression(d)
        assert isinstance(ours, np.ma.MaskedArray)
        np.testing.assert_array_equal(np.ma.getmaskarray(ours), np.ma.getmaskarray(theirs))
        np.testing.assert_array_equal(ours.filled(-1), theirs.filled(-1))


def test_subclasses_of_ndarray_decide_what_results_are() -> None:
    plain = np.arange(4.0).reshape(2, 2)
    d = distob.scatter(plain)
    matrix = np.matrix([[1.0, 2], [3, 4]])
    for expression in (lambda a: a * matrix, lambda a: a + matrix, lambda a: np.add(a, matrix),
                       lambda a: np.concatenate([a, matrix])):  # fmt: skip
        theirs, ours = expression(plain), expression(d)
        assert type(ours) is type(theirs)
        np.testing.assert_array_equal(ours, theirs)
    tagged = plain.view(Tagged)
    tagged.tag = "here"
    for result in (d + tagged, tagged + d, np.sqrt(np.add(tagged, d)), np.maximum(d, tagged)):
        assert isinstance(result, Tagged)
        assert result.tag == "here"
    out = np.empty_like(d)
    assert np.add(d, tagged, out=out) is out
    np.testing.assert_array_equal(np.asarray(out), plain * 2)


def test_arrays_with_protocols_of_their_own_get_their_turn() -> None:
    class Own:
        def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
            return "own ufunc"

        def __array_function__(self, func: Any, types: Any, args: Any, kwargs: Any) -> Any:
            return "own function"

    class Refuses:
        __array_ufunc__ = None

        def __radd__(self, other: Any) -> str:
            return "reflected"

    class Prior:
        __array_priority__ = 1000

        def __radd__(self, other: Any) -> str:
            return "prior"

    d = distob.scatter(np.arange(3))
    assert d + Own() == "own ufunc"
    assert np.add(d, Own()) == "own ufunc"
    assert np.concatenate([d, Own()]) == "own function"
    assert d + Refuses() == "reflected"
    assert d + Prior() == "prior"
    with pytest.raises(TypeError):
        np.add(d, Refuses())


def test_a_memmap_is_an_ordinary_operand(tmp_path: Path) -> None:
    mapped = np.memmap(tmp_path / "numbers", float, "w+", shape=(5,))
    mapped[:] = range(5)
    d = distob.scatter(mapped)
    assert isinstance(d + mapped, distob.DistArray)
    np.testing.assert_array_equal(np.asarray(d + mapped), np.arange(5) * 2.0)


# --- DLPack --------------------------------------------------------------------------------------------------------


def test_dlpack_gives_snapshots_or_copies() -> None:
    d = distob.scatter(np.arange(6.0).reshape(2, 3))
    assert d.__dlpack_device__() == np.empty(0).__dlpack_device__()
    taken = np.from_dlpack(d)
    assert np.shares_memory(taken, np.asarray(d))
    assert not taken.flags.writeable
    d[0] = 9
    assert taken[0, 0] == 0
    copied = np.from_dlpack(d, copy=True)
    copied[:] = 5
    assert np.asarray(d)[0, 0] == 9
    with pytest.raises(BufferError):
        d.__dlpack__(copy=False)  # the old protocol cannot say read-only
    d.__dlpack__()


def test_what_dlpack_brings_can_be_scattered() -> None:
    made = distob.numpy.from_dlpack(np.arange(5))
    assert isinstance(made, distob.DistArray)
    assert np.asarray(made).tolist() == [0, 1, 2, 3, 4]


# --- Copies, pickles, bytes, files ------------------------------------------------------------------------------------

ARRAYS = [
    np.arange(24.0).reshape(4, 6),
    np.asfortranarray(np.arange(24).reshape(4, 6)),
    np.array(2.5),
    np.zeros((0, 3)),
    np.array(["a", "bcd"]),
    np.array(["2024", "NaT"], "M8[Y]"),
    np.array([(1, 2.5)], [("i", "i4"), ("f", "f8")]),
    np.arange(6, dtype=">i2").reshape(3, 2),
]


@pytest.mark.parametrize(
    "array", ARRAYS, ids=lambda a: f"{a.dtype.str if a.dtype.fields is None else 'record'}{a.shape}"
)
def test_what_leaves_comes_back(array: np.ndarray, tmp_path: Path) -> None:
    d = (
        distob.scatter(array, partition=[[1]] + [None] * (array.ndim - 1))
        if array.ndim and len(array)
        else distob.scatter(array)
    )
    for back in (pickle.loads(pickle.dumps(d)), pickle.loads(pickle.dumps(d, 5)), copy.copy(d), copy.deepcopy(d)):
        assert type(back) is type(d)
        assert back.dtype.newbyteorder("=") == d.dtype.newbyteorder("=")  # NumPy unpickles to native order
        assert (back.shape, back.partition) == (d.shape, d.partition)
        assert back.strides == d.strides or not d.size
        np.testing.assert_array_equal(np.asarray(back), array)
        assert not np.shares_memory(back, d)
    for order in "CFAK":
        assert d.tobytes(order) == array.tobytes(order)
    assert bytes(d) == array.tobytes()
    d.tofile(tmp_path / "raw")
    assert (tmp_path / "raw").read_bytes() == array.tobytes()
    theirs, ours = io.BytesIO(), io.BytesIO()
    np.save(theirs, array)
    np.save(ours, d)
    assert ours.getvalue() == theirs.getvalue()
    distob.save(tmp_path / "own.npy", d)
    assert (tmp_path / "own.npy").read_bytes() == theirs.getvalue()
    if array.ndim:
        loaded = distob.load(tmp_path / "own.npy", axis=0)
        np.testing.assert_array_equal(np.asarray(loaded), array)
        assert loaded.strides == d.strides or not d.size
    np.savez(tmp_path / "both.npz", one=d, two=array)
    with np.load(tmp_path / "both.npz") as both:
        np.testing.assert_array_equal(both["one"], both["two"])
    np.testing.assert_array_equal(pickle.loads(d.dumps()), array)


def test_shared_references_are_copied_once() -> None:
    d = distob.scatter(np.arange(3))
    one, two = copy.deepcopy([d, d])
    assert one is two


def test_a_pickled_scalar_is_a_scalar() -> None:
    total = distob.scatter(np.arange(4.0)).sum()
    back = pickle.loads(pickle.dumps(total))
    assert isinstance(back, np.float64)
    assert back == 6.0


def test_files_of_other_things_are_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "objects.npy", np.array([{}, 1]), allow_pickle=True)
    np.savez(tmp_path / "several.npz", np.arange(3))
    for name in ("objects.npy", "several.npz"):
        with pytest.raises(ValueError):
            distob.load(tmp_path / name)
    with pytest.raises(ValueError):
        distob.save(tmp_path / "x.npy", np.array([{}]))
    with pytest.raises(FileNotFoundError):
        distob.load(tmp_path / "nothing.npy")


def test_mapped_files_go_straight_to_array_memory(tmp_path: Path) -> None:
    array = np.arange(300_000.0).reshape(300, 1000)
    np.save(tmp_path / "numbers.npy", array)
    before = distob._core.array_statistics()["bytes_copied"]
    d = distob.scatter(np.load(tmp_path / "numbers.npy", mmap_mode="r"), axis=0)
    assert distob._core.array_statistics()["bytes_copied"] == before + array.nbytes
    np.testing.assert_array_equal(np.asarray(d), array)


# --- Python's own protocols ------------------------------------------------------------------------------------------


def outcome(function: Any, a: Any) -> Any:
    try:
        return function(a)
    except Exception as error:
        return type(error), str(error)


QUESTIONS: dict[str, Any] = {
    "bool": bool, "int": int, "float": float, "complex": complex, "hash": hash, "len": len, "index": lambda a: [7, 8, 9][a],
    "in": lambda a: 2 in a, "not in": lambda a: 99 in a, "format": lambda a: f"{a}", "format spec": lambda a: f"{a:.2f}",
    "iter": lambda a: [float(np.sum(x)) for x in a], "reversed": lambda a: [float(np.sum(x)) for x in reversed(a)],
    "item": lambda a: a.item(), "item 1": lambda a: a.item(1), "tolist": lambda a: a.tolist(),
    "divmod": lambda a: [np.asarray(x).tolist() for x in divmod(a, 2)], "delete": lambda a: a.__delitem__(0),
    "setitem": lambda a: a.__setitem__(0, "x"), "resize": lambda a: a.reshape(-1).shape, "unpack": lambda a: next(iter(a)).tolist(),
}  # fmt: skip


@pytest.mark.parametrize("name", QUESTIONS)
def test_answers_to_python_are_numpys(name: str) -> None:
    for array in (np.array(2), np.array(2.5), np.array([1]), np.array([1, 2, 3]), np.arange(6.0).reshape(2, 3), np.zeros(0),
                  np.array(True), np.array(1 + 2j)):  # fmt: skip
        theirs, ours = outcome(QUESTIONS[name], array), outcome(QUESTIONS[name], distob.scatter(array))
        if name in ("hash", "delete") and isinstance(theirs, tuple):
            theirs, ours = theirs[0], ours[0]  # the class is named
        assert ours == theirs or (ours != ours and theirs != theirs), (array, theirs, ours)
