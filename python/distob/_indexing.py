"""Indexing by boolean masks, integer arrays and field names, which the C slots leave to Python.

Reading takes what NumPy takes from a snapshot; writing lets NumPy write into the elements themselves.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from distob import _core, _fallback
from distob._functions import retype


def _names_fields(index: Any) -> bool:
    return isinstance(index, str) or (
        isinstance(index, list) and bool(index) and all(isinstance(i, str) for i in index)
    )


def get(self: Any, index: Any) -> Any:
    """self[index] for an index that is not basic: a copy, as in NumPy."""
    if _names_fields(index):
        return retype.fields(self, index)
    taken = _core.snapshot(self)[_fallback.local(index)]
    return _fallback.ours(taken, type(self)) if isinstance(taken, np.ndarray) else taken


def put(self: Any, index: Any, value: Any) -> None:
    """self[index] = value for an index that is not basic."""
    if _names_fields(index):
        retype.fields(self, index)[...] = value
        return None
    index = _fallback.local(index)
    whole_mask = isinstance(index, np.ndarray) and index.dtype == np.bool_ and index.shape == self.shape and self.ndim
    if whole_mask and np.ndim(value) == 0 and self.dtype.kind in "biufc":
        return _put_masked(self, index, value)
    value = _fallback.local(value)  # before the access: a snapshot would wait for it
    _core.access(self)[index] = value
    return None


def _put_masked(self: Any, mask: np.ndarray, value: Any) -> None:
    """self[mask] = scalar, by all cores."""
    constant = np.empty((), self.dtype)
    constant[()] = _fallback.local(value)
    face = type(self)
    _core.assign_where(self, _core.from_ndarray(constant, None, None, face), _core.from_ndarray(mask, -1, None, face))
