"""Classes and functions that an engine cannot import: those of __main__, of notebooks and of test modules.

They travel by value, each once for each engine. What is pickled together is a *bundle*, known by its number; a payload
that needs a bundle names it, and carries it as long as the engine is not known to have it. Definitions flow from the
client to engines only: what comes back names the class (by cloudpickle's id of it), so the client gets instances of its
own classes. A class that was changed is sent again, under the same id: existing instances follow.

All functions sent by value share one namespace for each module in an engine, as they do in the client.
"""

from __future__ import annotations

import dataclasses
import importlib.machinery
import io
import itertools
import pickle
import sys
import threading
import types
import weakref
from collections.abc import Callable
from functools import _lru_cache_wrapper, cache, cached_property, lru_cache, update_wrapper
from typing import Any, Protocol

import cloudpickle
import numpy as np
from cloudpickle import cloudpickle as cp

from distob import _core
from distob.errors import EncodeError


class Outgoing(Protocol):
    """What a pickle tells whoever sends it; _core.Outgoing, or a bundle that is being made."""

    def needs_bundle(self, number: int, contents: bytes) -> None:
        """Says that the pickle can only be read after bundle `number`."""


class Bundle:
    """Definitions pickled together, and the bundles that these need in turn."""

    def __init__(self, number: int, fingerprint: tuple[Any, ...]) -> None:
        self.number = number
        self.fingerprint = fingerprint
        self.contents = b""
        self.needs: list[Bundle] = []

    def needs_bundle(self, number: int, contents: bytes) -> None:
        """Recorded by reference(), which knows the bundle itself."""

    def announce(self, outgoing: Outgoing) -> None:
        """Tells `outgoing` about this bundle, after those it needs."""
        for needed in self.needs:
            needed.announce(outgoing)
        outgoing.needs_bundle(self.number, self.contents)


_lock = threading.RLock()
_numbers = itertools.count(1)
_bundle_of_class: weakref.WeakKeyDictionary[type, Bundle] = weakref.WeakKeyDictionary()
_bundle_of_function: weakref.WeakKeyDictionary[types.FunctionType, Bundle] = weakref.WeakKeyDictionary()

# In an engine: what arrived.
_loaded: dict[int, Any] = {}
_arrived: dict[int, bytes] = {}
_number_of_class: dict[str, int] = {}
_made_here: set[str] = set()
_namespaces: dict[str, dict[str, Any]] = {}


# --- Which definitions travel by value -------------------------------------------------------------------------------


def travels_by_value(obj: type | types.FunctionType) -> bool:
    """True for a class or function that a fresh process with the same sys.path could not import."""
    module = getattr(obj, "__module__", None)
    if module == "__main__" or not cp._should_pickle_by_reference(obj):
        return True
    return isinstance(module, str) and not _importable(module)


@cache
def _importable(name: str) -> bool:
    """True if importing `name` in a fresh process would run the file that it came from here."""
    module = sys.modules.get(name)
    if module is None or name in sys.builtin_module_names:
        return True
    top = name.partition(".")[0]
    if top in sys.stdlib_module_names or top in ("numpy", "distob"):
        return True
    spec = _find_afresh(name)
    if spec is None:
        return False
    here = getattr(module, "__file__", None)
    return here is None or spec.origin is None or spec.origin == here


def _find_afresh(name: str) -> importlib.machinery.ModuleSpec | None:
    """What the finders say about `name`, whatever is loaded already."""
    path: Any = None
    spec = None
    parts = name.split(".")
    for i in range(len(parts)):
        spec = None
        for finder in sys.meta_path:
            find = getattr(finder, "find_spec", None)
            spec = find(".".join(parts[: i + 1]), path, None) if find is not None else None
            if spec is not None:
                break
        if spec is None:
            return None
        path = spec.submodule_search_locations
        if path is None and i + 1 < len(parts):
            return None
    return spec


# --- Pickling definitions --------------------------------------------------------------------------------------------


class SharedNamespace:
    """Stands for the globals of a function's module; becomes the engine's dict of them."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickled as its name."""
        return namespace, (self.name,)


