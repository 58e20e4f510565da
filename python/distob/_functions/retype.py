"""Elements as elements of another type: views of their bytes, and casts."""

from __future__ import annotations

from typing import Any

import numpy as np

from distob import _core, _fallback
from distob._functions.registry import form_of

_NUMBERS = "biufc"


def view(a: Any, dtype: Any = None, type_: Any = None) -> Any:
    """a.view(dtype), with NumPy's rules."""
    if isinstance(dtype, type) and issubclass(dtype, (np.ndarray, _core.Array)):
        dtype, type_ = None, dtype
    if type_ is not None and not issubclass(type_, _core.Array):
        if not issubclass(type_, np.ndarray):
            raise TypeError("Type must be a sub-type of ndarray type")
        return _core.snapshot(a).view(type_)
    if dtype is None:
        return a[...] if not a._is_scalar else a
    wanted = np.dtype(dtype)
    if wanted.hasobject or wanted.subdtype is not None:
        return np.empty((0,) * a.ndim, a.dtype).view(wanted)  # raises NumPy's TypeError or ValueError
    return _core.reinterpret(a, wanted)


def getfield(a: Any, dtype: Any, offset: int = 0) -> Any:
    """a.getfield(dtype, offset), with NumPy's errors."""
    wanted = np.dtype(dtype)
    np.empty((), a.dtype).getfield(wanted, offset)  # raises them
    return _core.field(a, wanted, offset)


def fields(a: Any, index: Any) -> Any:
    """a["name"] or a[["name", ...]] of an array of records: a view."""
    model = np.empty((), a.dtype)[index]  # NumPy finds the dtype, or raises
    if isinstance(index, str):
        kind, offset, *_ = a.dtype.fields[index]
        return _core.field(a, kind, offset)
    return _core.field(a, model.dtype, 0)


def byteswap(a: Any, inplace: bool = False) -> Any:
    """a.byteswap(inplace)."""
    if a.dtype.kind not in _NUMBERS:
        swapped = _fallback.compute("numpy.ndarray.byteswap", np.ndarray.byteswap, a)
    else:
        swapped = _core.astype(_core.reinterpret(a, a.dtype.newbyteorder("S")), a.dtype)
    if not inplace:
        return swapped
    a[...] = swapped
    return a


def astype(a: Any, dtype: Any, order: Any = "K", casting: str = "unsafe", copy: bool = True) -> Any:
    """a.astype(dtype, order, casting, copy)."""
    wanted = np.dtype(dtype)
    if a._is_scalar and wanted.hasobject:
        return _core.item(a).astype(wanted)  # of NumPy's scalar, which gives a Python object
    if casting != "unsafe" and not np.can_cast(a.dtype, wanted, casting):  # type: ignore[arg-type]
        np.empty((0,) * a.ndim, a.dtype).astype(wanted, casting=casting)  # type: ignore[call-overload]  # raises NumPy's error
    if wanted == a.dtype:
        return a if not copy and _is_in(a, order) else _core.copy(a, order)
    if a.dtype.kind in _NUMBERS and wanted.kind in _NUMBERS:
        if a.dtype.kind == "c" and wanted.kind in "iuf":
            np.empty(0, a.dtype).astype(wanted)  # issues NumPy's ComplexWarning
        return _core.astype(a, wanted, order)
    converted = _core.snapshot(a).astype(wanted, order, casting)
    if a._is_scalar and converted.ndim == 0:
        result = _fallback.ours(converted, type(a))
        if isinstance(result, _core.Array):
            result._is_scalar = True
        return result
    return _fallback.ours(converted, type(a))


def _is_in(a: Any, order: Any) -> bool:
    """Whether the elements follow each other in `order` already."""
    if order in (None, "K", "k"):
        return True
    flags = a.flags
    if order in ("A", "a"):
        return flags.c_contiguous or flags.f_contiguous
    return flags.f_contiguous if order in ("F", "f") else flags.c_contiguous


@form_of(np.astype)
def _astype(x: Any, dtype: Any, /, *, copy: bool = True, device: Any = None) -> Any:
    if device not in (None, "cpu"):
        raise ValueError(f'Device not understood. Only "cpu" is allowed, but received: {device}')
    return x.astype(dtype, copy=copy)
