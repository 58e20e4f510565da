"""Reductions with all of NumPy's arguments, and what is composed of them: mean, var, std, count_nonzero."""

from __future__ import annotations

import builtins
import operator
import warnings
from typing import Any

import numpy as np

from distob import _core, _fallback

_NO_VALUE = np._NoValue


def _axes(axis: Any, ndim: int) -> tuple[int, ...] | None:
    if axis is None:
        return None
    axes = tuple(operator.index(a) for a in (axis if isinstance(axis, tuple) else (axis,)))
    if ndim == 0 and axes in ((0,), (-1,)):  # as NumPy, which takes a number for a vector of one here
        return ()
    return axes


def _native(self: Any, name: str, axis: Any, dtype: Any, out: Any, keepdims: Any, initial: Any, where: Any) -> Any:
    """The reduction by the array machine; NotImplemented where only NumPy can."""
    if out is not None and not (isinstance(out, _core.Array) and out._writeable):
        return NotImplemented
    mask = None
    if where is not True and where is not _NO_VALUE:
        mask = where if isinstance(where, _core.Array) else _core.from_ndarray(np.asarray(where), -1, None, type(self))
        if mask.dtype != np.bool_:
            return NotImplemented
    keep = False if keepdims is _NO_VALUE else bool(keepdims)
    if initial is None:
        return NotImplemented
    start = None if initial is _NO_VALUE else initial
    return _core.reduce(
        self, name, _axes(axis, self.ndim), None if dtype is None else np.dtype(dtype), keep, start, mask, out
    )


def _reduce(
    self: Any, name: str, axis: Any, dtype: Any, out: Any, keepdims: Any, initial: Any, where: Any, function: Any
) -> Any:
    result = _native(self, name, axis, dtype, out, keepdims, initial, where)
    if result is not NotImplemented:
        return result
    kwargs: dict[str, Any] = {"axis": axis}
    if dtype is not None:
        kwargs["dtype"] = dtype
    for key, value in (("keepdims", keepdims), ("initial", initial), ("where", where)):
        if value is not _NO_VALUE and not (key == "where" and value is True):
            kwargs[key] = value
    if out is not None:
        kwargs["out"] = out
    return _fallback.compute(f"numpy.{name} of dtype {self.dtype}", function, self, **kwargs)


def ufunc_reduce(
    name: str,
    ufunc: np.ufunc,
    self: Any,
    axis: Any = 0,
    dtype: Any = None,
    out: Any = None,
    keepdims: Any = False,
    initial: Any = _NO_VALUE,
    where: Any = True,
) -> Any:
    """ufunc.reduce(self, ...)."""
    return _reduce(self, name, axis, dtype, out, keepdims, initial, where, ufunc.reduce)


def sum(
    self: Any,
    axis: Any = None,
    dtype: Any = None,
    out: Any = None,
    keepdims: Any = _NO_VALUE,
    initial: Any = _NO_VALUE,
    where: Any = True,
) -> Any:
    """Sum over axes, as numpy.sum."""
    return _reduce(self, "sum", axis, dtype, out, keepdims, initial, where, np.sum)


def prod(
    self: Any,
    axis: Any = None,
    dtype: Any = None,
    out: Any = None,
    keepdims: Any = _NO_VALUE,
    initial: Any = _NO_VALUE,
    where: Any = True,
) -> Any:
    """Product over axes, as numpy.prod."""
    return _reduce(self, "prod", axis, dtype, out, keepdims, initial, where, np.prod)


def min(
    self: Any, axis: Any = None, out: Any = None, keepdims: Any = _NO_VALUE, initial: Any = _NO_VALUE, where: Any = True
) -> Any:
    """Smallest element over axes, as numpy.min."""
    return _reduce(self, "min", axis, None, out, keepdims, initial, where, np.min)


def max(
    self: Any, axis: Any = None, out: Any = None, keepdims: Any = _NO_VALUE, initial: Any = _NO_VALUE, where: Any = True
) -> Any:
    """Largest element over axes, as numpy.max."""
    return _reduce(self, "max", axis, None, out, keepdims, initial, where, np.max)


def any(self: Any, axis: Any = None, out: Any = None, keepdims: Any = _NO_VALUE, *, where: Any = True) -> Any:
    """Whether any element over axes is true, as numpy.any."""
    return _reduce(self, "any", axis, None, out, keepdims, _NO_VALUE, where, np.any)


def all(self: Any, axis: Any = None, out: Any = None, keepdims: Any = _NO_VALUE, *, where: Any = True) -> Any:
    """Whether all elements over axes are true, as numpy.all."""
    return _reduce(self, "all", axis, None, out, keepdims, _NO_VALUE, where, np.all)