class Pickler(cloudpickle.Pickler):
    """cloudpickle with definitions as references where a bundle has them, and what cloudpickle misses in __main__ classes."""

    def __init__(self, file: io.BytesIO, outgoing: Outgoing, buffer_callback: Callable[..., Any] | None = None) -> None:
        super().__init__(file, protocol=5, buffer_callback=buffer_callback)
        self.outgoing = outgoing

    def reducer_override(self, obj: Any) -> Any:
        """Asked for every object that is not of a basic built-in type."""
        if isinstance(obj, type):
            if obj in cp._BUILTIN_TYPE_NAMES or obj in _SINGLETON_TYPES or not travels_by_value(obj):
                return super().reducer_override(obj)
            return self.reduce_class(obj)
        kind = type(obj)
        if kind is types.FunctionType:
            return self.reduce_function(obj) if travels_by_value(obj) else NotImplemented
        reducer = _REDUCERS.get(kind)
        if reducer is None and issubclass(kind, BaseException) and kind.__reduce__ is BaseException.__reduce__:
            reducer = _reduce_error
        return reducer(obj) if reducer is not None else super().reducer_override(obj)

    def reduce_class(self, cls: type) -> Any:
        """A reference to the class's bundle."""
        return reference_to_class(cls, self.outgoing)

    def reduce_function(self, function: types.FunctionType) -> Any:
        """A reference to the function's bundle, or all of it."""
        reference = reference_to_function(function, self.outgoing)
        return self._dynamic_function_reduce(function) if reference is None else reference

    def _function_getnewargs(self, func: types.FunctionType) -> tuple[Any, ...]:
        code, _, name, defaults, closure = super()._function_getnewargs(func)
        return code, SharedNamespace(func.__globals__.get("__name__", "__main__")), name, defaults, closure


class DefinitionPickler(Pickler):
    """Writes a bundle: what is already in an unchanged bundle as a reference, everything else in full."""

    def __init__(self, file: io.BytesIO, bundle: Bundle) -> None:
        super().__init__(file, bundle)
        self.bundle = bundle
        self.classes: list[type] = []
        self.persistent_id = _no_proxies

    def reduce_class(self, cls: type) -> Any:
        """In full, unless another bundle has it."""
        known = _bundle_of_class.get(cls)
        if known is not None and known.fingerprint == class_fingerprint(cls):
            self.bundle.needs.append(known)
            return class_of, (cp._get_or_create_tracker_id(cls),)
        self.classes.append(cls)
        cp._get_or_create_tracker_id(cls)
        return _class_in_full(cls)

    def reduce_function(self, function: types.FunctionType) -> Any:
        """In full: functions of one bundle may refer to each other."""
        return self._dynamic_function_reduce(function)


def class_fingerprint(cls: type) -> tuple[Any, ...]:
    """Equal for as long as neither the class nor a base of it changed."""
    return tuple(_core.type_version(base) for base in cls.__mro__)


def function_fingerprint(function: types.FunctionType, visited: set[int] | None = None) -> tuple[Any, ...] | None:
    """Equal for as long as the function would pickle the same; None if that cannot be told from identities."""
    visited = visited if visited is not None else set()
    visited.add(id(function))
    values: list[Any] = [function.__code__, function.__defaults__, function.__kwdefaults__]
    try:
        values += [cell.cell_contents for cell in function.__closure__ or ()]
    except ValueError:  # a variable that has no value yet
        return None
    names = cp._extract_code_globals(function.__code__)
    values += [function.__globals__.get(name, _MISSING) for name in names]
    fingerprint: list[Any] = [_Same(value) for value in values]
    for value in values[1:]:
        if type(value) is types.FunctionType and id(value) not in visited and travels_by_value(value):
            nested = function_fingerprint(value, visited)
            if nested is None:
                return None
            fingerprint += nested
        elif isinstance(value, type):
            fingerprint += class_fingerprint(value)
        elif not _unchanging(value):
            return None
    return None if function.__dict__ else tuple(fingerprint)


