"""Arrays put together and cut apart."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from distob import _core, _fallback
from distob._functions.registry import as_ours, form_of

dsplit, dstack, hsplit, hstack, split, vsplit, vstack = (
    np.dsplit, np.dstack, np.hsplit, np.hstack, np.split, np.vsplit, np.vstack,
)  # fmt: skip
concatenate = np.concatenate


def _without_length(array: Any, axis: int, dtype: Any = None) -> np.ndarray:
    """An ndarray of the dtype and shape of `array`, but without elements along `axis`."""
    if -array.ndim <= axis < array.ndim:
        shape = tuple(0 if i == axis % array.ndim else n for i, n in enumerate(array.shape))
    else:
        shape = (0,) * array.ndim  # NumPy has something to say
    if 0 not in shape[:axis] + shape[axis + 1 :]:
        return np.empty(shape, dtype or array.dtype)
    return np.broadcast_to(np.empty((), dtype or array.dtype), shape)


@form_of(np.concatenate)
def _concatenate(
    arrays: Any, /, axis: Any = 0, out: Any = None, *, dtype: Any = None, casting: str = "same_kind"
) -> Any:
    face = _fallback.first_face(arrays, out)
    parts = [a if isinstance(a, (_core.Array, np.ndarray)) else np.asarray(a) for a in arrays]
    if axis is None:
        parts, axis = [p.ravel() for p in parts], 0
    axis = operator.index(axis)
    # NumPy checks all it can without elements, and says what the result will be.
    thin = [_without_length(p, axis) for p in parts]
    into = None if out is None else np.empty(np.concatenate(thin, axis, casting="unsafe").shape, out.dtype)
    model = np.concatenate(thin, axis, into, dtype=dtype, casting=casting)  # type: ignore[call-overload]
    axis = normalize_axis_index(axis, model.ndim)
    shape = tuple(sum(p.shape[axis] for p in parts) if i == axis else n for i, n in enumerate(model.shape))
    if out is not None and out.shape != shape:
        raise ValueError(
            "Output array " + ("is the wrong shape" if out.ndim == len(shape) else "has wrong dimensionality")
        )
    if model.dtype.hasobject or any(p.dtype.hasobject for p in parts):
        return _fallback.compute("numpy.concatenate of objects", np.concatenate, parts, axis, out=out, dtype=dtype)
    made = [as_ours(p, face) for p in parts]
    if model.dtype.kind not in "biufc" or any(p.dtype.kind not in "biufc" for p in made):
        made = [p if p.dtype == model.dtype else p.astype(model.dtype) for p in made]
    if out is None:
        return _core.concatenate(made, axis, model.dtype, face)
    start = 0
    for part in made:
        stop = start + part.shape[axis]
        out[(slice(None),) * axis + (slice(start, stop),)] = part
        start = stop
    return out
