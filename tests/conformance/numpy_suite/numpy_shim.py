"""NumPy with arrays that are scattered where they are made: what NumPy's own tests see in the place of `numpy`.

`module("numpy")` stands for a module of NumPy's: every name is NumPy's, except that functions that create arrays give
DistArrays and RemoteArrays, cut in a way that depends on the test, and that the assertions of numpy.testing gather what
they compare. `builtins_of_tests()` are Python's builtins whose `import` gives such modules, and whose `isinstance` and
`type` see a distributed array as the ndarray, or the NumPy scalar, that it stands for, and whose `repr` calls it "array":
that a DistArray is no subclass of ndarray and prints its own name are the differences that these tests forgive.

What a distributed array cannot hold yet or stands for another class of array stays as NumPy made it: objects, strings of
variable width, masked arrays, matrices, records, memory maps.
"""

from __future__ import annotations

import builtins
import functools
import random
import sys
import types
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.testing

import distob
from distob import _core, _display

_MAKERS = """
    arange array asarray asanyarray ascontiguousarray asfortranarray copy empty empty_like eye frombuffer fromfunction
    fromiter fromstring full full_like geomspace identity indices linspace logspace meshgrid ones ones_like require tri
    vander zeros zeros_like diag diagflat from_dlpack asarray_chkfinite bartlett blackman hamming hanning kaiser
    fromregex fromfile genfromtxt loadtxt diag_indices tril_indices triu_indices mask_indices ix_
""".split()
_RANDOM = """
    rand randn randint random random_sample normal uniform standard_normal choice permutation exponential bytes
    integers poisson binomial shuffle multivariate_normal
""".split()
_COMPARING = """
    assert_ assert_allclose assert_almost_equal assert_approx_equal assert_array_almost_equal assert_array_compare
    assert_array_almost_equal_nulp assert_array_equal assert_array_less assert_array_max_ulp assert_equal
    assert_string_equal print_assert_equal
""".split()


def handles_made() -> int:
    """Array objects made in this process so far."""
    return _core.array_statistics()["handles_made"]


class Scatterer:
    """Cuts arrays at random, the same way in every run of the same test, and counts them."""

    def __init__(self) -> None:
        self.made = 0  #: arrays scattered
        self.handles = 0  #: array objects made by that
        self.gathering = 0  #: inside of an assertion or a creation, where arrays may be gathered
        self.conversions: list[str] = []
        self._random = random.Random(0)

    def start(self, name: str) -> None:
        """From now on arrays belong to the test `name`."""
        self.made = self.handles = 0
        self.conversions.clear()
        self._random.seed(name)

    def scatter(self, value: Any) -> Any:
        """`value` distributed if it is an ndarray whose elements can be; lists and tuples of them likewise."""
        if type(value) in (list, tuple):
            return type(value)(self.scatter(item) for item in value)
        if (
            type(value) is not np.ndarray
            or value.dtype.hasobject
            or value.dtype.char == "T"
            or not value.dtype.itemsize
        ):
            return value
        before = handles_made()
        turned = value.flags.f_contiguous and not value.flags.c_contiguous
        result = self._cut(value.T).T if turned else self._cut(value)
        self.made += 1
        self.handles += handles_made() - before
        return result

    def _cut(self, value: np.ndarray) -> Any:
        choice = self._random.randrange(6)
        if value.ndim == 0 or choice == 0:
            return distob.scatter(value, axis=None)
        axis = self._random.randrange(value.ndim)
        # Bytes lie in one piece: as elements of a wider dtype they might cross from one to the next.
        if choice == 1 and value.shape[axis] > 1 and value.dtype.itemsize > 1:
            cut = self._random.randrange(1, value.shape[axis])
            parts = np.split(value, [cut], axis)
            return distob.DistArray([distob.scatter(p, axis=None) for p in parts], axis)
        return distob.scatter(value, axis=axis, blocksize=self._random.choice([None, 1, 2, 3, 7]))


scatterer = Scatterer()


