"""Values that are more than plain data, on their way out and in.

The pickle stream names objects that travel as references by persistent ids, large buffers go beside it, and classes of
__main__ are named (see _definitions).
"""

from __future__ import annotations

import io
import pickle
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from distob import _definitions
from distob.errors import EncodeError

if TYPE_CHECKING:
    from distob import _core

_choice: type[Any] | None = None


def use_pickler(name: str) -> None:
    """Chooses who pickles arguments: "cloudpickle" (the default) or "dill", which reaches further and is slower."""
    global _choice
    if name == "cloudpickle":
        _choice = None
    elif name == "dill":
        from distob._dill import DillPickler

        _choice = DillPickler
    else:
        raise ValueError(f"unknown pickler {name!r}: choose 'cloudpickle' or 'dill'")


def dumps(value: Any, outgoing: _core.Outgoing) -> bytes:
    """`value` pickled. Raises EncodeError, naming the part of it that cannot be, and from what."""
    file = io.BytesIO()
    pickler = (_choice or _definitions.Pickler)(file, outgoing, buffer_callback=outgoing.keep_in_band)
    pickler.persistent_id = outgoing.substitute
    try:
        pickler.dump(value)
    except EncodeError:
        raise
    except RecursionError:
        raise EncodeError("the value is nested too deeply to be pickled") from None
    except Exception as error:
        raise EncodeError(_explain(value, error)) from error
    return file.getvalue()


class _Unpickler(pickle.Unpickler):
    """Takes `persistent_load` as an attribute, as pickle's own does in every Python but 3.13.0."""


def loads(data: memoryview, buffers: list[Any], resolve: Callable[[Any], Any]) -> Any:
    """What dumps() wrote; `resolve` finds the objects that travelled as references."""
    unpickler = _Unpickler(io.BytesIO(data), buffers=buffers)
    unpickler.persistent_load = resolve  # type: ignore[method-assign]
    return unpickler.load()


# --- Which part cannot be pickled ------------------------------------------------------------------------------------


def _explain(value: Any, error: Exception) -> str:
    path, culprit = _culprit(value, "", set(), 8)
    where = f" at {path.lstrip('.')}" if path else ""
    return f"cannot send {type(culprit).__qualname__!r} object{where}: {error}"


def _culprit(value: Any, path: str, seen: set[int], depth: int) -> tuple[str, Any]:
    """The path to the innermost part that fails by itself."""
    seen.add(id(value))
    if depth:
        for name, part in _parts(value):
            if id(part) not in seen and _fails(part):
                return _culprit(part, path + name, seen, depth - 1)
    return path, value


class _Anything:
    """Accepts whatever a pickle asks for: a trial whose result is thrown away."""

    to_client = False

    def needs_bundle(self, number: int, contents: bytes) -> None:
        """Nothing is sent."""


def _fails(value: Any) -> bool:
    from distob import _core

    pickler = _definitions.Pickler(io.BytesIO(), _Anything(), buffer_callback=lambda buffer: False)
    pickler.persistent_id = lambda obj: 0 if _core.is_remote(obj) else None
    try:
        pickler.dump(value)
    except Exception:
        return True
    return False


def _parts(value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for key, item in list(value.items()):
            yield f"[{key!r}]", item
    elif isinstance(value, list | tuple | set | frozenset):
        for i, item in enumerate(value):
            yield f"[{i}]", item
    for name, item in list(getattr(value, "__dict__", {}).items() if not isinstance(value, type) else ()):
        yield f".{name}", item
    code = getattr(value, "__code__", None)
    closure = getattr(value, "__closure__", None)
    if code is not None and closure:
        for name, cell in zip(code.co_freevars, closure, strict=False):
            try:
                yield f"<variable {name}>", cell.cell_contents
            except ValueError:  # a variable without a value
                continue
    if code is not None:
        for name in code.co_names:
            if name in value.__globals__:
                yield f"<global {name}>", value.__globals__[name]