class _Same:
    """Equal to another of the same object only."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and other.value is self.value

    def __hash__(self) -> int:
        return id(self.value)


_FIXED = (int, float, complex, str, bytes, type(None), types.ModuleType, types.BuiltinFunctionType, types.FunctionType)


def _unchanging(value: Any) -> bool:
    if type(value) is tuple:
        return all(_unchanging(item) for item in value)
    return value is _MISSING or isinstance(value, _FIXED)


_MISSING = object()
_SINGLETON_TYPES = (type(None), type(Ellipsis), type(NotImplemented))


def reference_to_class(cls: type, outgoing: Outgoing) -> Any:
    """How a pickle names a class that travels by value; `outgoing` learns which bundles that needs."""
    if _core.engine_link() is not None:
        return _class_in_engine(cls, outgoing)
    with _lock:
        fingerprint = class_fingerprint(cls)
        bundle = _bundle_of_class.get(cls)
        if bundle is None or bundle.fingerprint != fingerprint:
            try:
                bundle = _make_bundle(cls, fingerprint, bundle)
            except _RefersToProxy:  # it travels in full each time, with the references beside it
                return _class_in_full(cls)
    bundle.announce(outgoing)
    return class_of, (cp._get_or_create_tracker_id(cls),)


def _class_in_engine(cls: type, outgoing: Outgoing) -> Any:
    tracker = cp._DYNAMIC_CLASS_TRACKER_BY_CLASS.get(cls)
    number = _number_of_class.get(tracker) if tracker is not None else None
    if number is not None:
        outgoing.needs_bundle(number, _arrived[number])
        return class_of, (tracker,)
    to_client = getattr(outgoing, "to_client", False)
    if to_client and tracker is not None and tracker not in _made_here:
        return class_of, (tracker,)
    if to_client:
        raise EncodeError(f"{cls!r} was defined in an engine, and definitions do not flow back to the client")
    if tracker is None:
        _made_here.add(cp._get_or_create_tracker_id(cls))
    return _class_in_full(cls)


def reference_to_function(function: types.FunctionType, outgoing: Outgoing) -> Any:
    """How a pickle names a function that travels by value, or None if it has to be pickled in full each time."""
    if _core.engine_link() is not None:
        number = _number_of_function.get(function)
        if number is None:
            return None
        outgoing.needs_bundle(number, _arrived[number])
        return function_of, (number,)
    with _lock:
        fingerprint = function_fingerprint(function)
        if fingerprint is None:
            return None
        bundle = _bundle_of_function.get(function)
        if bundle is None or bundle.fingerprint != fingerprint:
            try:
                bundle = _make_bundle(function, fingerprint, bundle)
            except _RefersToProxy:
                return None
            _function_of_number[bundle.number] = function
    bundle.announce(outgoing)
    return function_of, (bundle.number,)


class _RefersToProxy(Exception):
    """A definition refers to a proxy or a distributed array, so it cannot be kept in a bundle."""


def _no_proxies(obj: Any) -> None:
    if _core.is_remote(obj) or isinstance(obj, _core.Array):
        raise _RefersToProxy


def _make_bundle(root: Any, fingerprint: tuple[Any, ...], previous: Bundle | None) -> Bundle:
    """A bundle of `root` and what it refers to; the previous one if it would be the same."""
    bundle = Bundle(next(_numbers), fingerprint)
    file = io.BytesIO()
    pickler = DefinitionPickler(file, bundle)
    pickler.dump(root)
    bundle.contents = file.getvalue()
    if previous is not None and previous.contents == bundle.contents:
        previous.fingerprint = bundle.fingerprint
        return previous
    for cls in pickler.classes:
        own = Bundle(bundle.number, class_fingerprint(cls))
        own.contents, own.needs = bundle.contents, bundle.needs
        _bundle_of_class[cls] = own
    if isinstance(root, types.FunctionType):
        _bundle_of_function[root] = bundle
        return bundle
    return _bundle_of_class[root]


def policy_bundle(cls: type, by: str) -> tuple[int, bytes, list[Bundle]]:
    """A bundle that sets the policy of a class where it is loaded, with the bundles it needs."""
    bundle = Bundle(next(_numbers), ())
    file = io.BytesIO()
    pickler = Pickler(file, bundle)
    collected: list[Bundle] = []
    if travels_by_value(cls):
        reference_to_class(cls, _Collector(collected))
    pickler.dump(_Policy(cls, by))
    bundle.contents = file.getvalue()
    return bundle.number, bundle.contents, collected


class _Collector:
    def __init__(self, bundles: list[Bundle]) -> None:
        self.bundles = bundles

    def needs_bundle(self, number: int, contents: bytes) -> None:
        bundle = Bundle(number, ())
        bundle.contents = contents
        self.bundles.append(bundle)


class _Policy:
    """Pickled as a call that sets the policy."""

    def __init__(self, cls: type, by: str) -> None:
        self.cls, self.by = cls, by

    def __reduce__(self) -> tuple[Any, ...]:
        return set_policy, (self.cls, self.by)


def set_policy(cls: type, by: str) -> None:
    """Called where a policy arrives."""
    _core.set_policy(cls, by)


# --- What cloudpickle misses -----------------------------------------------------------------------------------------


class _Later:
    """The function of an lru_cache that is being unpickled: known only after the cache itself, which it may refer to."""

    function: Callable[..., Any]

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.function(*args, **kwargs)


def _new_cache(maxsize: int | None, typed: bool) -> Any:
    later = _Later()
    cache = lru_cache(maxsize, typed)(later)
    return cache


def _set_cache(cache: Any, function: Any) -> None:
    cache.__wrapped__.function = function
    update_wrapper(cache, function)


def _reduce_cache(cache: Any) -> Any:
    function = cache.__wrapped__
    if not isinstance(function, types.FunctionType) or not travels_by_value(function):
        return NotImplemented
    parameters = cache.cache_parameters()
    return _new_cache, (parameters["maxsize"], parameters["typed"]), function, None, None, _set_cache


def _reduce_cached_property(prop: Any) -> Any:
    return cached_property, (prop.func,), {"attrname": prop.attrname}


def _reduce_method(method: types.MethodType) -> Any:
    return getattr, (method.__self__, method.__func__.__name__)


def _reduce_array(array: np.ndarray) -> Any:
    """NumPy writes elements that are not contiguous into the stream itself; a contiguous copy travels beside it."""
    contiguous = array.flags.c_contiguous or array.flags.f_contiguous or array.dtype.hasobject
    return (array if contiguous else np.ascontiguousarray(array)).__reduce_ex__(5)


def _class_in_full(cls: type) -> Any:
    """cloudpickle's reduction, with __slots__ given when the class is made: set afterwards they would do nothing."""
    reduced = cp._dynamic_class_reduce(cls)
    make, arguments, (attributes, slots_state) = reduced[:3]
    if make is not cp._make_skeleton_class or "__slots__" not in attributes:
        return reduced
    meta, name, bases, keywords, *rest = arguments
    attributes = dict(attributes)
    keywords = {**keywords, "__slots__": attributes.pop("__slots__")}
    return make, (meta, name, bases, keywords, *rest), (attributes, slots_state), *reduced[3:]


