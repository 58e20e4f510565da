"""Elements picked by indices and conditions."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from distob import _core, _fallback
from distob._functions.composed import composed
from distob._functions.registry import FORMS, as_ours, form_of


def _into(out: Any, result: Any, mode: str = "raise") -> Any:
    """`result`, or `out` after the result was written to it."""
    if out is None:
        return result
    if out.shape != result.shape:
        raise ValueError("output array does not match result of ndarray.take")
    if not np.can_cast(result.dtype, out.dtype, "same_kind" if mode == "raise" else "safe"):
        np.empty(0, result.dtype).astype(out.dtype, casting="same_kind" if mode == "raise" else "safe")
    out[...] = result
    return out


@form_of(np.take)
def take(a: Any, indices: Any, axis: Any = None, out: Any = None, mode: str = "raise") -> Any:
    """The elements along `axis` that `indices` name, as numpy.take."""
    if not isinstance(a, _core.Array):
        a = as_ours(a, _fallback.first_face(indices, out))
    if axis is None:
        a, axis = a.reshape(-1), 0
    elif a.ndim == 0:
        a = a.reshape(1)
    return _into(out, _core.take(a, indices, operator.index(axis), mode), mode)


@form_of(np.put)
def put(a: Any, ind: Any, v: Any, mode: str = "raise") -> None:
    """Set the elements with the numbers `ind` to the values `v`, over and over, as numpy.put."""
    if not isinstance(a, _core.Array):
        return np.put(a, _fallback.local(ind), _fallback.local(v), mode)  # type: ignore[arg-type]
    _require_writeable(a, "put: output array is read-only")
    _core.put(a, ind, v, mode)
    return None


def _require_writeable(a: Any, text: str) -> None:
    if not a._writeable:
        raise ValueError(text)


@form_of(np.compress)
def compress(condition: Any, a: Any, axis: Any = None, out: Any = None) -> Any:
    """The slices along `axis` for which the condition is true, as numpy.compress."""
    face = _fallback.first_face(condition, a, out)
    condition = as_ours(condition, face)
    if condition.ndim != 1:
        raise ValueError("condition must be a 1-d array")
    return take(as_ours(a, face), condition.nonzero()[0], axis, out)


@form_of(np.choose)
def choose(a: Any, choices: Any, out: Any = None, mode: str = "raise") -> Any:
    """Each element from the choice that its index in `a` names, as numpy.choose."""
    choices = list(choices)
    if not choices:
        raise ValueError("0-length sequence.")
    face = _fallback.first_face(a, choices, out)
    index = as_ours(a, face)
    if not np.can_cast(index.dtype, np.intp, "safe"):
        np.empty(0, index.dtype).astype(np.intp, casting="safe")
    arrays = [c if isinstance(c, _core.Array) else np.asarray(c) for c in choices]
    dtype = np.result_type(*(c.dtype for c in arrays))
    if dtype.hasobject:
        return NotImplemented
    made = [as_ours(c if c.dtype == dtype else c.astype(dtype), face) for c in arrays]
    result = _core.choose(index, made, mode, face)
    if out is None:
        return result
    if out.shape != result.shape:
        raise ValueError("choose: wrong shape for output array" if mode == "raise" else "output array shape mismatch")
    out[...] = result
    return out


@form_of(np.nonzero)
def nonzero(a: Any) -> tuple[Any, ...]:
    """The indices of elements that are not zero, an array for each axis, as numpy.nonzero."""
    if a.dtype.kind in "biufc":
        return _core.nonzero(a)
    return _fallback.compute("numpy.nonzero", np.nonzero, a)


@form_of(np.argwhere)
def _argwhere(a: Any) -> Any:
    if a.ndim == 0:
        return _argwhere(a.reshape(1))[:, :0]
    return np.stack(nonzero(a)).T


@form_of(np.place)
def _place(arr: Any, mask: Any, vals: Any) -> None:
    if not isinstance(arr, _core.Array):
        return np.place(arr, _fallback.local(mask), _fallback.local(vals))
    places = as_ours(mask, type(arr)).astype(bool)
    if places.size != arr.size:
        raise ValueError("place: mask and data must be the same size")
    _check_safe(vals, arr.dtype)
    _require_writeable(arr, "place: output array is read-only")
    if np.size(vals):
        _core.fill_masked(arr, places.reshape(arr.shape), _vector(vals, arr.dtype), False)
    elif places.any():
        raise ValueError("Cannot insert from an empty array!")
    return None


@form_of(np.putmask)
def _putmask(a: Any, /, mask: Any, values: Any) -> None:
    if not isinstance(a, _core.Array):
        return np.putmask(a, _fallback.local(mask), _fallback.local(values))
    places = as_ours(mask, type(a)).astype(bool)
    if places.size != a.size:
        raise ValueError("putmask: mask and data must be the same size")
    _check_safe(values, a.dtype)
    _require_writeable(a, "putmask: output array is read-only")
    if np.size(values):
        _core.fill_masked(a, places.reshape(a.shape), _vector(values, a.dtype), True)
    return None


def _check_safe(values: Any, dtype: np.dtype) -> None:
    """Values that are arrays are only cast safely."""
    if isinstance(values, (_core.Array, np.ndarray, np.generic)) and not np.can_cast(values.dtype, dtype, "safe"):
        np.empty(0, values.dtype).astype(dtype, casting="safe")


def _vector(values: Any, dtype: np.dtype) -> Any:
    return values.ravel() if isinstance(values, _core.Array) else np.array(values, dtype).ravel()


_put_rows = composed(np.put_along_axis)


@form_of(np.put_along_axis)
def _put_along_axis(arr: Any, indices: Any, values: Any, axis: Any) -> None:
    if axis is not None or not isinstance(arr, _core.Array):
        _put_rows(arr, indices, values, axis)
        return
    indices = as_ours(indices, type(arr))
    if indices.ndim != 1:
        raise ValueError("when axis=None, `indices` must have a single dimension.")
    put(arr, indices, np.broadcast_to(values, indices.shape))


@form_of(np.select)
def _select(condlist: Any, choicelist: Any, default: Any = 0) -> Any:
    if len(condlist) != len(choicelist):
        raise ValueError("list of cases must be same length as list of conditions")
    if len(condlist) == 0:
        raise ValueError("select with an empty condition list is not possible")
    choices = [
        c if type(c) in (int, float, complex) or isinstance(c, _core.Array) else np.asarray(c)
        for c in (*choicelist, default)
    ]
    try:
        dtype = np.result_type(*(np.empty(0, c.dtype) if isinstance(c, _core.Array) else c for c in choices))
    except TypeError as e:
        raise TypeError(f"Choicelist and default value do not have a common dtype: {e}") from None
    face = _fallback.first_face(condlist, choicelist, default)
    conditions = [as_ours(c, face) for c in condlist]
    for i, condition in enumerate(conditions):
        if condition.dtype != np.bool_:
            raise TypeError(f"invalid entry {i} in condlist: should be boolean ndarray")
    result = _core.empty(np.broadcast_shapes(*(c.shape for c in conditions), *map(np.shape, choices)), dtype, face)
    result[...] = choices[-1]
    for choice, condition in zip(choices[-2::-1], conditions[::-1], strict=True):
        np.copyto(result, choice, where=condition)
    return result


@form_of(np.piecewise)
def _piecewise(x: Any, condlist: Any, funclist: Any, *args: Any, **kw: Any) -> Any:
    face = _fallback.first_face(x, condlist)
    x = as_ours(x, face)
    alone = not isinstance(condlist, (list, tuple)) and np.ndim(condlist) == 0
    first = condlist if alone else condlist[0]
    if alone or (not isinstance(first, (list, np.ndarray)) and np.ndim(first) == 0 and x.ndim != 0):
        condlist = [condlist]
    conditions = [as_ours(c, face).astype(bool) for c in condlist]
    n = len(conditions)
    if n == len(funclist) - 1:
        other = conditions[0]
        for condition in conditions[1:]:
            other = other | condition
        conditions.append(~other)
    elif n != len(funclist):
        raise ValueError(f"with {n} condition(s), either {n} or {n + 1} functions are expected")
    y = np.zeros_like(x)
    for condition, function in zip(conditions, funclist, strict=True):
        if not callable(function):
            y[condition] = function
            continue
        values = x[condition]
        if values.size > 0:
            y[condition] = function(values, *args, **kw)
    return y


# --- Diagonals and triangles ---


@form_of(np.diagonal)
def diagonal(a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    """The diagonals of two axes, as a read-only view, as numpy.diagonal."""
    view = _diagonal_to_write(a, offset, axis1, axis2)
    view._writeable = False
    return view


def _diagonal_to_write(a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    if a.ndim >= 2:
        normalize_axis_index(axis1, a.ndim, "axis1")
        normalize_axis_index(axis2, a.ndim, "axis2")
    return _core.diagonal(a, offset, axis1, axis2)


@form_of(np.diag)
def diag(v: Any, k: int = 0) -> Any:
    """A diagonal, or the matrix with a vector on it, as numpy.diag."""
    if v.ndim == 2:
        return diagonal(v, k)
    if v.ndim != 1:
        raise ValueError("Input must be 1- or 2-d.")
    n = v.shape[0] + abs(k)
    result = np.zeros_like(v, shape=(n, n))
    _core.assign(_diagonal_to_write(result, k), v)
    return result


@form_of(np.diagflat)
def _diagflat(v: Any, k: int = 0) -> Any:
    return diag(v.ravel(), k)


@form_of(np.fill_diagonal)
def _fill_diagonal(a: Any, val: Any, wrap: bool = False) -> None:
    if not isinstance(a, _core.Array):
        return np.fill_diagonal(a, _fallback.local(val), wrap)
    if a.ndim < 2:
        raise ValueError("array must be at least 2-d")
    if a.ndim > 2 and len(set(a.shape)) > 1:
        raise ValueError("All dimensions of input must be of equal length")
    if a.ndim == 2:
        step = a.shape[1] + 1
        end = a.size if wrap else a.shape[1] * a.shape[1]
    else:
        step, end = 1 + sum(a.shape[0] ** i for i in range(1, a.ndim)), a.size
    if a.size and (isinstance(val, _core.Array) or np.size(val)):
        _require_writeable(a, "assignment destination is read-only")
        _core.put(a, np.arange(0, min(end, a.size), step), val, "raise")
    return None


def _matrix(m: Any) -> Any:
    """`m`, or of a vector a square of it."""
    if m.ndim == 0:
        np.tri(*m.shape)  # raises NumPy's error
    return m if m.ndim > 1 else np.broadcast_to(m, (m.shape[0], m.shape[0]))


def _triangle(m: Any, k: int) -> Any:
    """The mask of the elements on and below diagonal `k` of the last two axes."""
    rows, columns = (_core.arange(0, 1, n, np.dtype(np.int64), type(m)) for n in m.shape[-2:])
    return rows[:, np.newaxis] >= columns - k


@form_of(np.tril)
def _tril(m: Any, k: int = 0) -> Any:
    m = _matrix(m)
    return np.where(_triangle(m, k), m, np.zeros(1, m.dtype))


@form_of(np.triu)
def _triu(m: Any, k: int = 0) -> Any:
    m = _matrix(m)
    return np.where(_triangle(m, k - 1), np.zeros(1, m.dtype), m)


@form_of(np.tril_indices_from)
def _tril_indices_from(arr: Any, k: int = 0) -> Any:
    return np.tril_indices_from(np.broadcast_to(np.empty(()), arr.shape), k)


@form_of(np.triu_indices_from)
def _triu_indices_from(arr: Any, k: int = 0) -> Any:
    return np.triu_indices_from(np.broadcast_to(np.empty(()), arr.shape), k)


@form_of(np.diag_indices_from)
def _diag_indices_from(arr: Any) -> Any:
    return np.diag_indices_from(np.broadcast_to(np.empty(()), arr.shape))


for _function in (
    np.delete, np.extract, np.flatnonzero, np.insert, np.ix_, np.take_along_axis,
):  # fmt: skip
    FORMS[_function] = composed(_function)
