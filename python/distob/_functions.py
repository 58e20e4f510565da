"""NEP 18: NumPy's functions on distributed arrays, and the functions of the package that have NumPy's names.

A function that has a form of ours is in `_FORMS`; every other runs by NumPy on a snapshot, with a PerformanceWarning.
"""

from __future__ import annotations

import itertools
import operator
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index, normalize_axis_tuple

from distob import _core, _display, _fallback, _reductions

_FORMS: dict[Callable[..., Any], Callable[..., Any]] = {}

# Functions that ask about arrays without reading elements, or that NumPy composes of things above: they run as they are,
# on stand-ins without elements.
_QUESTIONS = {np.result_type, np.can_cast, np.common_type, np.iscomplexobj, np.isrealobj, np.min_scalar_type}


def _form_of(*functions: Callable[..., Any]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    def register(form: Callable[..., Any]) -> Callable[..., Any]:
        for function in functions:
            _FORMS[function] = form
        return form

    return register


def dispatch(func: Callable[..., Any], types: Any, args: Any, kwargs: Any) -> Any:
    """__array_function__: our form of `func`, or the fallback."""
    if not all(issubclass(t, (_core.Array, np.ndarray)) for t in types):
        return NotImplemented
    form = _FORMS.get(func)
    if form is not None:
        result = form(*args, **kwargs)
        if result is not NotImplemented:
            return result
    if func in _QUESTIONS:
        return func(*_stand_ins(args), **_stand_ins(kwargs))
    name = f"{getattr(func, '__module__', None) or 'numpy'}.{func.__name__}"
    return _fallback.compute(name, func, *args, **kwargs)


def _stand_ins(value: Any) -> Any:
    if isinstance(value, _core.Array):
        return np.empty((0,) if value.ndim else (), value.dtype)
    if isinstance(value, (list, tuple)):
        return type(value)(_stand_ins(item) for item in value)
    if isinstance(value, dict):
        return {key: _stand_ins(item) for key, item in value.items()}
    return value


def _array(value: Any, face: type | None = None) -> Any:
    """`value` as an array of ours."""
    if isinstance(value, _core.Array):
        return value
    from distob._arrays import DistArray

    return _core.from_ndarray(np.asarray(value), -1, None, face or DistArray)


def _all_native(values: Sequence[Any]) -> bool:
    return all(not isinstance(v, np.ndarray) or not v.dtype.hasobject for v in values)


# --- Reductions -------------------------------------------------------------------------------------------------------

_REDUCTIONS: dict[Any, Callable[..., Any]] = {
    np.sum: _reductions.sum,
    np.prod: _reductions.prod,
    np.min: _reductions.min,
    np.max: _reductions.max,
    np.amin: _reductions.min,
    np.amax: _reductions.max,
    np.any: _reductions.any,
    np.all: _reductions.all,
    np.mean: _reductions.mean,
    np.var: _reductions.var,
    np.std: _reductions.std,
    np.count_nonzero: _reductions.count_nonzero,
}


def _reduction(own: Callable[..., Any]) -> Callable[..., Any]:
    def form(a: Any, *args: Any, **kwargs: Any) -> Any:
        return own(a, *args, **kwargs) if isinstance(a, _core.Array) else NotImplemented

    return form


for _function, _own in _REDUCTIONS.items():
    _FORMS[_function] = _reduction(_own)


@_form_of(np.ptp)
def _ptp(a: Any, axis: Any = None, out: Any = None, keepdims: Any = np._NoValue) -> Any:
    if out is not None or not isinstance(a, _core.Array):
        return NotImplemented
    return _reductions.max(a, axis, keepdims=keepdims) - _reductions.min(a, axis, keepdims=keepdims)


# --- Questions --------------------------------------------------------------------------------------------------------


@_form_of(np.shape)
def _shape(a: Any) -> Any:
    return a.shape


@_form_of(np.ndim)
def _ndim(a: Any) -> int:
    return a.ndim


@_form_of(np.size)
def _size(a: Any, axis: Any = None) -> int:
    if axis is None:
        return a.size
    axes = axis if isinstance(axis, tuple) else (axis,)
    count = 1
    for one in normalize_axis_tuple(axes, a.ndim):
        count *= a.shape[one]
    return count


@_form_of(np.may_share_memory, np.shares_memory)
def _may_share_memory(a: Any, b: Any, max_work: Any = None) -> bool:
    both = isinstance(a, _core.Array) and isinstance(b, _core.Array)
    return both and _core.may_share_memory(a, b)


@_form_of(np.array_repr)
def _array_repr(a: Any, *args: Any, **kwargs: Any) -> str:
    return _display.array_repr(a) if not args and not kwargs else np.array_repr(_core.snapshot(a), *args, **kwargs)


@_form_of(np.array_str)
def _array_str(a: Any, *args: Any, **kwargs: Any) -> str:
    return _display.array_str(a) if not args and not kwargs else np.array_str(_core.snapshot(a), *args, **kwargs)


@_form_of(np.array_equal)
def _array_equal(a1: Any, a2: Any, equal_nan: bool = False) -> bool:
    one, two = (x if isinstance(x, (_core.Array, np.ndarray)) else np.asarray(x) for x in (a1, a2))
    if one.shape != two.shape:
        return False
    equal = one == two
    if equal_nan and one.dtype.kind in "fc" and two.dtype.kind in "fc":
        equal = equal | (np.isnan(one) & np.isnan(two))
    return bool(equal.all())


# --- Elementwise ------------------------------------------------------------------------------------------------------


@_form_of(np.where)
def where(condition: Any, *branches: Any) -> Any:
    """Elements of x where the condition is true, of y elsewhere, as numpy.where."""
    if len(branches) != 2:
        return NotImplemented
    dtype = np.result_type(*(_stand_ins(b) if isinstance(b, _core.Array) else b for b in branches))
    if dtype.kind not in "biufc":
        return NotImplemented
    face = _fallback.first_face(condition, *branches)
    mask = _array(condition, face)
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


@_form_of(np.clip)
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


@_form_of(np.round, np.around)
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


@_form_of(np.real)
def _real(val: Any) -> Any:
    return val.real


@_form_of(np.imag)
def _imag(val: Any) -> Any:
    return val.imag


# --- Making arrays ----------------------------------------------------------------------------------------------------


def _like(a: Any, dtype: Any, shape: Any) -> tuple[Any, np.dtype]:
    lengths = a.shape if shape is None else tuple(shape) if np.iterable(shape) else (shape,)
    return lengths, np.dtype(dtype) if dtype is not None else a.dtype


@_form_of(np.empty_like)
def empty_like(
    a: Any, dtype: Any = None, order: str = "K", subok: bool = True, shape: Any = None, *, device: Any = None
) -> Any:
    """A new array of the shape and dtype of `a`, with any elements."""
    return _core.empty(*_like(a, dtype, shape), type(a))


@_form_of(np.zeros_like)
def zeros_like(
    a: Any, dtype: Any = None, order: str = "K", subok: bool = True, shape: Any = None, *, device: Any = None
) -> Any:
    """A new array of the shape and dtype of `a`, all zero."""
    return full_like(a, 0, dtype, shape=shape)


@_form_of(np.ones_like)
def ones_like(
    a: Any, dtype: Any = None, order: str = "K", subok: bool = True, shape: Any = None, *, device: Any = None
) -> Any:
    """A new array of the shape and dtype of `a`, all one."""
    return full_like(a, 1, dtype, shape=shape)


@_form_of(np.full_like)
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


@_form_of(np.copy)
def _copy(a: Any, order: str = "K", subok: bool = False) -> Any:
    copied = a.copy()
    copied._is_scalar = False  # numpy.copy makes an array of a scalar too
    return copied


# --- Structure --------------------------------------------------------------------------------------------------------


@_form_of(np.transpose)
def transpose(a: Any, axes: Any = None) -> Any:
    """The view with axes in another order, as numpy.transpose."""
    return a.transpose(axes) if isinstance(a, _core.Array) else np.transpose(a, axes)


@_form_of(np.permute_dims)
def _permute_dims(a: Any, axes: Any = None) -> Any:
    return a.transpose(axes)


@_form_of(np.matrix_transpose)
def _matrix_transpose(a: Any, /) -> Any:
    if a.ndim < 2:
        raise ValueError(f"Input array must be at least 2-dimensional, but it is {a.ndim}")
    return a.swapaxes(-1, -2)


@_form_of(np.swapaxes)
def _swapaxes(a: Any, axis1: int, axis2: int) -> Any:
    return a.swapaxes(axis1, axis2)


@_form_of(np.moveaxis)
def _moveaxis(a: Any, source: Any, destination: Any) -> Any:
    sources = normalize_axis_tuple(source, a.ndim, "source")
    targets = normalize_axis_tuple(destination, a.ndim, "destination")
    if len(sources) != len(targets):
        raise ValueError("`source` and `destination` arguments must have the same number of elements")
    order = [n for n in range(a.ndim) if n not in sources]
    for target, origin in sorted(zip(targets, sources, strict=True)):
        order.insert(target, origin)
    return a.transpose(order)


@_form_of(np.rollaxis)
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


@_form_of(np.expand_dims)
def expand_dims(a: Any, axis: Any) -> Any:
    """The view with a new axis at position `axis`, as numpy.expand_dims."""
    if not isinstance(a, _core.Array):
        return np.expand_dims(a, axis)
    axes = axis if isinstance(axis, (tuple, list)) else (axis,)
    total = a.ndim + len(axes)
    new = set(normalize_axis_tuple(axes, total))
    return a[tuple(np.newaxis if i in new else slice(None) for i in range(total))]


@_form_of(np.squeeze)
def _squeeze(a: Any, axis: Any = None) -> Any:
    return a.squeeze(axis)


@_form_of(np.ravel)
def _ravel(a: Any, order: str = "C") -> Any:
    return a.ravel(order)


@_form_of(np.reshape)
def _reshape(a: Any, /, shape: Any, order: str = "C", *, copy: bool | None = None) -> Any:
    return a.reshape(shape, order=order, copy=copy)


@_form_of(np.broadcast_to)
def _broadcast_to(array: Any, shape: Any, subok: bool = False) -> Any:
    return _core.broadcast_to(array, tuple(shape) if np.iterable(shape) else (shape,))


@_form_of(np.broadcast_arrays)
def broadcast_arrays(*args: Any, subok: bool = False) -> tuple[Any, ...]:
    """Read-only views of the arrays with one common shape, as numpy.broadcast_arrays."""
    if not any(isinstance(a, _core.Array) for a in args):
        return np.broadcast_arrays(*args, subok=subok)
    face = _fallback.first_face(args)
    arrays = [_array(a, face) for a in args]
    shape = np.broadcast_shapes(*(a.shape for a in arrays))
    return tuple(a if a.shape == shape else _core.broadcast_to(a, shape) for a in arrays)


@_form_of(np.flip)
def _flip(m: Any, axis: Any = None) -> Any:
    axes = range(m.ndim) if axis is None else normalize_axis_tuple(axis, m.ndim)
    return m[tuple(slice(None, None, -1) if i in axes else slice(None) for i in range(m.ndim))]


@_form_of(np.fliplr)
def _fliplr(m: Any) -> Any:
    if m.ndim < 2:
        raise ValueError("Input must be >= 2-d.")
    return m[:, ::-1]


@_form_of(np.flipud)
def _flipud(m: Any) -> Any:
    if m.ndim < 1:
        raise ValueError("Input must be >= 1-d.")
    return m[::-1, ...]


@_form_of(np.atleast_1d)
def _atleast_1d(*arys: Any) -> Any:
    results = tuple(a if a.ndim else a.reshape(1) for a in map(_array, arys))
    return results[0] if len(results) == 1 else results


@_form_of(np.atleast_2d)
def _atleast_2d(*arys: Any) -> Any:
    results = tuple(a if a.ndim > 1 else a[np.newaxis, :] if a.ndim else a.reshape(1, 1) for a in map(_array, arys))
    return results[0] if len(results) == 1 else results


@_form_of(np.atleast_3d)
def _atleast_3d(*arys: Any) -> Any:
    def lift(a: Any) -> Any:
        if a.ndim == 0:
            return a.reshape(1, 1, 1)
        if a.ndim == 1:
            return a[np.newaxis, :, np.newaxis]
        return a[:, :, np.newaxis] if a.ndim == 2 else a

    results = tuple(lift(a) for a in map(_array, arys))
    return results[0] if len(results) == 1 else results


@_form_of(np.concatenate)
def concatenate(
    arrays: Any, /, axis: Any = 0, out: Any = None, *, dtype: Any = None, casting: str = "same_kind"
) -> Any:
    """The arrays end to end along `axis`, in a new array, as numpy.concatenate."""
    parts = list(arrays)
    if not any(isinstance(p, _core.Array) for p in parts):
        return np.concatenate(parts, axis, out, dtype=dtype, casting=casting)  # type: ignore[call-overload]
    kinds = [_stand_ins(p) if isinstance(p, _core.Array) else np.asarray(p) for p in parts]
    target = np.dtype(dtype) if dtype is not None else out.dtype if out is not None else np.result_type(*kinds)
    if any(not np.can_cast(k.dtype, target, casting) for k in kinds) or target.hasobject:  # type: ignore[arg-type]
        return _fallback.compute(
            "numpy.concatenate", np.concatenate, parts, axis, out=out, dtype=dtype, casting=casting
        )
    face = _fallback.first_face(parts)
    made = [_array(p, face) for p in parts]
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
    return [_array(a) if not isinstance(a, _core.Array) else a for a in tup]


@_form_of(np.stack)
def _stack(arrays: Any, axis: int = 0, out: Any = None, *, dtype: Any = None, casting: str = "same_kind") -> Any:
    parts = _arrays_of(arrays)
    if len({p.shape for p in parts}) != 1:
        raise ValueError("all input arrays must have the same shape")
    axis = normalize_axis_index(axis, parts[0].ndim + 1)
    return concatenate([expand_dims(p, axis) for p in parts], axis, out, dtype=dtype, casting=casting)


@_form_of(np.vstack)
def vstack(tup: Any, *, dtype: Any = None, casting: str = "same_kind") -> Any:
    """The arrays on top of each other, as numpy.vstack."""
    parts = [_atleast_2d(a) for a in _arrays_of(tup)]
    return concatenate(parts, 0, dtype=dtype, casting=casting)


@_form_of(np.hstack)
def hstack(tup: Any, *, dtype: Any = None, casting: str = "same_kind") -> Any:
    """The arrays side by side, as numpy.hstack."""
    parts = [_atleast_1d(a) for a in _arrays_of(tup)]
    return concatenate(parts, 0 if parts and parts[0].ndim == 1 else 1, dtype=dtype, casting=casting)


@_form_of(np.dstack)
def dstack(tup: Any) -> Any:
    """The arrays behind each other, as numpy.dstack."""
    return concatenate([_atleast_3d(a) for a in _arrays_of(tup)], 2)


@_form_of(np.column_stack)
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


@_form_of(np.array_split)
def array_split(ary: Any, indices_or_sections: Any, axis: int = 0) -> list[Any]:
    """Views of consecutive parts along `axis`, possibly uneven, as numpy.array_split."""
    axis = normalize_axis_index(axis, ary.ndim)
    before = (slice(None),) * axis
    return [ary[(*before, slice(start, stop))] for start, stop in _cuts(ary.shape[axis], indices_or_sections)]


@_form_of(np.split)
def split(ary: Any, indices_or_sections: Any, axis: int = 0) -> list[Any]:
    """Views of equal consecutive parts along `axis`, as numpy.split."""
    if not isinstance(ary, _core.Array):
        return np.split(ary, indices_or_sections, axis)
    if not np.iterable(indices_or_sections) and ary.shape[axis] % indices_or_sections:
        raise ValueError("array split does not result in an equal division")
    return array_split(ary, indices_or_sections, axis)


@_form_of(np.hsplit)
def hsplit(ary: Any, indices_or_sections: Any) -> list[Any]:
    """Views of consecutive columns, as numpy.hsplit."""
    if np.ndim(ary) == 0:
        raise ValueError("hsplit only works on arrays of 1 or more dimensions")
    return split(ary, indices_or_sections, 1 if np.ndim(ary) > 1 else 0)


@_form_of(np.vsplit)
def vsplit(ary: Any, indices_or_sections: Any) -> list[Any]:
    """Views of consecutive rows, as numpy.vsplit."""
    if np.ndim(ary) < 2:
        raise ValueError("vsplit only works on arrays of 2 or more dimensions")
    return split(ary, indices_or_sections, 0)


@_form_of(np.dsplit)
def dsplit(ary: Any, indices_or_sections: Any) -> list[Any]:
    """Views of consecutive parts of the third axis, as numpy.dsplit."""
    if np.ndim(ary) < 3:
        raise ValueError("dsplit only works on arrays of 3 or more dimensions")
    return split(ary, indices_or_sections, 2)


def mean(a: Any, *args: Any, **kwargs: Any) -> Any:
    """Arithmetic mean over axes, as numpy.mean."""
    return np.mean(a, *args, **kwargs)


# --- Functions that write their argument ------------------------------------------------------------------------------


@_form_of(np.copyto)
def _copyto(dst: Any, src: Any, casting: str = "same_kind", where: Any = True) -> None:
    source = src if isinstance(src, (_core.Array, np.ndarray)) else np.asarray(src)
    if not isinstance(dst, _core.Array):
        np.copyto(dst, _fallback.local(src), casting, _fallback.local(where))  # type: ignore[arg-type]
    elif where is True and np.can_cast(source.dtype, dst.dtype, casting):  # type: ignore[arg-type]
        dst[...] = src
    else:
        src, where = _fallback.local(src), _fallback.local(where)
        np.copyto(_core.access(dst), src, casting, where)  # type: ignore[arg-type]


def _writes_first(function: Callable[..., Any]) -> None:
    """NumPy writes into the elements of the first argument themselves."""

    def form(a: Any, *args: Any, **kwargs: Any) -> None:
        _fallback.tell(f"numpy.{function.__name__}")
        args, kwargs = _fallback.local(args), _fallback.local(kwargs)
        function(_core.access(a) if isinstance(a, _core.Array) else a, *args, **kwargs)

    _FORMS[function] = form


for _function in (np.put, np.place, np.putmask, np.fill_diagonal, np.put_along_axis):
    _writes_first(_function)