def gathered(value: Any) -> Any:
    """`value` with every distributed array in it as NumPy would have it: an ndarray, or a scalar."""
    if isinstance(value, _core.Array):
        return distob.gather(value)
    if type(value) in (list, tuple):
        return type(value)(gathered(item) for item in value)
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return type(value)(*(gathered(item) for item in value))
    if type(value) is dict:
        return {key: gathered(item) for key, item in value.items()}
    return value


class _Gathering:
    """While it is entered, reading arrays is the test's comparing or creating and not a fallback."""

    def __enter__(self) -> None:
        scatterer.gathering += 1

    def __exit__(self, *_: object) -> None:
        scatterer.gathering -= 1


def comparing(function: Callable[..., Any]) -> Callable[..., Any]:
    """An assertion of numpy.testing that gathers its arguments first."""

    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        __tracebackhide__ = True
        args, kwargs = gathered(args), gathered(kwargs)
        with _Gathering():
            return function(*args, **kwargs)

    return wrapper


def _is_same(a: Any, dtype: Any, copy: Any, kwargs: dict[str, Any]) -> bool:
    return (
        not copy
        and kwargs.get("order", "K") in ("K", "A", None)
        and kwargs.get("ndmin", 0) <= a.ndim
        and (dtype is None or np.dtype(dtype) == a.dtype)
    )


class _Making:
    """A function that creates arrays, with its results scattered. As NumPy's own, it does not become a method in a class."""

    def __init__(self, function: Callable[..., Any]) -> None:
        functools.update_wrapper(self, function)
        self._function = function

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        function = self._function
        if function in _ALIASING and args and isinstance(args[0], (_core.Array, np.ndarray)) and len(args) <= 2:
            copy = kwargs.get("copy", function is np.array)
            dtype = args[1] if len(args) > 1 else kwargs.get("dtype")
            if _is_same(args[0], dtype, copy, kwargs):
                return function(*args, **kwargs) if isinstance(args[0], np.ndarray) else args[0]
        if function in _LIKE and args and isinstance(args[0], _core.Array):
            return function(*args, **kwargs)  # through our own form
        with _Gathering():
            return scatterer.scatter(function(*args, **kwargs))


making = _Making
_ALIASING = (np.asarray, np.asanyarray, np.array)
_LIKE = {
    np.copy,
    np.empty_like,
    np.zeros_like,
    np.ones_like,
    np.full_like,
    np.diag,
    np.diagflat,
    np.meshgrid,
    np.vander,
}


class _Drawing:
    """A random generator whose arrays are scattered."""

    def __init__(self, generator: Any) -> None:
        self._generator = generator

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._generator, name)
        return making(value) if name in _RANDOM and name != "shuffle" else value


class _Indexing:
    """np.r_, np.c_, np.mgrid and np.ogrid with scattered results."""

    def __init__(self, maker: Any) -> None:
        self._maker = maker

    def __getitem__(self, key: Any) -> Any:
        with _Gathering():
            return scatterer.scatter(self._maker[gathered(key)])

    def __getattr__(self, name: str) -> Any:
        return getattr(self._maker, name)


def _stand_ins() -> dict[int, Any]:
    table: dict[int, Any] = {}
    for name in _MAKERS:
        if hasattr(np, name):
            table[id(getattr(np, name))] = making(getattr(np, name))
    for name in _RANDOM:
        if hasattr(np.random, name) and name != "shuffle":
            table[id(getattr(np.random, name))] = making(getattr(np.random, name))
    for name in _COMPARING:
        if hasattr(np.testing, name):
            table[id(getattr(np.testing, name))] = comparing(getattr(np.testing, name))
    for name in ("r_", "c_", "mgrid", "ogrid"):
        table[id(getattr(np, name))] = _Indexing(getattr(np, name))
    table[id(np.random.RandomState)] = lambda *a, **k: _Drawing(np.random.RandomState(*a, **k))
    table[id(np.random.default_rng)] = lambda *a, **k: _Drawing(np.random.default_rng(*a, **k))
    return table


