"""Medians and quantiles: NumPy's own programs around a selection of the few elements they are made of."""

from __future__ import annotations

import warnings
from importlib import import_module
from typing import Any

import numpy as np

from distob import _core, _fallback
from distob._functions.composed import composed, in_place_of, names_of
from distob._functions.registry import FORMS

_MODULE = "numpy.lib._function_base_impl"
_impl: Any = import_module(_MODULE)
# Selected elements up to which NumPy itself computes on them: the result is as small.
_FEW = 32768


def _selected(a: Any, positions: Any, axis: int) -> Any:
    """The elements at positions of the sorted rows, in front; an ndarray if they are few."""
    chosen = _core.sorted_elements(a, tuple(int(p) for p in positions), axis)
    return chosen if chosen.size > _FEW else _core.snapshot(chosen)


def _has_nan(dtype: np.dtype) -> bool:
    return dtype.kind in "fcmM"


def _with_nans(result: Any, last: Any) -> Any:
    """`result`, not a number where the greatest element of the row is none."""
    broken = np.isnan(last)
    if not broken.any():
        return result
    if result.ndim == 0:
        return last[()]
    np.copyto(result, last, where=broken)
    return result


def _finished(result: Any, out: Any, face: type) -> Any:
    if out is not None:
        np.copyto(out, result, casting="same_kind")
        return out
    return _fallback.ours(result, face)


@in_place_of(_MODULE, "_median")
def _median(a: Any, axis: Any = None, out: Any = None, overwrite_input: bool = False) -> Any:
    if not isinstance(a, _core.Array) or not _core.can_sort(a) or a.size == 0 or a.ndim == 0:
        return _fallback.compute("numpy.median", np.median, a, axis, out=out)
    rows, axis = (a.reshape(-1), 0) if axis is None else (a, axis)
    length = rows.shape[axis]
    middle = [length // 2] if length % 2 else [length // 2 - 1, length // 2]
    with_nans = _has_nan(rows.dtype)
    chosen = _selected(rows, [*middle, length - 1] if with_nans else middle, axis)
    result = np.mean(chosen[: len(middle)], axis=0)
    if with_nans:
        result = _with_nans(result, chosen[-1])
    return _finished(result, out, type(a))


def _between(low: Any, high: Any, share: Any) -> Any:
    """NumPy's interpolation, from the nearer end."""
    distance = high - low
    return np.where(share >= 0.5, high - distance * (1 - share), low + distance * share)


@in_place_of(_MODULE, "_quantile_ureduce_func")
def _quantile(
    a: Any,
    q: Any,
    weights: Any,
    axis: Any = None,
    out: Any = None,
    overwrite_input: bool = False,
    method: str = "linear",
    weak_q: bool = False,
) -> Any:
    q = np.asarray(_fallback.local(q))
    if q.ndim > 2:
        raise ValueError("q must be a scalar or 1d")
    plain = isinstance(a, _core.Array) and weights is None and _core.can_sort(a) and a.size > 0 and a.ndim > 0
    if weights is None and method not in _impl._QuantileMethods:
        raise ValueError(f"{method!r} is not a valid method. Use one of: {_impl._QuantileMethods.keys()}")
    if not plain:
        return _fallback.compute(
            "numpy.quantile with weights", _impl._quantile_ureduce_func, a, q, weights, axis, out=out, method=method,
            weak_q=weak_q,
        )  # fmt: skip
    rows, axis = (a.reshape(-1), 0) if axis is None else (a, axis)
    result = _plain_quantile(rows, q, axis, method, weak_q)
    return _finished(result, out, type(a))


def _plain_quantile(rows: Any, q: np.ndarray, axis: int, method: str, weak_q: bool) -> Any:
    length = rows.shape[axis]
    steps = _impl._QuantileMethods[method]
    virtual = np.asanyarray(steps["get_virtual_index"](length, q))
    whole = steps["fix_gamma"] is None or (method == "linear" and virtual.dtype.kind in "iu")
    if whole:
        before = after = virtual
    else:
        before, after = _impl._get_indexes(np.empty(0, rows.dtype), virtual, length)
    count = virtual.size
    places = before.ravel() if whole else np.concatenate((before.ravel(), after.ravel()))
    chosen = _selected(rows, [*(places % length), length - 1], axis)
    shape = virtual.shape + chosen.shape[1:]
    result = chosen[:count].reshape(shape)
    if not whole:
        gamma = _impl._get_gamma(virtual, before, steps)
        share = float(gamma) if weak_q else gamma.reshape(virtual.shape + (1,) * (rows.ndim - 1))
        result = _between(result, chosen[count : 2 * count].reshape(shape), share)
    elif not isinstance(result, _core.Array):
        result = result.copy()
    if result.ndim == 0:
        result = result[()]
    return _with_nans(result, chosen[-1]) if _has_nan(rows.dtype) else result


# --- Without what is not a number -----------------------------------------------------------------------------------

_NAN_MODULE = "numpy.lib._nanfunctions_impl"
_nan_impl: Any = import_module(_NAN_MODULE)


class _Reductions:
    """The module of the functions above, as those without nans see it: with what stands in for private ones."""

    def __getattr__(self, name: str) -> Any:
        return names_of(_MODULE)[name]


in_place_of(_NAN_MODULE, "fnb")(_Reductions())  # type: ignore[arg-type]


def _numbers(a: Any) -> Any:
    """The elements of all axes that are numbers, as one vector; a warning if there are none."""
    elements = a.reshape(-1)
    missing = np.isnan(elements) if _has_nan(a.dtype) else None
    if missing is not None and missing.any():
        elements = elements[~missing]
        if elements.size == 0:
            warnings.warn("All-NaN slice encountered", RuntimeWarning, stacklevel=_fallback.line_of_user())
    return elements


@in_place_of(_NAN_MODULE, "_nanmedian")
def _nanmedian(a: Any, axis: Any = None, out: Any = None, overwrite_input: bool = False) -> Any:
    if not isinstance(a, _core.Array) or (axis is not None and a.ndim != 1):
        return _fallback.compute("numpy.nanmedian along an axis", _nan_impl._nanmedian, a, axis, out=out)
    elements = _numbers(a)
    result = np.median(elements) if elements.size else a.dtype.type(np.nan)
    return _finished(result, out, type(a))


@in_place_of(_NAN_MODULE, "_nanquantile_ureduce_func")
def _nanquantile(
    a: Any, q: Any, weights: Any, axis: Any = None, out: Any = None, overwrite_input: bool = False,
    method: str = "linear", weak_q: bool = False,
) -> Any:  # fmt: skip
    if not isinstance(a, _core.Array) or weights is not None or (axis is not None and a.ndim != 1):
        name = "numpy.nanquantile along an axis"
        original = _nan_impl._nanquantile_ureduce_func
        return _fallback.compute(name, original, a, q, weights, axis, out=out, method=method, weak_q=weak_q)
    elements = _numbers(a)
    q = np.asarray(_fallback.local(q))
    if elements.size == 0:
        return _finished(np.full(q.shape, np.nan, dtype=a.dtype)[()], out, type(a))
    return _quantile(elements, q, None, None, out, False, method, weak_q)


for _function in (np.median, np.nanmedian, np.nanpercentile, np.nanquantile, np.percentile, np.quantile):
    FORMS[_function] = composed(_function)
