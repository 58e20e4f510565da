"""What asks about arrays, and what prints them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from distob import _core, _display
from distob._functions.registry import form_of


@form_of(np.shape)
def _shape(a: Any) -> Any:
    return a.shape


@form_of(np.ndim)
def _ndim(a: Any) -> int:
    return a.ndim


@form_of(np.size)
def _size(a: Any, axis: Any = None) -> int:
    if axis is None:
        return a.size
    axes = axis if isinstance(axis, tuple) else (axis,)
    count = 1
    for one in normalize_axis_tuple(axes, a.ndim):
        count *= a.shape[one]
    return count


@form_of(np.may_share_memory, np.shares_memory)
def _may_share_memory(a: Any, b: Any, max_work: Any = None) -> bool:
    both = isinstance(a, _core.Array) and isinstance(b, _core.Array)
    return both and _core.may_share_memory(a, b)


@form_of(np.array_repr)
def _array_repr(a: Any, *args: Any, **kwargs: Any) -> str:
    return _display.array_repr(a) if not args and not kwargs else np.array_repr(_core.snapshot(a), *args, **kwargs)


@form_of(np.array_str)
def _array_str(a: Any, *args: Any, **kwargs: Any) -> str:
    return _display.array_str(a) if not args and not kwargs else np.array_str(_core.snapshot(a), *args, **kwargs)


@form_of(np.array_equal)
def _array_equal(a1: Any, a2: Any, equal_nan: bool = False) -> bool:
    one, two = (x if isinstance(x, (_core.Array, np.ndarray)) else np.asarray(x) for x in (a1, a2))
    if one.shape != two.shape:
        return False
    equal = one == two
    if equal_nan and one.dtype.kind in "fc" and two.dtype.kind in "fc":
        equal = equal | (np.isnan(one) & np.isnan(two))
    return bool(equal.all())
