"""New arrays with the elements of others at other places."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from distob import _core, _fallback


def repeat(a: Any, repeats: Any, axis: Any = None) -> Any:
    """a.repeat(repeats, axis)."""
    if axis is None:
        a, axis = a.ravel(), 0
    elif a.ndim == 0:
        a = a.reshape(1)
    axis = normalize_axis_index(operator.index(axis), a.ndim)
    repeats = _fallback.local(repeats)
    # NumPy checks the counts on an array without other axes, and says where each element comes from.
    if np.size(repeats) == 1:
        np.repeat(np.empty(min(a.shape[axis], 1), np.intp), repeats)
        times = int(np.reshape(repeats, ()))
        return _core.repeat(a, times if a.shape[axis] else max(times, 0), axis)
    return a.take(np.repeat(np.arange(a.shape[axis]), repeats), axis)
