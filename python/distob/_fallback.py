"""What distob does not distribute: NumPy computes it in the client, on a snapshot, and says so once."""

from __future__ import annotations

import functools
import inspect
import sys
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from distob import _core
from distob.errors import PerformanceWarning

_told: set[str] = set()
_HERE = __name__.rpartition(".")[0]


def line_of_user() -> int:
    """The `stacklevel` of the innermost frame outside this package, for a warning issued by the caller."""
    level, frame = 1, sys._getframe(1)
    while frame is not None and frame.f_globals.get("__name__", "").partition(".")[0] == _HERE:
        level, frame = level + 1, frame.f_back  # type: ignore[assignment]
    return level


def tell(name: str) -> None:
    """Issue the PerformanceWarning for `name`, the first time it is asked for."""
    if name in _told:
        return
    _told.add(name)
    warnings.warn(
        f"{name} is not distributed: NumPy computes it in this process, on one core",
        PerformanceWarning,
        stacklevel=line_of_user(),
    )


def forget_what_was_told() -> None:
    """Let every PerformanceWarning be issued again."""
    _told.clear()


def local(value: Any) -> Any:
    """`value` with every array of ours in it, also inside lists, tuples and dicts, as a read-only ndarray."""
    if isinstance(value, _core.Array):
        return _core.snapshot(value)
    if type(value) in (list, tuple):
        return type(value)(local(item) for item in value)
    if type(value) is dict:
        return {key: local(item) for key, item in value.items()}
    return value


def is_subclass_of_ndarray(kind: type) -> bool:
    """Whether instances are ndarrays with a behaviour of their own: matrices, masked arrays. A memmap has none."""
    return issubclass(kind, np.ndarray) and kind is not np.ndarray and not issubclass(kind, np.memmap)


def compute_subclass(name: str, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """function(*args, **kwargs) by NumPy where a subclass of ndarray decides what the result is; distributed `out` gets it."""
    out = kwargs.get("out")
    if isinstance(out, tuple) and len(out) == 1:
        out = kwargs["out"] = out[0]
    if any(isinstance(one, _core.Array) for one in (out if isinstance(out, tuple) else (out,))):
        return compute(name, function, *args, **kwargs)
    tell(name)
    return function(*local(args), **local(kwargs))


def first_face(*values: Any) -> type:
    """The class of results: DistArray, unless every array among the values is a RemoteArray."""
    faces = set()

    def visit(value: Any) -> None:
        if isinstance(value, _core.Array):
            faces.add(type(value))
        elif isinstance(value, (list, tuple)):
            for item in value:
                visit(item)

    for value in values:
        visit(value)
    from distob._arrays import DistArray

    return faces.pop() if len(faces) == 1 else DistArray


def ours(value: Any, face: type) -> Any:
    """What NumPy returned, as arrays of ours: ndarrays, also inside lists and tuples. Arrays of objects stay ndarrays."""
    if type(value) is np.ndarray and not value.dtype.hasobject and value.dtype.char != "T":
        return _core.from_ndarray(value, -1, None, face)
    if type(value) in (list, tuple):
        return type(value)(ours(item, face) for item in value)
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return type(value)(*(ours(item, face) for item in value))
    return value


@functools.cache
def _place_of_out(function: Callable[..., Any]) -> int | None:
    """The number of the parameter `out` of `function`, if it may be given by position."""
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        return None
    for place, parameter in enumerate(parameters):
        if parameter.name == "out" and parameter.kind is parameter.POSITIONAL_OR_KEYWORD:
            return place
    return None


def _with_out_named(function: Callable[..., Any], args: Any, kwargs: Any) -> Any:
    """The arguments with an `out` that was given by position among the keywords, and those after it too."""
    place = _place_of_out(function)
    if place is None or len(args) <= place:
        return args, kwargs
    names = list(inspect.signature(function).parameters)
    return args[:place], {**dict(zip(names[place:], args[place:], strict=False)), **kwargs}


def compute(name: str, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """function(*args, **kwargs) by NumPy on snapshots, with results of our kind and a PerformanceWarning."""
    tell(name)
    if "out" not in kwargs:
        args, kwargs = _with_out_named(function, args, kwargs)
    out = kwargs.pop("out", None)
    face = first_face(args, tuple(kwargs.values()), out)
    args, kwargs = local(args), local(kwargs)
    if out is None:
        return ours(function(*args, **kwargs), face)
    outs = out if isinstance(out, tuple) else (out,)
    opened = tuple(_core.access(one) if isinstance(one, _core.Array) else one for one in outs)
    try:
        function(*args, out=opened if isinstance(out, tuple) else opened[0], **kwargs)
    finally:
        del opened
    return out
