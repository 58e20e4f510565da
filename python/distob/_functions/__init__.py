"""NEP 18: NumPy's functions on distributed arrays, and the functions of the package that have NumPy's names.

A function that has a form of ours is in `registry.FORMS`, filled by the modules of this package, a family each; every
other runs by NumPy on a snapshot, with a PerformanceWarning.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from distob import _core, _fallback
from distob._functions import (  # noqa: F401
    composed,
    composites,
    counting,
    creation,
    elementwise,
    files,
    fourier,
    joining,
    nans,
    picking,
    products,
    quantiles,
    questions,
    reducing,
    retype,
    sets,
    sorting,
    views,
    writing,
)
from distob._functions.registry import FORMS, stand_ins

# Functions that ask about arrays without reading elements, or that NumPy composes of things above: they run as they are,
# on stand-ins without elements.
_QUESTIONS = {np.result_type, np.can_cast, np.common_type, np.iscomplexobj, np.isrealobj, np.min_scalar_type}


def dispatch(func: Callable[..., Any], types: Any, args: Any, kwargs: Any) -> Any:
    """__array_function__: our form of `func`, or the fallback."""
    if not all(issubclass(t, (_core.Array, np.ndarray)) for t in types):
        return NotImplemented
    name = f"{getattr(func, '__module__', None) or 'numpy'}.{func.__name__}"
    if any(map(_fallback.is_subclass_of_ndarray, types)):
        return _fallback.compute_subclass(name, func, *args, **kwargs)
    form = FORMS.get(func)
    if form is not None:
        result = form(*args, **kwargs)
        if result is not NotImplemented:
            return result
    if func in _QUESTIONS:
        return func(*stand_ins(args), **stand_ins(kwargs))
    return _fallback.compute(name, func, *args, **kwargs)
