"""dill in place of cloudpickle, where the user asks for it; needs the package dill."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import dill
from cloudpickle import cloudpickle as cp

from distob import _definitions


class DillPickler(dill.Pickler):
    """dill, with definitions and references as distob's own pickler writes them."""

    def __init__(self, file: io.BytesIO, outgoing: Any, buffer_callback: Callable[..., Any] | None = None) -> None:
        super().__init__(file, protocol=5, recurse=True)
        self._buffer_callback = buffer_callback
        self.outgoing = outgoing

    def reducer_override(self, obj: Any) -> Any:
        """Classes by value go as distob sends them, so that results are instances of the client's own."""
        if isinstance(obj, type) and obj not in cp._BUILTIN_TYPE_NAMES and _definitions.travels_by_value(obj):
            return _definitions.reference_to_class(obj, self.outgoing)
        return NotImplemented
