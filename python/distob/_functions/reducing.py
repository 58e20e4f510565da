"""Reductions, running totals and statistics under NumPy's names."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from distob import _core, _reductions
from distob._functions.composed import composed
from distob._functions.registry import FORMS

_OWN: dict[Any, Callable[..., Any]] = {
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
    np.ptp: _reductions.ptp,
    np.count_nonzero: _reductions.count_nonzero,
    np.cumsum: _reductions.cumsum,
    np.cumprod: _reductions.cumprod,
    np.argmin: _reductions.argmin,
    np.argmax: _reductions.argmax,
}


def _form(own: Callable[..., Any]) -> Callable[..., Any]:
    def form(a: Any, *args: Any, **kwargs: Any) -> Any:
        return own(a, *args, **kwargs) if isinstance(a, _core.Array) else NotImplemented

    return form


for _function, _own in _OWN.items():
    FORMS[_function] = _form(_own)

# NumPy composes these of the above.
FORMS[np.average] = composed(np.average)
for _name in ("cumulative_sum", "cumulative_prod"):  # since NumPy 2.1
    if hasattr(np, _name):
        FORMS[getattr(np, _name)] = composed(getattr(np, _name))


def mean(a: Any, *args: Any, **kwargs: Any) -> Any:
    """Arithmetic mean over axes, as numpy.mean."""
    return np.mean(a, *args, **kwargs)