_TABLE = _stand_ins()
_MODULES: dict[str, types.ModuleType] = {}


class _Module(types.ModuleType):
    """A module of NumPy's with stand-ins for some of its names."""

    def __init__(self, real: types.ModuleType) -> None:
        super().__init__(real.__name__, real.__doc__)
        types.ModuleType.__getattribute__(self, "__dict__")["_real"] = real

    def __getattribute__(self, name: str) -> Any:
        own = types.ModuleType.__getattribute__(self, "__dict__")
        if name == "__dict__":
            return {key: stand_in(value) for key, value in vars(own["_real"]).items()}
        if name in ("__class__", "__spec__", "__loader__", "__package__"):
            return types.ModuleType.__getattribute__(self, name)
        return stand_in(getattr(own["_real"], name))

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(types.ModuleType.__getattribute__(self, "__dict__")["_real"], name, value)

    def __dir__(self) -> list[str]:
        return dir(types.ModuleType.__getattribute__(self, "__dict__")["_real"])


def stand_in(value: Any) -> Any:
    """What a test sees in the place of `value`, a member of one of NumPy's modules."""
    if isinstance(value, types.ModuleType) and value.__name__.partition(".")[0] == "numpy":
        return module(value.__name__)
    if isinstance(value, (types.FunctionType, types.BuiltinFunctionType, type)) or id(value) in _TABLE:
        return _TABLE.get(id(value), value)
    return value


def module(name: str) -> types.ModuleType:
    """The stand-in for the module `name` of NumPy's, which has been imported."""
    if name not in _MODULES:
        _MODULES[name] = _Module(sys.modules[name])
    return _MODULES[name]


# --- Builtins ---------------------------------------------------------------------------------------------------------


def class_of(value: Any) -> type:
    """The class that NumPy's object would have in the place of `value`."""
    if isinstance(value, _core.Array):
        return value.dtype.type if value._is_scalar else np.ndarray
    return type(value)


class _TypeMeta(type):
    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        return class_of(args[0]) if len(args) == 1 and not kwargs else type(*args, **kwargs)

    def __instancecheck__(cls, instance: Any) -> bool:
        return isinstance(instance, type)

    def __subclasscheck__(cls, subclass: Any) -> bool:
        return issubclass(subclass, type)

    def __getitem__(cls, item: Any) -> Any:
        return type[item]


class _Type(metaclass=_TypeMeta):
    """`type` as the tests see it."""


def _isinstance(value: Any, classes: Any) -> bool:
    if isinstance(value, _core.Array):
        return issubclass(class_of(value), classes) or isinstance(value, classes)
    return isinstance(value, classes)


def _repr(value: Any) -> str:
    if isinstance(value, _core.Array) and not value._is_scalar:
        return _display.array_repr(value, "array")
    return repr(value)


def _import(name: str, globals: Any = None, locals: Any = None, fromlist: Any = (), level: int = 0) -> Any:
    imported = builtins.__import__(name, globals, locals, fromlist, level)
    if imported.__name__.partition(".")[0] == "numpy":
        return module(imported.__name__)
    if imported.__name__ == "hypothesis.extra" and fromlist and "numpy" in fromlist:
        return types.SimpleNamespace(numpy=_Hypothesis(sys.modules["hypothesis.extra.numpy"]))
    return imported


class _Hypothesis:
    """hypothesis.extra.numpy, whose arrays are scattered."""

    def __init__(self, real: Any) -> None:
        self._real = real

    def __getattr__(self, name: str) -> Any:
        if name == "arrays":
            return lambda *a, **k: self._real.arrays(*a, **k).map(scatterer.scatter)
        return getattr(self._real, name)


def builtins_of_tests() -> dict[str, Any]:
    """The builtins that a test module runs with."""
    return {**vars(builtins), "__import__": _import, "isinstance": _isinstance, "type": _Type, "repr": _repr}
