"""The same elements under other axes: views, nothing is moved."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index, normalize_axis_tuple

from distob import _core, _fallback
from distob._functions.registry import as_ours, form_of


@form_of(np.transpose)
def transpose(a: Any, axes: Any = None) -> Any:
    """The view with axes in another order, as numpy.transpose."""
    return a.transpose(axes) if isinstance(a, _core.Array) else np.transpose(a, axes)


@form_of(np.permute_dims)
def _permute_dims(a: Any, axes: Any = None) -> Any:
    return a.transpose(axes)


@form_of(np.matrix_transpose)
def _matrix_transpose(a: Any, /) -> Any:
    if a.ndim < 2:
        raise ValueError(f"Input array must be at least 2-dimensional, but it is {a.ndim}")
    return a.swapaxes(-1, -2)


@form_of(np.swapaxes)
def _swapaxes(a: Any, axis1: int, axis2: int) -> Any:
    return a.swapaxes(axis1, axis2)


@form_of(np.moveaxis)
def _moveaxis(a: Any, source: Any, destination: Any) -> Any:
    sources = normalize_axis_tuple(source, a.ndim, "source")
    targets = normalize_axis_tuple(destination, a.ndim, "destination")
    if len(sources) != len(targets):
        raise ValueError("`source` and `destination` arguments must have the same number of elements")
    order = [n for n in range(a.ndim) if n not in sources]
    for target, origin in sorted(zip(targets, sources, strict=True)):
        order.insert(target, origin)
    return a.transpose(order)


@form_of(np.rollaxis)
def rollaxis(a: Any, axis: int, start: int = 0) -> Any:
    """The view with `axis` moved before position `start`, as numpy.rollaxis."""
    if not isinstance(a, _core.Array):
        return np.rollaxis(a, axis, start)
    axis = normalize_axis_index(axis, a.ndim)
    if start < 0:
        start += a.ndim
    if not 0 <= start <= a.ndim:
        raise np.exceptions.AxisError(
            f"'start' arg requires {-a.ndim} <= start < {a.ndim + 1}, but {start} was passed in"
        )
    if axis < start:
        start -= 1
    order = [n for n in range(a.ndim) if n != axis]
    order.insert(start, axis)
    return a.transpose(order)


@form_of(np.expand_dims)
def expand_dims(a: Any, axis: Any) -> Any:
    """The view with a new axis at position `axis`, as numpy.expand_dims."""
    if not isinstance(a, _core.Array):
        return np.expand_dims(a, axis)
    axes = axis if isinstance(axis, (tuple, list)) else (axis,)
    total = a.ndim + len(axes)
    new = set(normalize_axis_tuple(axes, total))
    return a[tuple(np.newaxis if i in new else slice(None) for i in range(total))]


@form_of(np.squeeze)
def _squeeze(a: Any, axis: Any = None) -> Any:
    return a.squeeze(axis)


@form_of(np.ravel)
def _ravel(a: Any, order: str = "C") -> Any:
    return a.ravel(order)


@form_of(np.reshape)
def _reshape(a: Any, /, shape: Any, order: str = "C", *, copy: bool | None = None) -> Any:
    return a.reshape(shape, order=order, copy=copy)


@form_of(np.broadcast_to)
def _broadcast_to(array: Any, shape: Any, subok: bool = False) -> Any:
    return _core.broadcast_to(array, tuple(shape) if np.iterable(shape) else (shape,))


@form_of(np.broadcast_arrays)
def broadcast_arrays(*args: Any, subok: bool = False) -> tuple[Any, ...]:
    """Read-only views of the arrays with one common shape, as numpy.broadcast_arrays."""
    if not any(isinstance(a, _core.Array) for a in args):
        return np.broadcast_arrays(*args, subok=subok)
    face = _fallback.first_face(args)
    arrays = [as_ours(a, face) for a in args]
    shape = np.broadcast_shapes(*(a.shape for a in arrays))
    return tuple(a if a.shape == shape else _core.broadcast_to(a, shape) for a in arrays)


@form_of(np.flip)
def _flip(m: Any, axis: Any = None) -> Any:
    axes = range(m.ndim) if axis is None else normalize_axis_tuple(axis, m.ndim)
    return m[tuple(slice(None, None, -1) if i in axes else slice(None) for i in range(m.ndim))]


@form_of(np.fliplr)
def _fliplr(m: Any) -> Any:
    if m.ndim < 2:
        raise ValueError("Input must be >= 2-d.")
    return m[:, ::-1]


@form_of(np.flipud)
def _flipud(m: Any) -> Any:
    if m.ndim < 1:
        raise ValueError("Input must be >= 1-d.")
    return m[::-1, ...]


@form_of(np.atleast_1d)
def atleast_1d(*arys: Any) -> Any:
    results = tuple(a if a.ndim else a.reshape(1) for a in map(as_ours, arys))
    return results[0] if len(results) == 1 else results


@form_of(np.atleast_2d)
def atleast_2d(*arys: Any) -> Any:
    results = tuple(a if a.ndim > 1 else a[np.newaxis, :] if a.ndim else a.reshape(1, 1) for a in map(as_ours, arys))
    return results[0] if len(results) == 1 else results


@form_of(np.atleast_3d)
def atleast_3d(*arys: Any) -> Any:
    def lift(a: Any) -> Any:
        if a.ndim == 0:
            return a.reshape(1, 1, 1)
        if a.ndim == 1:
            return a[np.newaxis, :, np.newaxis]
        return a[:, :, np.newaxis] if a.ndim == 2 else a

    results = tuple(lift(a) for a in map(as_ours, arys))
    return results[0] if len(results) == 1 else results
