"""Reductions under NumPy's names."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from distob import _core, _reductions
from distob._functions.registry import FORMS, form_of

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
    FORMS[_function] = _reduction(_own)


@form_of(np.ptp)
def _ptp(a: Any, axis: Any = None, out: Any = None, keepdims: Any = np._NoValue) -> Any:
    if out is not None or not isinstance(a, _core.Array):
        return NotImplemented
    return _reductions.max(a, axis, keepdims=keepdims) - _reductions.min(a, axis, keepdims=keepdims)


def mean(a: Any, *args: Any, **kwargs: Any) -> Any:
    """Arithmetic mean over axes, as numpy.mean."""
    return np.mean(a, *args, **kwargs)
