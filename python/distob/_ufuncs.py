"""The ways to call a ufunc that the C slots leave to Python: methods, matmul."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from distob import _core, _fallback, _reductions
from distob._functions import products

_METHODS: dict[str, Callable[..., Any]] = {
    "reduce": _reductions.reduce,
    "accumulate": _reductions.accumulate,
    "reduceat": _reductions.reduceat,
}

# What matmul takes as it is; anything else must have axes.
_WITH_AXES: tuple[type, ...] = (_core.Array, np.ndarray, np.generic)


def call_on_subclasses(self: Any, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
    """NEP 13 where a subclass of ndarray is among the operands: NumPy computes, and the subclass decides what the result is."""
    return _fallback.compute_subclass(f"numpy.{ufunc.__name__}", getattr(ufunc, method), *inputs, **kwargs)


def call_method(self: Any, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
    """NEP 13 for ufunc.reduce, accumulate, reduceat, outer and at."""
    out = kwargs.get("out")
    if type(out) is tuple and len(out) == 1:
        kwargs["out"] = out[0]
    if method in _METHODS and isinstance(inputs[0], _core.Array):
        return _METHODS[method](ufunc, *inputs, **kwargs)
    if method == "outer" and len(inputs) == 2:
        first, second = (x if isinstance(x, _core.Array) else np.asanyarray(x) for x in inputs)
        return ufunc(first[(...,) + (np.newaxis,) * second.ndim], second, **kwargs)
    if method == "at":
        return _at(ufunc, *inputs)
    return _fallback.compute(f"numpy.{ufunc.__name__}.{method}", getattr(ufunc, method), *inputs, **kwargs)


def _at(ufunc: np.ufunc, target: Any, indices: Any, *operands: Any) -> None:
    """ufunc.at: natively where the ufunc has a kernel for the target's dtype."""
    fits = isinstance(target, _core.Array) and len(operands) == ufunc.nin - 1 <= 1
    if fits and _core.apply_at(ufunc, target, indices, *operands or (None,)):
        return
    _fallback.tell(f"numpy.{ufunc.__name__}.at")
    indices, operands = _fallback.local(indices), _fallback.local(operands)
    ufunc.at(_core.access(target) if isinstance(target, _core.Array) else target, indices, *operands)


def call_generalized(ufunc: np.ufunc, *inputs: Any, **kwargs: Any) -> Any:
    """A ufunc over whole rows or matrices: matmul, vecdot and those of numpy.linalg."""
    out = kwargs.get("out")
    if type(out) is tuple and len(out) == 1:
        kwargs["out"] = out[0]
    if ufunc in products.NATIVE:
        result = products.call(ufunc, *inputs, **kwargs)
        if result is not NotImplemented:
            return result
    return _fallback.compute(f"numpy.{ufunc.__name__}", ufunc, *inputs, **kwargs)


def matmul(a: Any, b: Any) -> Any:
    """a @ b."""
    if type(a) is type(b) and isinstance(a, _core.Array) and a.dtype == b.dtype and a.dtype.kind in "biufc":
        try:
            return _core.matmul(a, b, a.dtype, type(a))
        except ValueError:
            return np.matmul(a, b)  # says it in NumPy's words
    if not all(isinstance(x, _WITH_AXES) or np.ndim(x) for x in (a, b)):
        return NotImplemented
    result = products.call(np.matmul, a, b)
    return np.matmul(a, b) if result is NotImplemented else result


def compare_without_loop(a: Any, b: Any, unequal: bool) -> Any:
    """a == b, or a != b, of things that no loop compares: records by their fields, and what can never be equal."""
    face = _fallback.first_face(a, b)
    one, two = _fallback.local(a), _fallback.local(b)
    if any(isinstance(x, np.ndarray) and x.dtype.kind == "V" for x in (one, two)):
        _fallback.tell("comparison of records")
    return _fallback.ours(one != two if unequal else one == two, face)


def imatmul(a: Any, b: Any) -> Any:
    """a @= b."""
    if a._is_scalar:
        return np.matmul(a, b)
    if a.ndim < 1 or np.ndim(b) < 2:
        raise ValueError(
            "inplace matrix multiplication requires the first operand to have at least one and the second at least two "
            "dimensions."
        )
    return np.matmul(a, b, out=a)