def _count(self: Any, axis: Any, where: Any) -> Any:
    """How many elements each result is made of: a number, or with a mask an array shaped for broadcasting."""
    if where is not True and where is not _NO_VALUE:
        return sum(np.broadcast_to(np.asarray(where), self.shape) * np.int64(1), axis=axis, keepdims=True)
    axes = range(self.ndim) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    count = 1
    for a in axes:
        count *= self.shape[np.lib.array_utils.normalize_axis_index(a, self.ndim)]
    return count


def mean(
    self: Any, axis: Any = None, dtype: Any = None, out: Any = None, keepdims: Any = _NO_VALUE, *, where: Any = True
) -> Any:
    """Arithmetic mean over axes, as numpy.mean; float16 is added up in float32."""
    kind = self.dtype.kind
    if kind not in "biufc" or where is not True or out is not None:
        kwargs = {} if keepdims is _NO_VALUE else {"keepdims": keepdims}
        if out is not None:
            kwargs["out"] = out
        return _fallback.compute("numpy.mean with where= or out=", np.mean, self, axis, dtype, where=where, **kwargs)
    wide = dtype
    if dtype is None:
        if kind in "biu":
            wide = np.dtype(np.float64)
        elif self.dtype == np.float16:
            wide = np.dtype(np.float32)
    count = _count(self, axis, where)
    total = sum(self, axis, wide, None, keepdims)
    if count == 0:
        _warn_empty("Mean of empty slice.")
    # Division by the count in the dtype of the sum, as NumPy does it.
    result = total / total.dtype.type(count) if total.dtype.kind in "fc" else total / count
    if dtype is None and self.dtype == np.float16:
        result = result.astype(np.float16)
    elif dtype is not None and result.dtype != np.dtype(dtype):
        result = result.astype(dtype)
    result._is_scalar = result.ndim == 0
    return result


def _warn_empty(text: str) -> None:
    warnings.warn(text, RuntimeWarning, stacklevel=_fallback.line_of_user())


def var(
    self: Any,
    axis: Any = None,
    dtype: Any = None,
    out: Any = None,
    ddof: float = 0,
    keepdims: Any = _NO_VALUE,
    *,
    where: Any = True,
    mean: Any = _NO_VALUE,
    correction: Any = _NO_VALUE,
) -> Any:
    """Variance over axes, as numpy.var: the mean of the squared distances from the mean."""
    plain = (
        where is True and out is None and mean is _NO_VALUE and self.dtype.kind in "biuf" and self.dtype != np.float16
    )
    if not plain or (dtype is not None and np.dtype(dtype).kind != "f"):
        given = {"keepdims": keepdims, "mean": mean, "correction": correction}
        kwargs = {key: value for key, value in given.items() if value is not _NO_VALUE}
        if out is not None:
            kwargs["out"] = out
        if where is not True:
            kwargs["where"] = where
        if correction is _NO_VALUE:
            kwargs["ddof"] = ddof
        return _fallback.compute("numpy.var with where= or out=", np.var, self, axis, dtype, **kwargs)
    if correction is not _NO_VALUE:
        if ddof != 0:
            raise ValueError("ddof and correction can't be provided simultaneously.")
        ddof = correction
    wide = np.dtype(dtype) if dtype is not None else np.dtype(np.float64) if self.dtype.kind in "biu" else None
    count = _count(self, axis, where)
    if count <= ddof:
        _warn_empty("Degrees of freedom <= 0 for slice")
    total = sum(self, axis, wide, None, True)
    distance = self - total / total.dtype.type(count)
    added = sum(np.multiply(distance, distance), axis, wide, None, keepdims)
    result = added / added.dtype.type(builtins.max(count - ddof, 0))
    result._is_scalar = result.ndim == 0
    return result


def std(self: Any, *args: Any, **kwargs: Any) -> Any:
    """Standard deviation over axes, as numpy.std."""
    out = kwargs.get("out", args[2] if len(args) > 2 else None)
    variance = var(self, *args, **kwargs)
    return np.sqrt(variance, out=out) if out is not None else np.sqrt(variance)


def count_nonzero(self: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    """How many elements are not zero, as numpy.count_nonzero."""
    if self.dtype.kind not in "biufc":
        return _fallback.compute("numpy.count_nonzero", np.count_nonzero, self, axis, keepdims=keepdims)
    counted = sum(self != 0 if self.dtype != np.bool_ else self, axis, np.dtype(np.intp), None, keepdims)
    return int(counted) if axis is None and not keepdims else counted
