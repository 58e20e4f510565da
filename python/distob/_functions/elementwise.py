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


def _bounds(a_min: Any, a_max: Any, min: Any, max: Any) -> tuple[Any, Any]:
    """The bounds that numpy.clip was given, under either pair of names; None where there is none."""
    nothing = np._NoValue
    if a_min is nothing and a_max is nothing:
        return (None if min is nothing else min), (None if max is nothing else max)
    for name, value in (("a_min", a_min), ("a_max", a_max)):
        if value is nothing:
            raise TypeError(f"clip() missing 1 required positional argument: '{name}'")
    if min is not nothing or max is not nothing:
        raise ValueError("Passing `min` or `max` keyword argument when `a_min` and `a_max` are provided is forbidden.")
    return a_min, a_max


@form_of(np.clip)
def clip(
    a: Any,
    a_min: Any = np._NoValue,
    a_max: Any = np._NoValue,
    out: Any = None,
    *,
    min: Any = np._NoValue,
    max: Any = np._NoValue,
    **kwargs: Any,
) -> Any:
    """Values limited to an interval, as numpy.clip."""
    low, high = _bounds(a_min, a_max, min, max)
    a = a if isinstance(a, (_core.Array, np.ndarray)) else as_ours(a)
    if a.dtype.kind in "iu":  # Python integers beyond the dtype limit nothing
        low = None if type(low) is int and low <= np.iinfo(a.dtype).min else low
        high = None if type(high) is int and high >= np.iinfo(a.dtype).max else high
    if low is None and high is None:
        return np.positive(a, out=out, **kwargs)
    if low is None:
        return np.minimum(a, high, out=out, **kwargs)
    if high is None:
        return np.maximum(a, low, out=out, **kwargs)
    if a.dtype.kind == "f" and not kwargs and all(type(x) in (int, float) for x in (low, high)):
        return np.minimum(np.maximum(a, low), high, out=out)
    return np._core.umath.clip(a, low, high, out=out, **kwargs)  # type: ignore[attr-defined]


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
