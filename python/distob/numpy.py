"""NumPy's names, with arrays that are made where they will live: `import distob.numpy as np`.

Creation functions give DistArrays. Every other name is NumPy's own, which computes on distributed arrays through its
protocols and on ordinary ndarrays as always.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as _numpy

from distob import _core
from distob._arrays import DistArray, scatter_array

__all__ = ["arange", "array", "asarray", "empty", "from_dlpack", "full", "linspace", "ones", "zeros"]


def _lengths(shape: Any) -> tuple[int, ...]:
    return tuple(shape) if _numpy.iterable(shape) else (shape,)


def empty(shape: Any, dtype: Any = float) -> DistArray:
    """A new array with any elements. Raises MemoryError if the budget has no room."""
    return _core.empty(_lengths(shape), _numpy.dtype(dtype), DistArray)


def full(shape: Any, fill_value: Any, dtype: Any = None) -> DistArray:
    """A new array with `fill_value` everywhere."""
    kind = _numpy.asarray(fill_value).dtype if dtype is None else _numpy.dtype(dtype)
    if kind.kind not in "biufc" or _numpy.ndim(fill_value):
        result = _core.empty(_lengths(shape), kind, DistArray)
        _core.assign(result, fill_value)
        return result
    return _core.full(_lengths(shape), fill_value, kind, DistArray)


def zeros(shape: Any, dtype: Any = float) -> DistArray:
    """A new array, all zero."""
    return full(shape, 0, dtype)


def ones(shape: Any, dtype: Any = float) -> DistArray:
    """A new array, all one."""
    return full(shape, 1, dtype)


def arange(start: Any, stop: Any = None, step: Any = 1, dtype: Any = None) -> DistArray:
    """Values in [start, stop) with a distance of `step`, as numpy.arange."""
    if stop is None:
        start, stop = 0, start
    kind = _numpy.dtype(dtype) if dtype is not None else _numpy.arange(start, start, step).dtype
    if kind.kind not in "iuf":
        return scatter_array(_numpy.arange(start, stop, step, dtype=dtype))
    count = max(0, math.ceil((stop - start) / step))
    # NumPy steps by the distance of the first two values as the dtype holds them.
    first, second = kind.type(start), kind.type(start + step)
    return _core.arange(first, second - first, count, kind, DistArray)


def linspace(start: Any, stop: Any, num: int = 50, endpoint: bool = True, dtype: Any = None) -> DistArray:
    """`num` evenly spaced values from start to stop, as numpy.linspace."""
    return scatter_array(_numpy.linspace(start, stop, num, endpoint, dtype=dtype))


def array(object: Any, dtype: Any = None) -> Any:
    """A new distributed array with the elements of `object`."""
    return (
        object.copy()
        if isinstance(object, _core.Array) and dtype is None
        else scatter_array(_numpy.array(object, dtype))
    )


def asarray(a: Any, dtype: Any = None) -> Any:
    """`a` as a distributed array; itself if it is one already."""
    if isinstance(a, _core.Array):
        return a if dtype is None else a.astype(dtype, copy=False)
    return scatter_array(_numpy.asarray(a, dtype))


def from_dlpack(x: Any, /, *, device: Any = None, copy: bool | None = None) -> Any:
    """A distributed copy of what another library's array holds."""
    if copy is False:
        raise ValueError("elements of other libraries are copied to where they are computed")
    return scatter_array(_numpy.from_dlpack(x, device=device))


def __getattr__(name: str) -> Any:
    return getattr(_numpy, name)


def __dir__() -> list[str]:
    return sorted({*globals(), *dir(_numpy)})
