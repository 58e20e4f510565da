"""The classes of proxies: one for each class of objects, made when the first proxy of it is.

A proxy class does not inherit from the user's class: that would run its __init_subclass__, fail for final types, and let
C code read an empty base. `__class__` answers for it, so isinstance() holds.
"""

from __future__ import annotations

import builtins
import copy
import html
import inspect
import types
import weakref
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from typing import Any

from cloudpickle import cloudpickle as cp

from distob import _core
from distob._core import Remote
from distob.errors import EncodeError

# --- Special methods -------------------------------------------------------------------------------------------------

_BINARY = "add sub mul matmul truediv floordiv mod divmod pow lshift rshift and xor or".split()
_FORWARDED = frozenset(
    f"__{name}__"
    for name in [
        *_BINARY,
        *(f"r{name}" for name in _BINARY),
        *(f"i{name}" for name in _BINARY if name != "divmod"),
        *"neg pos abs invert int float complex index round trunc floor ceil bool".split(),
        *"len getitem setitem delitem contains reversed length_hint next call enter".split(),
        *"lt le gt ge eq ne hash str bytes format fspath aenter aexit await aiter anext".split(),
    ]
)
# What object itself defines is the proxy's business, unless the class overrides it.
_OF_OBJECT = frozenset(name for name in _FORWARDED if hasattr(object, name))


def _iterate(self: Any) -> Iterator[Any]:
    """Items come in batches that grow while the engine makes them quickly."""
    iterator = _core.method(self, "__iter__")()
    if not _core.is_remote(iterator):
        return iter(iterator)
    return _batches(iterator)


def _batches(iterator: Any) -> Iterator[Any]:
    most = 1
    while True:
        items, finished, error = _core.next_batch(iterator, most)
        yield from items
        if error is not None:
            raise error
        if finished:
            return
        most = min(most * 4, 4096)


def _leave(self: Any, kind: Any, value: Any, traceback: Any) -> Any:
    """The traceback stays here: frames do not travel."""
    return _core.method(self, "__exit__")(kind, value, None)


# Descriptions of memory, which mean nothing in another process. Whoever asks for one is told that there is none, and falls
# back on __array__(), which fetches the elements.
_OF_MEMORY = ("__array_struct__", "__array_interface__", "__cuda_array_interface__", "__dlpack__", "__dlpack_device__")


def _only_if_local(name: str) -> property:
    def read(self: Any) -> Any:
        if self._distob_local is None:
            raise AttributeError(f"{_repr(self)} has no {name}: its memory is that of another process")
        return getattr(self._distob_local, name)

    return property(read)


def _as_array(self: Any, dtype: Any = None, copy: bool | None = None) -> Any:
    """A fetched copy of the elements, as an ndarray; of a local object whatever NumPy makes of it."""
    import numpy as np

    if self._distob_local is not None:
        return np.array(self._distob_local, dtype=dtype, copy=copy)
    if copy is False:
        raise ValueError("the array is on an engine: reading it makes a copy")
    return np.asarray(gather_one(self), dtype=dtype)


def _copy(self: Any) -> Any:
    return _copied(self, copy.copy)


def _deepcopy(self: Any, memo: Any) -> Any:
    return _copied(self, copy.deepcopy)


def _copied(self: Any, how: Callable[[Any], Any]) -> Any:
    local = self._distob_local
    if local is not None:
        return type(self)(how(local))
    return _core.keep(self._distob_link, self._distob_id[1], how, self)


_LOCAL_FORMS: dict[str, Any] = {"__iter__": _iterate, "__exit__": _leave, "__array__": _as_array}


# What the dataclasses module and match statements ask of the class of an object.
_OF_CLASS = ("__dataclass_fields__", "__dataclass_params__", "__match_args__")


def class_attributes(cls: type) -> dict[str, Any]:
    """What proxies of `cls` share with it because it is read from the class, never from the object."""
    return {name: getattr(cls, name) for name in _OF_CLASS if hasattr(cls, name)}


def special_methods(cls: type) -> dict[str, Any]:
    """The special methods of proxies of `cls`."""
    namespace: dict[str, Any] = {}
    for name in _FORWARDED:
        defined = _lookup(cls, name)
        if name in _OF_OBJECT and defined is getattr(object, name):
            continue
        if name == "__hash__" and defined is None:
            namespace[name] = None
        elif defined is not None:
            namespace[name] = _core.SpecialMethod(name)
    for name, form in _LOCAL_FORMS.items():
        if _lookup(cls, name) is not None:
            namespace[name] = form
    if any(_lookup(cls, name) is not None for name in _OF_MEMORY):
        namespace["__array__"] = _as_array
    if "__eq__" in namespace and "__hash__" not in namespace:
        namespace["__hash__"] = None if _lookup(cls, "__hash__") is None else Remote.__hash__
    if "__getitem__" in namespace and "__iter__" not in namespace and not issubclass(cls, dict):
        namespace["__iter__"] = _iterate_by_index
    return namespace


