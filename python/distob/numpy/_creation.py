"""Arrays made where they will live."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from typing import Any

import numpy as _numpy

from distob import _core
from distob._arrays import DistArray, scatter_array

_NUMBERS = "biufc"


def cut(made: Any, partition: Any) -> Any:
    """`made`, cut as `partition` says: like redistribute, or along the axis with that number."""
    if partition is None:
        return made
    if isinstance(partition, (int, _numpy.integer)):
        return made.redistribute(axis=int(partition))
    return made.redistribute(partition)


def lengths(shape: Any) -> tuple[int, ...]:
    """A shape from what NumPy takes for one."""
    return tuple(operator.index(n) for n in shape) if _numpy.iterable(shape) else (operator.index(shape),)


def _ordered(make: Callable[[tuple[int, ...]], Any], shape: Any, order: str, partition: Any) -> Any:
    """An array in C or Fortran order."""
    extents = lengths(shape)
    if order not in ("C", "F"):
        raise ValueError("only 'C' or 'F' order is permitted")
    return cut(make(extents[::-1]).T if order == "F" else make(extents), partition)


def _check_device(device: Any) -> None:
    if device not in (None, "cpu"):
        raise ValueError(f'Device not understood. Only "cpu" is allowed, but received: {device}')


def empty(
    shape: Any, dtype: Any = float, order: str = "C", *, device: Any = None, like: Any = None, partition: Any = None
) -> DistArray:
    """A new array with any elements. Raises MemoryError if the budget has no room."""
    _check_device(device)
    kind = _numpy.dtype(dtype)
    return _ordered(lambda extents: _core.empty(extents, kind, DistArray), shape, order, partition)


def full(
    shape: Any,
    fill_value: Any,
    dtype: Any = None,
    order: str = "C",
    *,
    device: Any = None,
    like: Any = None,
    partition: Any = None,
) -> DistArray:
    """A new array with `fill_value` everywhere."""
    _check_device(device)
    kind = _numpy.asarray(fill_value).dtype if dtype is None else _numpy.dtype(dtype)
    if kind.kind in _NUMBERS and _numpy.ndim(fill_value) == 0:
        return _ordered(lambda extents: _core.full(extents, fill_value, kind, DistArray), shape, order, partition)
    result = empty(shape, kind, order, partition=partition)
    _core.assign(result, fill_value)
    return result


def zeros(
    shape: Any, dtype: Any = float, order: str = "C", *, device: Any = None, like: Any = None, partition: Any = None
) -> DistArray:
    """A new array, all zero."""
    kind = _numpy.dtype(dtype)
    value: Any = 0 if kind.kind in _NUMBERS else _numpy.zeros((), kind)
    return full(shape, value, kind, order, device=device, partition=partition)


def ones(
    shape: Any, dtype: Any = float, order: str = "C", *, device: Any = None, like: Any = None, partition: Any = None
) -> DistArray:
    """A new array, all one."""
    kind = _numpy.dtype(dtype)
    value: Any = 1 if kind.kind in _NUMBERS else _numpy.ones((), kind)
    return full(shape, value, kind, order, device=device, partition=partition)


def _like(function: Callable[..., Any]) -> Callable[..., Any]:
    """NumPy's `function` of an array of ours, or of anything as if it were one."""

    def like(a: Any, *args: Any, partition: Any = None, **kwargs: Any) -> DistArray:
        if not isinstance(a, _core.Array):
            outline = _numpy.asarray(a)
            a = _core.empty(outline.shape, outline.dtype, DistArray)
        return cut(function(a, *args, **kwargs), partition)

    like.__name__ = like.__qualname__ = function.__name__
    like.__doc__ = f"As numpy.{function.__name__}, as a distributed array."
    return like


empty_like = _like(_numpy.empty_like)
zeros_like = _like(_numpy.zeros_like)
ones_like = _like(_numpy.ones_like)
full_like = _like(_numpy.full_like)


def _scattered(function: Callable[..., Any]) -> Callable[..., Any]:
    """NumPy's `function`, whose result is scattered: what it reads comes one element after the other."""

    def scattered(*args: Any, partition: Any = None, **kwargs: Any) -> Any:
        kwargs.pop("like", None)
        result = function(*args, **kwargs)
        return cut(scatter_array(result), partition) if isinstance(result, _numpy.ndarray) else result

    scattered.__name__ = scattered.__qualname__ = function.__name__
    scattered.__doc__ = f"As numpy.{function.__name__}, with the array it makes scattered."
    return scattered


frombuffer = _scattered(_numpy.frombuffer)
fromfile = _scattered(_numpy.fromfile)
fromiter = _scattered(_numpy.fromiter)
fromstring = _scattered(_numpy.fromstring)
genfromtxt = _scattered(_numpy.genfromtxt)
load = _scattered(_numpy.load)
loadtxt = _scattered(_numpy.loadtxt)
# Powers are NumPy's to the last bit.
geomspace = _scattered(_numpy.geomspace)
logspace = _scattered(_numpy.logspace)