def _reduce_error(error: BaseException) -> Any:
    return _rebuild_error, (type(error), error.args, error.__dict__)


def _rebuild_error(cls: type[BaseException], args: tuple[Any, ...], state: dict[str, Any]) -> BaseException:
    """An exception as it was, also where the parameters of its class are not what it passes on to Exception."""
    try:
        error = cls(*args)
    except Exception:
        error = cls.__new__(cls, *args)
    error.args = args
    error.__dict__.update(state)
    return error


# The marks of the dataclasses module (MISSING, KW_ONLY ...), known by identity, which a pickled copy would not have.
_MARKS = {
    id(mark): name for name, mark in vars(dataclasses).items() if getattr(type(mark), "__module__", "") == "dataclasses"
}


def _reduce_mark(mark: Any) -> Any:
    name = _MARKS.get(id(mark))
    return mark.__reduce_ex__(5) if name is None else (getattr, (dataclasses, name))


_REDUCERS: dict[type, Callable[[Any], Any]] = {
    _lru_cache_wrapper: _reduce_cache,
    cached_property: _reduce_cached_property,
    types.MethodType: _reduce_method,
    np.ndarray: _reduce_array,
    **{type(vars(dataclasses)[name]): _reduce_mark for name in _MARKS.values()},
}


def register_reducer(kind: type, reducer: Callable[[Any], Any]) -> None:
    """Makes instances of exactly `kind` travel as `reducer(instance)` says, in the form of __reduce__."""
    _REDUCERS[kind] = reducer


# --- Reading ---------------------------------------------------------------------------------------------------------

_function_of_number: weakref.WeakValueDictionary[int, types.FunctionType] = weakref.WeakValueDictionary()
_number_of_function: weakref.WeakKeyDictionary[types.FunctionType, int] = weakref.WeakKeyDictionary()


def load(number: int, contents: bytes) -> None:
    """Takes a bundle that arrived. Loaded once, however often it comes."""
    if number in _loaded:
        return
    before = set(cp._DYNAMIC_CLASS_TRACKER_BY_ID.keys())
    root = pickle.loads(contents)
    _arrived[number] = contents
    _loaded[number] = root
    if isinstance(root, types.FunctionType):
        _number_of_function[root] = number
    for tracker in set(cp._DYNAMIC_CLASS_TRACKER_BY_ID.keys()) - before:
        _number_of_class[tracker] = number
    if isinstance(root, type):
        _number_of_class[cp._DYNAMIC_CLASS_TRACKER_BY_CLASS[root]] = number


def class_of(tracker: str) -> type:
    """The class with cloudpickle's id `tracker`, which is here already."""
    try:
        return cp._DYNAMIC_CLASS_TRACKER_BY_ID[tracker]
    except KeyError:
        raise pickle.UnpicklingError("a class is used that has not been defined here") from None


def function_of(number: int) -> Any:
    """The function of bundle `number`: loaded here, or, in the client, its own."""
    if number in _loaded:
        return _loaded[number]
    function = _function_of_number.get(number)
    if function is None:
        raise pickle.UnpicklingError("a function is used that has not been defined here")
    return function


def namespace(name: str) -> dict[str, Any]:
    """The one dict of globals for functions that came by value from module `name`."""
    if name == "__main__" or name not in _namespaces:
        if name == "__main__":
            return sys.modules["__main__"].__dict__
        _namespaces[name] = types.ModuleType(name).__dict__
    return _namespaces[name]
