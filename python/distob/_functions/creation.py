"""Arrays made like others."""

from __future__ import annotations

from typing import Any

import numpy as np

from distob import _core, _fallback
from distob._functions.registry import form_of


def _like(a: Any, dtype: Any, shape: Any) -> tuple[Any, np.dtype]:
    lengths = a.shape if shape is None else tuple(shape) if np.iterable(shape) else (shape,)
    return lengths, np.dtype(dtype) if dtype is not None else a.dtype


@form_of(np.empty_like)
def empty_like(
    a: Any, dtype: Any = None, order: str = "K", subok: bool = True, shape: Any = None, *, device: Any = None
) -> Any:
    """A new array of the shape and dtype of `a`, with any elements."""
    return _core.empty_like(a, *_like(a, dtype, shape), order)


@form_of(np.zeros_like)
def zeros_like(
    a: Any, dtype: Any = None, order: str = "K", subok: bool = True, shape: Any = None, *, device: Any = None
) -> Any:
    """A new array of the shape and dtype of `a`, all zero."""
    return full_like(a, 0, dtype, shape=shape)


@form_of(np.ones_like)
def ones_like(
    a: Any, dtype: Any = None, order: str = "K", subok: bool = True, shape: Any = None, *, device: Any = None
) -> Any:
    """A new array of the shape and dtype of `a`, all one."""
    return full_like(a, 1, dtype, shape=shape)


@form_of(np.full_like)
def full_like(
    a: Any,
    fill_value: Any,
    dtype: Any = None,
    order: str = "K",
    subok: bool = True,
    shape: Any = None,
    *,
    device: Any = None,
) -> Any:
    """A new array of the shape and dtype of `a`, with `fill_value` everywhere."""
    if not isinstance(a, _core.Array):
        return NotImplemented
    lengths, kind = _like(a, dtype, shape)
    if kind.kind in "biufc" and np.ndim(fill_value) == 0:
        return _core.full(lengths, _fallback.local(fill_value), kind, type(a))
    result = _core.empty(lengths, kind, type(a))
    _core.assign(result, fill_value)
    return result


@form_of(np.copy)
def _copy(a: Any, order: str = "K", subok: bool = False) -> Any:
    copied = a.copy(order)
    copied._is_scalar = False  # numpy.copy makes an array of a scalar too
    return copied
