"""Functions of elements that are not ufuncs."""

from __future__ import annotations

from typing import Any

import numpy as np

from distob import _core, _fallback
from distob._functions.registry import as_ours, form_of, stand_ins


@form_of(np.where)
def where(condition: Any, *branches: Any) -> Any:
    """Elements of x where the condition is true, of y elsewhere, as numpy.where."""
    if not branches:
        return np.nonzero(condition)
    if len(branches) != 2:
        raise ValueError("either both or neither of x and y should be given")
    dtype = np.result_type(*(stand_ins(b) if isinstance(b, _core.Array) else b for b in branches))
    if dtype.kind not in "biufc":
        return NotImplemented
    face = _fallback.first_face(condition, *branches)
    mask = as_ours(condition, face)
    if mask.dtype != np.bool_:
        mask = mask != 0
    one, two = (_converted(b, dtype, face) for b in branches)
    shape = np.broadcast_shapes(mask.shape, one.shape, two.shape)
    result = _core.where(mask, one, two, face)
    if result is not None and result.ndim == len(shape):
        return result
    result = _core.empty(shape, dtype, face)
    _core.assign(result, two)
    _core.assign_where(result, one, mask)
    return result


def _converted(value: Any, dtype: np.dtype, face: type) -> Any:
    if isinstance(value, _core.Array):
        return value if value.dtype == dtype else value.astype(dtype)
    return _core.from_ndarray(np.asarray(value).astype(dtype), -1, None, face)


@form_of(np.clip)
def clip(a: Any, a_min: Any = None, a_max: Any = None, out: Any = None, **kwargs: Any) -> Any:
    """Values limited to an interval, as numpy.clip."""
    given: tuple[Any, Any] = (kwargs.pop("min", a_min), kwargs.pop("max", a_max))
    low: Any
    high: Any
    low, high = (None if x is np._NoValue else x for x in given)
    if kwargs or (low is None and high is None):
        return _fallback.compute("numpy.clip", np.clip, a, low, high, out=out, **kwargs)
    if low is None:
        return np.minimum(a, high, out=out)
    if high is None:
        return np.maximum(a, low, out=out)
    if a.dtype.kind == "f" and all(type(x) in (int, float) for x in (low, high)):
        return np.minimum(np.maximum(a, low), high, out=out)
    return np._core.umath.clip(a, low, high, out=out)  # type: ignore[attr-defined]


@form_of(np.round, np.around)
def round_(a: Any, decimals: int = 0, out: Any = None) -> Any:
    """Rounded to `decimals`, half to even, as numpy.round."""
    kind = a.dtype.kind
    if kind in "iub" and decimals >= 0 and out is None and kind != "b":
        return a.copy()
    if kind != "f":
        return _fallback.compute("numpy.round", np.round, a, decimals, out=out)
    if decimals == 0:
        return np.rint(a, out=out)
    power = a.dtype.type(10.0 ** abs(decimals))
    if decimals > 0:
        return np.divide(np.rint(a * power), power, out=out)
    return np.multiply(np.rint(a / power), power, out=out)


@form_of(np.real)
def _real(val: Any) -> Any:
    return val.real


@form_of(np.imag)
def _imag(val: Any) -> Any:
    return val.imag