def array(
    object: Any,
    dtype: Any = None,
    *,
    copy: bool | None = True,
    order: str = "K",
    subok: bool = False,
    ndmin: int = 0,
    like: Any = None,
    partition: Any = None,
) -> Any:
    """A distributed array with the elements of `object`: a new one, unless `copy` is None or False."""
    if not isinstance(object, _core.Array):
        return cut(scatter_array(_numpy.array(object, dtype, order=order, ndmin=ndmin)), partition)  # type: ignore[call-overload]
    if dtype is not None and _numpy.dtype(dtype) != object.dtype:
        if copy is False:
            raise ValueError("Unable to avoid copy while creating an array as requested.")
        made = object.astype(dtype)
    else:
        made = object.copy() if copy else object
    while made.ndim < ndmin:
        made = made[_numpy.newaxis]
    return cut(made, partition)


def asarray(
    a: Any,
    dtype: Any = None,
    order: Any = None,
    *,
    device: Any = None,
    copy: bool | None = None,
    like: Any = None,
    partition: Any = None,
) -> Any:
    """`a` as a distributed array; itself if it is one already."""
    _check_device(device)
    return array(a, dtype, copy=copy, order=order or "K", partition=partition)


asanyarray = asarray


def ascontiguousarray(a: Any, dtype: Any = None, *, like: Any = None, partition: Any = None) -> Any:
    """`a` as a distributed array in C order with at least one axis."""
    made = asarray(a, dtype)
    if made.ndim == 0:
        made = made.reshape(1)
    return cut(made if made.flags.c_contiguous else made.copy(), partition)


def asfortranarray(a: Any, dtype: Any = None, *, like: Any = None, partition: Any = None) -> Any:
    """`a` as a distributed array in Fortran order with at least one axis."""
    made = asarray(a, dtype)
    if made.ndim == 0:
        made = made.reshape(1)
    return cut(made if made.flags.f_contiguous else made.T.copy().T, partition)


def copy(a: Any, order: str = "K", subok: bool = False, *, partition: Any = None) -> Any:
    """A distributed copy of `a`."""
    return cut(_numpy.copy(a, order, subok) if isinstance(a, _core.Array) else array(a), partition)  # type: ignore[call-overload]


def from_dlpack(x: Any, /, *, device: Any = None, copy: bool | None = None, partition: Any = None) -> Any:
    """A distributed copy of what another library's array holds."""
    if copy is False:
        raise ValueError("elements of other libraries are copied to where they are computed")
    return cut(scatter_array(_numpy.from_dlpack(x, device=device)), partition)


# --- Numbers in a row -----------------------------------------------------------------------------------------------


def arange(
    start: Any,
    stop: Any = None,
    step: Any = 1,
    dtype: Any = None,
    *,
    device: Any = None,
    like: Any = None,
    partition: Any = None,
) -> DistArray:
    """Values in [start, stop) with a distance of `step`, as numpy.arange."""
    _check_device(device)
    if stop is None:
        start, stop = 0, start
    if step is None:
        step = 1
    numbers = (int, float, _numpy.integer, _numpy.floating)
    count = 0
    if all(isinstance(x, numbers) for x in (start, stop, step)) and step and math.isfinite(stop):
        kind = _numpy.dtype(dtype) if dtype is not None else _numpy.arange(start, start + 0 * stop, step).dtype
        if kind.kind in "iuf" and kind.char not in "eg":
            count = max(0, math.ceil(float(stop - start) / float(step)))
    if count < 3:  # where NumPy has errors and corners of its own
        return cut(scatter_array(_numpy.arange(start, stop, step, dtype=dtype)), partition)
    # NumPy steps by the distance of the first two values as the dtype holds them.
    first, second = (_numpy.asarray(x).astype(kind)[()] for x in (start, start + step))
    with _numpy.errstate(all="ignore"):
        return cut(_core.arange(first, second - first, count, kind, DistArray), partition)


def linspace(
    start: Any,
    stop: Any,
    num: Any = 50,
    endpoint: bool = True,
    retstep: bool = False,
    dtype: Any = None,
    axis: int = 0,
    *,
    device: Any = None,
    partition: Any = None,
) -> Any:
    """`num` evenly spaced values from start to stop, as numpy.linspace."""
    _check_device(device)
    count = operator.index(num)
    plain = all(isinstance(x, (int, float)) for x in (start, stop)) and abs(start) < 2**53 and abs(stop) < 2**53
    kind = _numpy.dtype(float if dtype is None else dtype)
    if not plain or kind.kind not in "iuf" or count < 0:
        made = _numpy.linspace(start, stop, count, endpoint, retstep, dtype, axis)  # type: ignore[call-overload]
        values, step = made if retstep else (made, None)
        result = cut(scatter_array(values), partition)
        return (result, step) if retstep else result
    result = cut(_core.linspace(float(start), float(stop), count, bool(endpoint), kind, DistArray), partition)
    if not retstep:
        return result
    return result, _step(start, stop, count, endpoint)


def _step(start: float, stop: float, count: int, endpoint: bool) -> Any:
    steps = count - 1 if endpoint else count
    return _numpy.float64(stop * 1.0 - start * 1.0) / steps if steps > 0 else _numpy.nan


