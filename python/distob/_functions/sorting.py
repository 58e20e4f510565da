"""Sorting and searching, on all threads.

Every sort here is stable, whatever `kind` asks for, and a partition is a sort: NumPy leaves open how the elements around
the wanted ones lie.
"""

from __future__ import annotations

import operator
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from distob import _core, _fallback
from distob._functions.composed import composed
from distob._functions.registry import FORMS, as_ours, form_of


def _stand_in(a: Any) -> np.ndarray:
    """An array like `a` without elements, for NumPy to judge arguments on."""
    return np.empty((0,) * a.ndim, a.dtype)


def _along(a: Any, axis: Any) -> tuple[Any, int]:
    """The array and the axis to work along: of `axis=None` all elements, in C order."""
    if axis is None or a.ndim == 0:
        return a.reshape(-1), 0
    return a, normalize_axis_index(operator.index(axis), a.ndim)


@form_of(np.sort)
def sort(a: Any, axis: Any = -1, kind: Any = None, order: Any = None, *, stable: bool | None = None) -> Any:
    """A sorted copy, as numpy.sort."""
    if not _core.can_sort(a):
        return NotImplemented
    if axis is None:
        a, axis = a.flatten(), -1
    _stand_in(a).sort(axis=axis, kind=kind, order=order, stable=stable)
    return _core.sort(a, operator.index(axis))


def sort_in_place(a: Any, axis: Any, kind: Any, order: Any, stable: bool | None) -> None:
    """ndarray.sort."""
    _stand_in(a).sort(axis=axis, kind=kind, order=order, stable=stable)
    if _core.can_sort(a):
        _core.assign(a, _core.sort(a, operator.index(axis)))
    else:
        _fallback.tell(f"numpy.ndarray.sort of dtype {a.dtype}")
        _core.access(a).sort(axis=axis, kind=kind, order=order, stable=stable)


@form_of(np.argsort)
def argsort(a: Any, axis: Any = -1, kind: Any = None, order: Any = None, *, stable: bool | None = None) -> Any:
    """The indices that sort `a`, equal elements in their order, as numpy.argsort(kind="stable")."""
    if not _core.can_sort(a):
        return NotImplemented
    _stand_in(a).argsort(axis=axis, kind=kind, order=order, stable=stable)
    a, axis = _along(a, axis)
    return _core.argsort(a, axis)


def _check_kth(a: Any, axis: int, kth: Any, kind: str, order: Any) -> None:
    _stand_in(a).partition(np.empty(0, np.intp), axis=axis, kind=kind, order=order)  # type: ignore[call-overload]
    places = np.asarray(_fallback.local(kth))
    if places.dtype.kind not in "biu":
        raise TypeError("Partition index must be integer")
    if places.ndim > 1:
        raise ValueError("object too deep for desired array")
    length = a.shape[axis]
    for place in places.ravel():
        if not -length <= place < length:
            raise ValueError(f"kth(={place + length if place < 0 else place}) out of bounds ({length})")


@form_of(np.partition)
def partition(a: Any, kth: Any, axis: Any = -1, kind: str = "introselect", order: Any = None) -> Any:
    """A copy in which the elements at `kth` stand where they would in sorted order, as numpy.partition."""
    if not isinstance(a, _core.Array) or not _core.can_sort(a):
        return NotImplemented
    if axis is None:
        a, axis = a.flatten(), -1
    axis = normalize_axis_index(operator.index(axis), a.ndim)
    _check_kth(a, axis, kth, kind, order)
    return _core.sort(a, axis)


def partition_in_place(a: Any, kth: Any, axis: Any, kind: str, order: Any) -> None:
    """ndarray.partition."""
    if not _core.can_sort(a):
        _fallback.tell(f"numpy.ndarray.partition of dtype {a.dtype}")
        _core.access(a).partition(kth, axis, kind, order)
    else:
        _core.assign(a, partition(a, kth, axis, kind, order))


@form_of(np.argpartition)
def argpartition(a: Any, kth: Any, axis: Any = -1, kind: str = "introselect", order: Any = None) -> Any:
    """The indices that partition `a`, as numpy.argpartition."""
    if not isinstance(a, _core.Array) or not _core.can_sort(a):
        return NotImplemented
    a, axis = _along(a, axis)
    _check_kth(a, axis, kth, kind, order)
    return _core.argsort(a, axis)


@form_of(np.lexsort)
def lexsort(keys: Any, axis: int = -1) -> Any:
    """The indices that sort by several keys, the last of which counts most, as numpy.lexsort."""
    rows = [as_ours(key) for key in keys]
    if not rows or not all(_core.can_sort(row) for row in rows):
        return NotImplemented
    if len({row.shape for row in rows}) > 1:
        raise ValueError("all keys need to be the same shape")
    if rows[0].ndim == 0:
        return NotImplemented
    return _core.lexsort(rows, normalize_axis_index(operator.index(axis), rows[0].ndim))


@form_of(np.searchsorted)
def searchsorted(a: Any, v: Any, side: Any = "left", sorter: Any = None) -> Any:
    """Where the values would have to stand in a sorted vector, as numpy.searchsorted."""
    values = v if isinstance(v, _core.Array) else np.asarray(v)
    among = a if isinstance(a, _core.Array) else np.asarray(a)
    dtype = np.result_type(among.dtype, values.dtype)
    face = _fallback.first_face(a, v)
    if among.ndim != 1 or dtype.kind not in "biufcmM":
        return NotImplemented
    np.empty(0).searchsorted(0, side)
    order = None
    if sorter is not None:
        order = as_ours(sorter, face)
        if order.dtype.kind not in "iu":
            raise TypeError("sorter must only contain integers")
        if order.ndim != 1:
            raise ValueError("object too deep for desired array")
    made, wanted = (as_ours(x, face).astype(dtype, copy=False) for x in (among, values))
    found = _core.searchsorted(made, wanted, side in ("right", "r", "R"), order, face)
    return _core.item(found) if found.ndim == 0 else found


FORMS[np.digitize] = composed(np.digitize)
FORMS[np.sort_complex] = composed(np.sort_complex)
