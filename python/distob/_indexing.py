"""Indexing by field names, and the words for what can be no index; all else the C slots do."""

from __future__ import annotations

from typing import Any

import numpy as np

from distob import _core, _fallback
from distob._functions import retype


def get(self: Any, fields: Any) -> Any:
    """self[fields]: a view."""
    return retype.fields(self, fields)


def put(self: Any, fields: Any, value: Any) -> None:
    """self[fields] = value."""
    retype.fields(self, fields)[...] = value


def write_fields(self: Any, index: Any, value: Any) -> None:
    """self[index] = value, where not all bytes of an element are written."""
    index, value = _fallback.local(index), _fallback.local(value)
    _core.access(self)[index] = value


def refuse(self: Any, index: Any) -> None:
    """Raise what NumPy raises for `index`: it looks at a stand-in of the same shape, which has one element."""
    np.broadcast_to(np.empty((), self.dtype), self.shape)[_fallback.local(index)]
