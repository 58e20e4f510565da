"""The same elements under other axes: views wherever NumPy gives one."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from distob import _core, _fallback
from distob._functions.composed import composed
from distob._functions.registry import FORMS, as_ours, form_of

expand_dims, rollaxis, transpose, broadcast_arrays = np.expand_dims, np.rollaxis, np.transpose, np.broadcast_arrays


def _method(name: str) -> Callable[..., Any]:
    def form(a: Any, /, *args: Any, **kwargs: Any) -> Any:
        return getattr(a, name)(*args, **kwargs)

    return form


for _function, _name in (
    (np.transpose, "transpose"), (np.permute_dims, "transpose"), (np.swapaxes, "swapaxes"), (np.squeeze, "squeeze"),
    (np.ravel, "ravel"), (np.reshape, "reshape"), (np.repeat, "repeat"),
):  # fmt: skip
    FORMS[_function] = _method(_name)


@form_of(np.matrix_transpose)
def _matrix_transpose(x: Any, /) -> Any:
    if x.ndim < 2:
        raise ValueError(f"Input array must be at least 2-dimensional, but it is {x.ndim}")
    return x.mT


@form_of(np.broadcast_to)
def _broadcast_to(array: Any, shape: Any, subok: bool = False) -> Any:
    lengths = tuple(shape) if np.iterable(shape) else (shape,)
    np.broadcast_to(np.broadcast_to(np.empty((), bool), array.shape), lengths)  # raises what NumPy raises
    return _core.broadcast_to(array, lengths)


@form_of(np.broadcast_arrays)
def _broadcast_arrays(*args: Any, subok: bool = False) -> tuple[Any, ...]:
    arrays = [a if isinstance(a, (_core.Array, np.ndarray)) else np.asarray(a) for a in args]
    np.broadcast_arrays(*(np.broadcast_to(np.empty((), bool), a.shape) for a in arrays))  # raises what NumPy raises
    shape = np.broadcast_shapes(*(a.shape for a in arrays))
    face = _fallback.first_face(args)
    made = (as_ours(a, face) for a in arrays)
    return tuple(a if a.shape == shape else _core.broadcast_to(a, shape) for a in made)


@form_of(np.tile)
def _tile(A: Any, reps: Any) -> Any:
    counts = tuple(operator.index(n) for n in reps) if np.iterable(reps) else (operator.index(reps),)
    if all(n == 1 for n in counts) and len(counts) <= A.ndim:
        return _core.copy(A, "K")
    if any(n < 0 for n in counts):
        return composed(np.tile)(A, reps)  # raises what NumPy raises
    return _core.tile(A, counts)
