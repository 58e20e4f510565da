"""Functions that NumPy composes of other functions: its own compositions, run on distributed arrays.

Most of NumPy's functions of structure are short Python programs over slices, reshapes and ufuncs that begin with `asarray`.
Here they run as NumPy wrote them, except that `asarray` and its like let distributed arrays pass, and that the arrays they
make are distributed. So arguments, errors and results are NumPy's in whatever version is installed, and each step runs
where the elements are.
"""

from __future__ import annotations

import contextvars
import functools
from collections.abc import Callable
from types import FunctionType, ModuleType
from typing import Any

import numpy as np

from distob import _core, _fallback
from distob._functions.registry import FORMS

# The class of the arrays that the running composition makes.
_face: contextvars.ContextVar[type] = contextvars.ContextVar("distob_face")


def _as_array(a: Any, dtype: Any = None, order: Any = None, *args: Any, **kwargs: Any) -> Any:
    if not isinstance(a, _core.Array):
        return np.asanyarray(a, dtype, order, *args, **kwargs)
    if a._is_scalar:
        a = _core.view_as(a, type(a))
        a._is_scalar = False
    return a if dtype is None else a.astype(dtype, copy=False)


def _array(a: Any, dtype: Any = None, *, copy: bool | None = True, ndmin: int = 0, **kwargs: Any) -> Any:
    if not isinstance(a, _core.Array):
        return np.array(a, dtype, copy=copy, ndmin=ndmin, **kwargs)
    result = _as_array(a, dtype)
    if copy and result is a:
        result = a.copy("K")
    return result[(np.newaxis,) * (ndmin - result.ndim) + (...,)]


def _empty(shape: Any, dtype: Any = float, order: str = "C", **kwargs: Any) -> Any:
    dtype = np.dtype(dtype)
    if dtype.hasobject:
        return np.empty(shape, dtype, order, **kwargs)  # type: ignore[call-overload]
    shape = tuple(shape) if np.iterable(shape) else (shape,)
    if order == "F":
        return _core.empty(shape[::-1], dtype, _face.get()).T
    return _core.empty(shape, dtype, _face.get())


class _Converter:
    """numpy's _array_converter, for arguments among which there are distributed arrays."""

    def __init__(self, *args: Any) -> None:
        self._arrays = tuple(_as_array(a) for a in args)

    def __len__(self) -> int:
        return len(self._arrays)

    def __getitem__(self, i: Any) -> Any:
        return self._arrays[i]

    def as_arrays(self, subok: bool = True, pyscalars: str | None = None) -> Any:
        return self._arrays

    def wrap(self, array: Any, to_scalar: bool | None = None) -> Any:
        return array


_STAND_INS: dict[int, Any] = {
    id(np.asarray): _as_array,
    id(np.asanyarray): _as_array,
    id(np.array): _array,
    id(np.empty): _empty,
    # What NumPy calls without its dispatcher where it knows its own arrays.
    id(np.concatenate.__wrapped__): np.concatenate,  # type: ignore[attr-defined]
    id(np.ndim.__wrapped__): np.ndim,  # type: ignore[attr-defined]
    id(np.size.__wrapped__): np.size,  # type: ignore[attr-defined]
}


class _Module:
    """One of NumPy's modules, with stand-ins for what makes arrays."""

    def __init__(self, module: ModuleType) -> None:
        self._module = module

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._module, name)
        return _STAND_INS.get(id(value), value)


# What stands in for private functions of NumPy's that composed ones call, by module and name.
_REPLACED: dict[tuple[str, str], Callable[..., Any]] = {}


def in_place_of(module: str, name: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """The decorated function is what NumPy's composed functions of `module` find under a name of theirs."""

    def register(function: Callable[..., Any]) -> Callable[..., Any]:
        _REPLACED[module, name] = function
        return function

    return register


@functools.cache
def names_of(module: str) -> dict[str, Any]:
    """The global names of one of NumPy's modules as its functions see them here."""
    import importlib

    names: dict[str, Any] = {}
    for name, value in vars(importlib.import_module(module)).items():
        if (module, name) in _REPLACED:
            names[name] = _REPLACED[module, name]
        elif id(value) in _STAND_INS:
            names[name] = _STAND_INS[id(value)]
        elif isinstance(value, ModuleType) and value.__name__.partition(".")[0] == "numpy":
            names[name] = _Module(value)
        elif isinstance(value, FunctionType) and value.__module__ == module:
            names[name] = _rebound(value, names)
        elif name == "_array_converter":
            names[name] = _Converter
        else:
            names[name] = value
    return names


def _rebound(function: FunctionType, names: dict[str, Any]) -> FunctionType:
    made = FunctionType(function.__code__, names, function.__name__, function.__defaults__, function.__closure__)
    made.__kwdefaults__ = function.__kwdefaults__
    return made


@functools.cache
def _implementation(function: Any) -> FunctionType:
    original = function.__wrapped__
    return _rebound(original, names_of(original.__module__))


def composed(function: Callable[..., Any]) -> Callable[..., Any]:
    """NumPy's implementation of `function`, for distributed arrays."""

    def run(*args: Any, **kwargs: Any) -> Any:
        token = _face.set(_fallback.first_face(args, tuple(kwargs.values())))
        try:
            return _implementation(function)(*args, **kwargs)
        finally:
            _face.reset(token)

    return run


for _function in (
    np.append, np.apply_over_axes, np.array_split, np.atleast_1d, np.atleast_2d, np.atleast_3d, np.block, np.column_stack,
    np.diff, np.dsplit, np.dstack, np.ediff1d, np.expand_dims, np.flip, np.fliplr, np.flipud, np.gradient, np.hsplit,
    np.hstack, np.kron, np.moveaxis, np.pad, np.resize, np.roll, np.rollaxis, np.rot90, np.split, np.stack, np.trapezoid,
    np.trim_zeros, np.unwrap, np.vsplit, np.vstack,
):  # fmt: skip
    FORMS[_function] = composed(_function)
if hasattr(np, "unstack"):  # since NumPy 2.1
    FORMS[np.unstack] = composed(np.unstack)
