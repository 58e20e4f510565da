"""Reductions that pass over what is not a number: the plain ones under a mask."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from distob import _core, _fallback, _reductions
from distob._functions.registry import FORMS

_NO_VALUE = np._NoValue


def _has_nans(a: Any) -> bool:
    return a.dtype.kind in "fc"


def _numbers(a: Any, where: Any = _NO_VALUE) -> Any:
    """The mask of what counts."""
    if not _has_nans(a):
        return True if where is _NO_VALUE else where
    numbers = np.isfinite(a) | np.isinf(a)
    return numbers if where is _NO_VALUE or where is True else numbers & where


def _warn(text: str) -> None:
    warnings.warn(text, RuntimeWarning, stacklevel=_fallback.line_of_user())


def _over_numbers(ufunc: np.ufunc) -> Callable[..., Any]:
    def form(
        a: Any, axis: Any = None, dtype: Any = None, out: Any = None, keepdims: Any = _NO_VALUE,
        initial: Any = _NO_VALUE, where: Any = _NO_VALUE,
    ) -> Any:  # fmt: skip
        return _reductions.reduce(ufunc, a, axis, dtype, out, keepdims, initial, _numbers(a, where))

    return form


def _extreme(ufunc: np.ufunc) -> Callable[..., Any]:
    def form(
        a: Any, axis: Any = None, out: Any = None, keepdims: Any = _NO_VALUE, initial: Any = _NO_VALUE,
        where: Any = _NO_VALUE,
    ) -> Any:  # fmt: skip
        found = _reductions.reduce(ufunc, a, axis, None, out, keepdims, initial, True if where is _NO_VALUE else where)
        if _has_nans(a) and bool(np.isnan(found).any()):
            _warn("All-NaN slice encountered")
        return found

    return form


def _check_dtypes(dtype: Any, out: Any) -> None:
    if dtype is not None and not issubclass(np.dtype(dtype).type, np.inexact):
        raise TypeError("If a is inexact, then dtype must be inexact")
    if out is not None and not issubclass(out.dtype.type, np.inexact):
        raise TypeError("If a is inexact, then out must be inexact")


def _nanmean(
    a: Any, axis: Any = None, dtype: Any = None, out: Any = None, keepdims: Any = _NO_VALUE, *, where: Any = _NO_VALUE
) -> Any:
    if not _has_nans(a):
        return _reductions.mean(a, axis, dtype, out, keepdims, where=True if where is _NO_VALUE else where)
    _check_dtypes(dtype, out)
    with np.errstate(invalid="ignore", divide="ignore"):
        return _reductions.mean(a, axis, dtype or a.dtype, out, keepdims, where=_numbers(a, where))


def _nanvar(
    a: Any, axis: Any = None, dtype: Any = None, out: Any = None, ddof: float = 0, keepdims: Any = _NO_VALUE, *,
    where: Any = _NO_VALUE, mean: Any = _NO_VALUE, correction: Any = _NO_VALUE,
) -> Any:  # fmt: skip
    if not _has_nans(a):
        mask = True if where is _NO_VALUE else where
        return _reductions.var(a, axis, dtype, out, ddof, keepdims, where=mask, mean=mean, correction=correction)
    _check_dtypes(dtype, out)
    if correction is not _NO_VALUE:
        if ddof != 0:
            raise ValueError("ddof and correction can't be provided simultaneously.")
        ddof = correction
    numbers = _numbers(a, where)
    with np.errstate(invalid="ignore", divide="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        variance = _reductions.var(a, axis, dtype, out, ddof, keepdims, where=numbers, mean=mean)
    too_few = _reductions.sum(numbers, axis, np.dtype(np.intp), keepdims=keepdims) <= ddof
    if bool(too_few.any()):
        _warn("Degrees of freedom <= 0 for slice.")
        if out is None and variance.ndim == 0:
            return np.add(variance, np.nan)
        np.copyto(variance, np.nan, where=too_few)
    return variance


def _nanstd(a: Any, *args: Any, **kwargs: Any) -> Any:
    return _reductions.root(_nanvar(a, *args, **kwargs), args, kwargs)


def _position(own: Callable[..., Any], instead: float) -> Callable[..., Any]:
    def form(a: Any, axis: Any = None, out: Any = None, *, keepdims: Any = _NO_VALUE) -> Any:
        if a.size and _has_nans(a):
            empty = ~_numbers(a)
            if bool(np.any(np.all(empty, axis=axis))):
                raise ValueError("All-NaN slice encountered")
            a = np.where(empty, a.dtype.type(instead), a)
        return own(a, axis, out, keepdims=keepdims)

    return form


def _running(own: Callable[..., Any], instead: int) -> Callable[..., Any]:
    def form(a: Any, axis: Any = None, dtype: Any = None, out: Any = None) -> Any:
        return own(np.where(_numbers(a), a, a.dtype.type(instead)) if _has_nans(a) else a, axis, dtype, out)

    return form


_FORMS: dict[Any, Callable[..., Any]] = {
    np.nansum: _over_numbers(np.add),
    np.nanprod: _over_numbers(np.multiply),
    np.nanmin: _extreme(np.fmin),
    np.nanmax: _extreme(np.fmax),
    np.nanmean: _nanmean,
    np.nanvar: _nanvar,
    np.nanstd: _nanstd,
    np.nanargmin: _position(_reductions.argmin, np.inf),
    np.nanargmax: _position(_reductions.argmax, -np.inf),
    np.nancumsum: _running(_reductions.cumsum, 0),
    np.nancumprod: _running(_reductions.cumprod, 1),
}


def _of_arrays(own: Callable[..., Any]) -> Callable[..., Any]:
    def form(a: Any, *args: Any, **kwargs: Any) -> Any:
        is_ours = isinstance(a, _core.Array) and a.dtype.kind in "biufc"
        return own(a, *args, **kwargs) if is_ours else NotImplemented

    return form


for _function, _own in _FORMS.items():
    FORMS[_function] = _of_arrays(_own)