def _iterate_by_index(self: Any) -> Iterator[Any]:
    iterator = _core.keep(self._distob_link, self._distob_id[1], iter, self)
    return _batches(iterator)


def _lookup(cls: type, name: str) -> Any:
    for base in cls.__mro__:
        if name in base.__dict__:
            return getattr(object, name) if base is object else base.__dict__[name]
    return None


# --- Making classes --------------------------------------------------------------------------------------------------

_made: weakref.WeakKeyDictionary[type, type] = weakref.WeakKeyDictionary()
#: The classes that programs wrote for proxies of a class: distob.engine.proxy_types.
chosen: dict[type, type] = {}


def proxy_type_of(cls: type) -> type:
    """The class for proxies of instances of `cls`."""
    if cls in chosen:
        return chosen[cls]
    found = _made.get(cls)
    if found is None:
        namespace = {
            "__slots__": (),
            "__module__": cls.__module__,
            "__qualname__": cls.__qualname__,
            "__doc__": cls.__doc__,
            "_distob_made": True,
            "_distob_type": cls,
            "_distob_description": describe(cls),
        }
        found = _made[cls] = type(cls.__name__, (Remote,), namespace | special_methods(cls) | class_attributes(cls))
    return found


def _anonymous_proxy_type(description: str) -> type:
    """For a class that this process does not have: its name and special methods are all that is known."""
    _, name, specials = description.split(":", 2)
    module, _, qualname = name.rpartition(".")
    namespace: dict[str, Any] = {"__slots__": (), "__module__": module, "__qualname__": qualname, "_distob_made": True}
    for special in specials.split():
        namespace[special] = _LOCAL_FORMS.get(special) or _core.SpecialMethod(special)
    namespace["_distob_description"] = description
    return type(qualname, (Remote,), namespace)


# Classes of the interpreter that no module names.
_nameless: list[type] = [
    types.GeneratorType, types.CoroutineType, types.AsyncGeneratorType, types.FunctionType, types.MethodType,
    types.BuiltinFunctionType, types.ModuleType, types.MappingProxyType, types.TracebackType, types.FrameType,
    types.CellType, types.CodeType, type(None), type(...), type(NotImplemented),
    type({}.keys()), type({}.values()), type({}.items()),
    type(iter([])), type(iter(())), type(iter({})), type(iter(set())), type(iter("")), type(iter(b"")),
    type(iter(bytearray())), type(iter(range(0))), type(iter({}.values())), type(iter({}.items())),
    type(reversed([])), type(reversed({})), type(iter(range(1 << 70))), type(iter(lambda: 0, 0)),
]  # fmt: skip
_NAMELESS = {kind.__qualname__: kind for kind in _nameless}


def describe(cls: type) -> str:
    """A text by which another process finds `cls`, as proxy_type() reads it."""
    from distob import _definitions

    if cls in chosen and issubclass(chosen[cls], Remote):
        pass  # described as the class itself: each process chooses its own proxy class for it
    if _NAMELESS.get(cls.__qualname__) is cls:
        return f"nameless:{cls.__qualname__}"
    by_value = _definitions.travels_by_value(cls)
    if by_value:
        tracker = cp._get_or_create_tracker_id(cls)
        return f"value:{tracker}:{cls.__module__}.{cls.__qualname__}:{_specials(cls)}"
    return f"import:{cls.__module__}:{cls.__qualname__}:{cls.__module__}.{cls.__qualname__}:{_specials(cls)}"


def _specials(cls: type) -> str:
    return " ".join(name for name, method in special_methods(cls).items() if method is not None)


def proxy_type(description: str) -> type:
    """The class for proxies of the class that `description` names."""
    kind, _, rest = description.partition(":")
    if kind == "nameless":
        return proxy_type_of(_NAMELESS[rest])
    if kind == "value":
        tracker, _, unknown = rest.partition(":")
        cls = cp._DYNAMIC_CLASS_TRACKER_BY_ID.get(tracker)
    else:
        module, qualname, unknown = rest.split(":", 2)
        cls = _import(module, qualname)
    return proxy_type_of(cls) if cls is not None else _anonymous_proxy_type(f"?:{unknown}")


