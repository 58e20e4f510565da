"""Arrays put together and cut apart."""

from __future__ import annotations

import itertools
import operator
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from distob import _core, _fallback
from distob._functions.registry import as_ours, form_of, stand_ins
from distob._functions.views import atleast_1d, atleast_2d, atleast_3d, expand_dims


@form_of(np.concatenate)
def concatenate(
    arrays: Any, /, axis: Any = 0, out: Any = None, *, dtype: Any = None, casting: str = "same_kind"
) -> Any:
    """The arrays end to end along `axis`, in a new array, as numpy.concatenate."""
    parts = list(arrays)
    if not any(isinstance(p, _core.Array) for p in parts):
        return np.concatenate(parts, axis, out, dtype=dtype, casting=casting)  # type: ignore[call-overload]
    kinds = [stand_ins(p) if isinstance(p, _core.Array) else np.asarray(p) for p in parts]
    target = np.dtype(dtype) if dtype is not None else out.dtype if out is not None else np.result_type(*kinds)
    if any(not np.can_cast(k.dtype, target, casting) for k in kinds) or target.hasobject:  # type: ignore[arg-type]
        return _fallback.compute(
            "numpy.concatenate", np.concatenate, parts, axis, out=out, dtype=dtype, casting=casting
        )
    face = _fallback.first_face(parts)
    made = [as_ours(p, face) for p in parts]
    if axis is None:
        made, axis = [p.ravel() for p in made], 0
    if target.kind not in "biufc":
        made = [p if p.dtype == target else p.astype(target) for p in made]
    _check_parts(made, axis)
    result = _core.concatenate(made, normalize_axis_index(operator.index(axis), made[0].ndim), target, face)
    if out is None:
        return result
    if out.shape != result.shape:
        raise ValueError("Output array is the wrong shape")
    out[...] = result
    return out


def _check_parts(parts: list[Any], axis: int) -> None:
    """Raise what NumPy raises for parts that do not fit."""
    if parts[0].ndim == 0:
        raise ValueError("zero-dimensional arrays cannot be concatenated")
    np.concatenate([np.broadcast_to(np.empty((), bool), p.shape)[_thin(p, axis)] for p in parts], axis)


def _thin(part: Any, axis: int) -> Any:
    """An index that keeps every length but that of `axis`, where nothing is kept."""
    if not -part.ndim <= axis < part.ndim:
        return ...
    return tuple(slice(0) if i == axis % part.ndim else slice(None) for i in range(part.ndim))


def _arrays_of(tup: Any) -> list[Any]:
    return [as_ours(a) if not isinstance(a, _core.Array) else a for a in tup]


@form_of(np.stack)
def _stack(arrays: Any, axis: int = 0, out: Any = None, *, dtype: Any = None, casting: str = "same_kind") -> Any:
    parts = _arrays_of(arrays)
    if len({p.shape for p in parts}) != 1:
        raise ValueError("all input arrays must have the same shape")
    axis = normalize_axis_index(axis, parts[0].ndim + 1)
    return concatenate([expand_dims(p, axis) for p in parts], axis, out, dtype=dtype, casting=casting)


@form_of(np.vstack)
def vstack(tup: Any, *, dtype: Any = None, casting: str = "same_kind") -> Any:
    """The arrays on top of each other, as numpy.vstack."""
    parts = [atleast_2d(a) for a in _arrays_of(tup)]
    return concatenate(parts, 0, dtype=dtype, casting=casting)


@form_of(np.hstack)
def hstack(tup: Any, *, dtype: Any = None, casting: str = "same_kind") -> Any:
    """The arrays side by side, as numpy.hstack."""
    parts = [atleast_1d(a) for a in _arrays_of(tup)]
    return concatenate(parts, 0 if parts and parts[0].ndim == 1 else 1, dtype=dtype, casting=casting)


@form_of(np.dstack)
def dstack(tup: Any) -> Any:
    """The arrays behind each other, as numpy.dstack."""
    return concatenate([atleast_3d(a) for a in _arrays_of(tup)], 2)


@form_of(np.column_stack)
def _column_stack(tup: Any) -> Any:
    return concatenate([a if a.ndim > 1 else a.reshape(-1, 1) for a in _arrays_of(tup)], 1)


def _cuts(length: int, indices_or_sections: Any) -> list[tuple[Any, Any]]:
    try:
        points = [operator.index(i) for i in indices_or_sections]
    except TypeError:
        sections = operator.index(indices_or_sections)
        if sections <= 0:
            raise ValueError("number sections must be larger than 0.") from None
        each, extras = divmod(length, sections)
        points = list(np.cumsum([each + 1] * extras + [each] * (sections - extras))[:-1].tolist())
    ends: list[Any] = [0, *points, None]
    return list(itertools.pairwise(ends))


@form_of(np.array_split)
def array_split(ary: Any, indices_or_sections: Any, axis: int = 0) -> list[Any]:
    """Views of consecutive parts along `axis`, possibly uneven, as numpy.array_split."""
    axis = normalize_axis_index(axis, ary.ndim)
    before = (slice(None),) * axis
    return [ary[(*before, slice(start, stop))] for start, stop in _cuts(ary.shape[axis], indices_or_sections)]


@form_of(np.split)
def split(ary: Any, indices_or_sections: Any, axis: int = 0) -> list[Any]:
    """Views of equal consecutive parts along `axis`, as numpy.split."""
    if not isinstance(ary, _core.Array):
        return np.split(ary, indices_or_sections, axis)
    if not np.iterable(indices_or_sections) and ary.shape[axis] % indices_or_sections:
        raise ValueError("array split does not result in an equal division")
    return array_split(ary, indices_or_sections, axis)


@form_of(np.hsplit)
def hsplit(ary: Any, indices_or_sections: Any) -> list[Any]:
    """Views of consecutive columns, as numpy.hsplit."""
    if np.ndim(ary) == 0:
        raise ValueError("hsplit only works on arrays of 1 or more dimensions")
    return split(ary, indices_or_sections, 1 if np.ndim(ary) > 1 else 0)


@form_of(np.vsplit)
def vsplit(ary: Any, indices_or_sections: Any) -> list[Any]:
    """Views of consecutive rows, as numpy.vsplit."""
    if np.ndim(ary) < 2:
        raise ValueError("vsplit only works on arrays of 2 or more dimensions")
    return split(ary, indices_or_sections, 0)


@form_of(np.dsplit)
def dsplit(ary: Any, indices_or_sections: Any) -> list[Any]:
    """Views of consecutive parts of the third axis, as numpy.dsplit."""
    if np.ndim(ary) < 3:
        raise ValueError("dsplit only works on arrays of 3 or more dimensions")
    return split(ary, indices_or_sections, 2)