# --- Matrices -------------------------------------------------------------------------------------------------------


def eye(
    N: Any,
    M: Any = None,
    k: Any = 0,
    dtype: Any = float,
    order: str = "C",
    *,
    device: Any = None,
    like: Any = None,
    partition: Any = None,
) -> DistArray:
    """Ones on diagonal `k` of an N x M matrix, zeros elsewhere."""
    rows, columns, offset = operator.index(N), operator.index(N if M is None else M), operator.index(k)
    result = zeros((rows, columns), dtype, order, device=device, partition=partition)
    if -rows < offset < columns:
        _core.assign(_core.diagonal(result, offset, 0, 1), 1)
    return result


def identity(n: Any, dtype: Any = None, *, like: Any = None, partition: Any = None) -> DistArray:
    """The n x n matrix with ones on its main diagonal."""
    return eye(n, dtype=float if dtype is None else dtype, partition=partition)


def diag(v: Any, k: int = 0, *, partition: Any = None) -> Any:
    """A copy of diagonal `k` of a matrix, or the matrix with a vector on that diagonal."""
    v = asarray(v)
    if v.ndim == 2:
        inside = -v.shape[0] < k < v.shape[1]
        return cut(_core.copy(_core.diagonal(v, k, 0, 1)) if inside else empty(0, v.dtype), partition)
    if v.ndim != 1:
        raise ValueError("Input must be 1- or 2-d.")
    n = v.shape[0] + abs(k)
    result = zeros((n, n), v.dtype)
    if v.shape[0]:
        _core.assign(_core.diagonal(result, k, 0, 1), v)
    return cut(result, partition)


def tri(N: Any, M: Any = None, k: int = 0, dtype: Any = float, *, like: Any = None, partition: Any = None) -> DistArray:
    """Ones at and below diagonal `k` of an N x M matrix, zeros above."""
    rows, columns = arange(N), arange(-k, (N if M is None else M) - k)
    return cut(_numpy.greater_equal.outer(rows, columns).astype(dtype, copy=False), partition)


def vander(x: Any, N: Any = None, increasing: bool = False, *, partition: Any = None) -> DistArray:
    """Powers of the elements of a vector, as numpy.vander."""
    return cut(scatter_array(_numpy.vander(_numpy.asarray(x), N, increasing)), partition)


# --- Indices --------------------------------------------------------------------------------------------------------


def _along(axis: int, ndim: int) -> tuple[Any, ...]:
    return tuple(slice(None) if i == axis else _numpy.newaxis for i in range(ndim))


def indices(dimensions: Any, dtype: Any = int, sparse: bool = False, *, partition: Any = None) -> Any:
    """The indices of every element of a shape, as numpy.indices."""
    extents = lengths(dimensions)
    rows = [arange(n, dtype=dtype)[_along(i, len(extents))] for i, n in enumerate(extents)]
    if sparse:
        return tuple(rows)
    result = empty((len(extents), *extents), dtype)
    for i, row in enumerate(rows):
        result[i] = row
    return cut(result, partition)


def fromfunction(
    function: Callable[..., Any],
    shape: Any,
    *,
    dtype: Any = float,
    like: Any = None,
    partition: Any = None,
    **kwargs: Any,
) -> Any:
    """function(*indices) for the indices of a shape, each a distributed array."""
    made = function(*indices(shape, dtype=dtype), **kwargs)
    return cut(made, partition) if isinstance(made, _core.Array) else made


def meshgrid(*xi: Any, copy: bool = True, sparse: bool = False, indexing: str = "xy") -> tuple[Any, ...]:
    """Coordinate arrays from coordinate vectors, as numpy.meshgrid."""
    if indexing not in ("xy", "ij"):
        raise ValueError("Valid values for `indexing` are 'xy' and 'ij'.")
    places = list(range(len(xi)))
    if indexing == "xy" and len(xi) > 1:
        places[:2] = [1, 0]
    rows = [asarray(x).reshape(-1)[_along(place, len(xi))] for x, place in zip(xi, places, strict=True)]
    if not sparse:
        rows = list(_numpy.broadcast_arrays(*rows)) if rows else []
    return tuple(_core.copy(row) if copy else row for row in rows)


class _Grid:
    """numpy.mgrid and numpy.ogrid with distributed arrays."""

    def __init__(self, sparse: bool) -> None:
        self._sparse = sparse

    def __getitem__(self, key: Any) -> Any:
        if not isinstance(key, tuple):
            return _row(key)
        rows = [_row(k) for k in key]
        kind = _numpy.result_type(*rows) if rows else _numpy.dtype(float)
        rows = [row.astype(kind, copy=False)[_along(i, len(rows))] for i, row in enumerate(rows)]
        if self._sparse:
            return tuple(rows)
        shape = _numpy.broadcast_shapes(*(row.shape for row in rows))
        result = empty((len(rows), *shape), kind)
        for i, row in enumerate(rows):
            result[i] = row
        return result


def _row(key: slice) -> Any:
    return scatter_array(_numpy.ogrid[key])


mgrid = _Grid(False)
ogrid = _Grid(True)