def _import(module: str, qualname: str) -> type | None:
    import importlib

    try:
        found: Any = importlib.import_module(module)
        for name in qualname.split("."):
            found = getattr(found, name)
    except (ImportError, AttributeError):
        return None
    return found if isinstance(found, type) else None


@lru_cache(maxsize=4096)
def takes_parameter(cls: type, method: str, parameter: str) -> bool:
    """True if the method itself has a parameter of that name, so that distob must not take it away."""
    try:
        return parameter in inspect.signature(getattr(cls, method)).parameters
    except (AttributeError, TypeError, ValueError):
        return False


# --- Classes that programs write ------------------------------------------------------------------------------------


def proxy_methods(
    base: type,
    include_underscore: bool | Sequence[str] | None = None,
    exclude: Sequence[str] | None = None,
    supers: bool = True,
) -> Callable[[type], type]:
    """Class decorator for `class RemoteTree(Remote, Tree)`: makes it the class of proxies of `base`.

    Methods of `base` are called on the engine. Those in `exclude` run here, on the proxy; so do inherited ones with
    supers=False, and methods whose names begin with one underscore unless include_underscore is True or lists them.
    """
    kept_here = set(exclude or ())

    def runs_here(name: str) -> bool:
        if name in kept_here:
            return True
        if name.startswith("_") and not name.startswith("__"):
            chosen_names = include_underscore
            return not (chosen_names if isinstance(chosen_names, bool) else name in (chosen_names or ()))
        return not supers and name not in base.__dict__

    def decorate(cls: type) -> type:
        if not issubclass(cls, Remote):
            raise TypeError(f"{cls.__qualname__} must derive from distob.Remote")
        for name, method in (special_methods(base) | class_attributes(base)).items():
            if name not in cls.__dict__ and not runs_here(name):
                setattr(cls, name, method)
        for name in dir(base):
            if not name.startswith("__") and name not in cls.__dict__ and runs_here(name):
                found = inspect.getattr_static(base, name)
                if isinstance(found, types.FunctionType):
                    setattr(cls, name, found)
        cls._distob_type = base  # type: ignore[attr-defined]
        cls._distob_description = describe(base)  # type: ignore[attr-defined]
        chosen[base] = cls
        _core.forget_proxy_type(describe(base))
        return cls

    return decorate


# --- What every proxy has --------------------------------------------------------------------------------------------


def proxy_of_reference(obj: Any) -> Any:
    """The proxy that a Ref stands for; anything else is returned as it is."""
    from distob._ids import Ref

    return obj._target if type(obj) is Ref else obj


def gather_one(proxy: Any) -> Any:
    """A local copy of the object behind a proxy."""
    local = proxy._distob_local
    return local if local is not None else _core.fetch(proxy).result()


def _repr(self: Any) -> str:
    cls = type(self)
    name = getattr(cls, "_distob_type", cls).__qualname__
    if self._distob_local is not None:
        return f"<local Remote of {self._distob_local!r}>"
    (creator, sequence, index), engine = self._distob_id
    state = ", lost with its cluster" if self._distob_link.closed else ""
    return f"<remote {name} {creator}.{sequence}.{index} on engine {engine}{state}>"


def _repr_html(self: Any) -> str:
    return f"<code>{html.escape(_repr(self))}</code>"


def _dir(self: Any) -> list[str]:
    cls = getattr(type(self), "_distob_type", None)
    names = set(builtins.dir(cls)) if cls is not None else set()
    return sorted(names | {"is_local", "prefer_local"})


def _reduce(self: Any, protocol: Any) -> Any:
    if self._distob_local is not None:
        return Remote, (self._distob_local,)
    raise EncodeError(f"{_repr(self)} lives in its cluster and cannot be pickled; distob.gather() it first")


def _ref(self: Any) -> Any:
    from distob._ids import Ref

    return Ref(self)


def _id(self: Any) -> Any:
    from distob._ids import id_of

    return id_of(self)


def _complete() -> None:
    """Gives Remote what is easier said in Python. Runs once."""
    for name, method in {
        "__repr__": _repr,
        "__dir__": _dir,
        "__reduce_ex__": _reduce,
        "__copy__": _copy,
        "__deepcopy__": _deepcopy,
        "__distob_gather__": gather_one,
        "_repr_html_": _repr_html,
        "_ref": property(_ref, doc="A Ref to the object."),
        "_id": property(_id, doc="The Id of the object."),
    }.items():
        setattr(Remote, name, method)
    for name in _OF_MEMORY:
        setattr(Remote, name, _only_if_local(name))


_complete()
