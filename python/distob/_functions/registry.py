"""Which of NumPy's functions have a form of ours, and what the forms share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from distob import _core

FORMS: dict[Callable[..., Any], Callable[..., Any]] = {}


def form_of(*functions: Callable[..., Any]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    def register(form: Callable[..., Any]) -> Callable[..., Any]:
        for function in functions:
            FORMS[function] = form
        return form

    return register


def stand_ins(value: Any) -> Any:
    if isinstance(value, _core.Array):
        return np.empty((0,) if value.ndim else (), value.dtype)
    if isinstance(value, (list, tuple)):
        return type(value)(stand_ins(item) for item in value)
    if isinstance(value, dict):
        return {key: stand_ins(item) for key, item in value.items()}
    return value


def as_ours(value: Any, face: type | None = None) -> Any:
    """`value` as an array of ours."""
    if isinstance(value, _core.Array):
        return value
    from distob._arrays import DistArray

    return _core.from_ndarray(np.asarray(value), -1, None, face or DistArray)


def all_native(values: Sequence[Any]) -> bool:
    return all(not isinstance(v, np.ndarray) or not v.dtype.hasobject for v in values)
