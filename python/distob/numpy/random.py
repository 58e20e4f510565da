"""numpy.random with distributed results: every number is a function of the seed, the call and its index alone.

`default_rng(seed)` seeds as NumPy does, through a SeedSequence, but draws by counter (Philox 4x32-10): the same numbers on
any number of threads and for any partition, though not the numbers of NumPy's own generators. Each call of a method takes a
stream of its own. Distributions that are not listed in the class are drawn by NumPy's Generator, seeded from ours, with a
PerformanceWarning.
"""

from __future__ import annotations

import itertools
import math
import operator
from collections.abc import Callable
from typing import Any

import numpy as _numpy
from numpy.random import SeedSequence

from distob import _core, _fallback
from distob._arrays import DistArray
from distob.numpy._creation import cut, lengths

__all__ = ["Generator", "SeedSequence", "default_rng"]

_USES = 1 << 32


def default_rng(seed: Any = None) -> Generator:
    """A new Generator, or `seed` itself if it is one. Takes what numpy.random.default_rng takes for a seed."""
    if isinstance(seed, Generator):
        return seed
    if isinstance(seed, (_numpy.random.Generator, _numpy.random.BitGenerator)):
        bits = seed.bit_generator if isinstance(seed, _numpy.random.Generator) else seed
        seed = SeedSequence(_numpy.random.Generator(bits).integers(1 << 32, size=4).tolist())
    return Generator(seed if isinstance(seed, SeedSequence) else SeedSequence(seed))


class Generator:
    """Draws distributed arrays; the methods are those of numpy.random.Generator, with `partition=` beside their arguments.

    May be called from several threads: each call has its own numbers, but which call gets which is the threads' race.
    """

    def __init__(self, seed_seq: SeedSequence) -> None:
        self._seed_seq = seed_seq
        self._key = tuple(int(word) for word in seed_seq.generate_state(3, _numpy.uint32))
        self._uses = itertools.count(1)

    def __repr__(self) -> str:
        return "Generator(Philox4x32-10)"

    def __reduce__(self) -> Any:
        return _restored, (self._seed_seq, self._used())

    def _used(self) -> int:
        used = next(self._uses)
        self._uses = itertools.count(used)
        return used

    @property
    def seed_seq(self) -> SeedSequence:
        """What this was seeded with."""
        return self._seed_seq

    @property
    def state(self) -> dict[str, Any]:
        """The key and the number of the next call, to be set again."""
        return {"key": self._key, "use": self._used()}

    @state.setter
    def state(self, state: dict[str, Any]) -> None:
        self._key, self._uses = tuple(state["key"]), itertools.count(state["use"])

    def spawn(self, n_children: int) -> list[Generator]:
        """New generators whose numbers have nothing to do with those of this one or of each other."""
        return [Generator(child) for child in self._seed_seq.spawn(n_children)]

    def _use(self) -> int:
        use = next(self._uses)
        if use >= _USES:
            raise OverflowError("this generator has been called 2**32 times; spawn() another one")
        return use

    # --- Numbers of the machine's own distributions ---

    def _numbers(self, name: str, size: Any, dtype: Any, out: Any, partition: Any) -> Any:
        kind = _numpy.dtype(dtype)
        if kind.char not in "fd" or not kind.isnative:
            raise TypeError(f"Unsupported dtype {kind!r} for {name}")
        if out is not None:
            if out.dtype != kind:
                raise TypeError(f"Supplied output array has the wrong type. Expected {kind}, got {out.dtype}")
            if size is not None and lengths(size) != out.shape:
                raise ValueError("size must match out.shape when used together")
            drawn = _core.random_numbers(name, out.shape, kind, self._key, self._use(), DistArray)
            out[...] = drawn if isinstance(out, _core.Array) else _core.snapshot(drawn)
            return out
        if size is None:
            return float(_core.random_numbers(name, (), kind, self._key, self._use(), DistArray))
        return cut(_core.random_numbers(name, lengths(size), kind, self._key, self._use(), DistArray), partition)

    def random(self, size: Any = None, dtype: Any = float, out: Any = None, *, partition: Any = None) -> Any:
        """Uniform in [0, 1): multiples of 2**-53, or of 2**-24 as float32."""
        return self._numbers("uniform", size, dtype, out, partition)

    def standard_normal(self, size: Any = None, dtype: Any = float, out: Any = None, *, partition: Any = None) -> Any:
        """Normal with mean 0 and variance 1 (Box and Muller)."""
        return self._numbers("normal", size, dtype, out, partition)

    def standard_exponential(
        self, size: Any = None, dtype: Any = float, method: str = "inv", out: Any = None, *, partition: Any = None
    ) -> Any:
        """Exponential with mean 1, by inversion whatever `method` says."""
        return self._numbers("exponential", size, dtype, out, partition)

    def integers(
        self,
        low: Any,
        high: Any = None,
        size: Any = None,
        dtype: Any = _numpy.int64,
        endpoint: bool = False,
        *,
        partition: Any = None,
    ) -> Any:
        """Whole numbers in [low, high), or [low, high] with `endpoint`, or below `low` alone, each as likely as any other."""
        if high is None:
            low, high = 0, low
        kind = _numpy.dtype(dtype)
        if _numpy.ndim(low) or _numpy.ndim(high):
            return self._by_numpy("integers", low, high, size, kind, endpoint)
        if kind.kind not in "biu":
            raise TypeError(f"Unsupported dtype {kind!r} for integers")
        first, last = int(low), math.ceil(high) - (not endpoint)
        least, most = (0, 1) if kind.kind == "b" else (int(_numpy.iinfo(kind).min), int(_numpy.iinfo(kind).max))
        if first < least:
            raise ValueError(f"low is out of bounds for {kind.name}")
        if last > most:
            raise ValueError(f"high is out of bounds for {kind.name}")
        if first > last:
            raise ValueError("low > high" if endpoint else "low >= high")
        signed = first - (1 << 64) if first >= 1 << 63 else first
        shape = () if size is None else lengths(size)
        drawn = _core.random_integers(signed, last - first, shape, kind, self._key, self._use(), DistArray)
        if size is not None:
            return cut(drawn, partition)
        value = _core.item(drawn)
        return value if dtype not in (int, bool) else value.item()

    def bytes(self, length: int) -> bytes:
        """Random bytes."""
        return bytes(_numpy.asarray(self.integers(0, 256, length, _numpy.uint8)))

    # --- What follows from them ---

    def _scaled(self, draw: Callable[..., Any], size: Any, loc: Any, scale: Any, partition: Any) -> Any:
        """loc + scale * draw(...), with the parameters' shape where no size is given."""
        if size is None:
            shape = _numpy.broadcast_shapes(_numpy.shape(loc), _numpy.shape(scale))
            size = shape if shape else None
        drawn = draw(size)
        if size is None:
            return float(loc + scale * drawn)
        drawn *= scale
        drawn += loc
        return cut(drawn, partition)

    def uniform(self, low: Any = 0.0, high: Any = 1.0, size: Any = None, *, partition: Any = None) -> Any:
        """Uniform in [low, high)."""
        width = _numpy.subtract(high, low)
        if not _numpy.all(_numpy.isfinite(width)):
            raise OverflowError("high - low range exceeds valid bounds")
        if _numpy.any(width < 0):
            raise ValueError("high - low < 0")
        return self._scaled(self.random, size, low, width, partition)

    def normal(self, loc: Any = 0.0, scale: Any = 1.0, size: Any = None, *, partition: Any = None) -> Any:
        """Normal with mean `loc` and standard deviation `scale`."""
        _not_negative(scale, "scale")
        return self._scaled(self.standard_normal, size, loc, scale, partition)

    def exponential(self, scale: Any = 1.0, size: Any = None, *, partition: Any = None) -> Any:
        """Exponential with mean `scale`."""
        _not_negative(scale, "scale")
        return self._scaled(self.standard_exponential, size, 0.0, scale, partition)

    def lognormal(self, mean: Any = 0.0, sigma: Any = 1.0, size: Any = None, *, partition: Any = None) -> Any:
        """Numbers whose logarithm is normal."""
        _not_negative(sigma, "sigma")
        drawn = self._scaled(self.standard_normal, size, mean, sigma, partition)
        return float(_numpy.exp(drawn)) if isinstance(drawn, float) else _numpy.exp(drawn)

    # --- Orders ---

    def permutation(self, x: Any, axis: int = 0) -> Any:
        """A copy of `x` with the parts along `axis` in random order, or the numbers below `x` in random order."""
        if isinstance(x, (int, _numpy.integer)):
            return self._order(int(x))
        x = x if isinstance(x, _core.Array) else _fallback.ours(_numpy.asarray(x), DistArray)
        return _numpy.take(x, self._order(x.shape[axis]), axis=axis)

    def _order(self, n: int) -> Any:
        keys = _core.random_integers(
            0, (1 << 64) - 1, (n,), _numpy.dtype(_numpy.uint64), self._key, self._use(), DistArray
        )
        return _numpy.argsort(keys, kind="stable")

    def shuffle(self, x: Any, axis: int = 0) -> None:
        """Put the parts of `x` along `axis` in random order, in place."""
        if isinstance(x, list):
            order = _numpy.asarray(self._order(len(x))).tolist()
            x[:] = [x[i] for i in order]
            return
        drawn = self.permutation(x, axis)
        x[...] = drawn if isinstance(x, _core.Array) else _core.snapshot(drawn)

    def permuted(self, x: Any, *, axis: int | None = None, out: Any = None) -> Any:
        """A copy of `x` with the elements of every row along `axis` in an order of its own; None: all elements."""
        x = x if isinstance(x, _core.Array) else _fallback.ours(_numpy.asarray(x), DistArray)
        if axis is None:
            made = self.permutation(x.reshape(-1)).reshape(x.shape)
        else:
            whole = _numpy.dtype(_numpy.uint64)
            keys = _core.random_integers(0, (1 << 64) - 1, x.shape, whole, self._key, self._use(), DistArray)
            made = _numpy.take_along_axis(x, _numpy.argsort(keys, axis=axis, kind="stable"), axis=axis)
        if out is None:
            return made
        out[...] = made if isinstance(out, _core.Array) else _core.snapshot(made)
        return out

    def choice(
        self, a: Any, size: Any = None, replace: bool = True, p: Any = None, axis: int = 0, shuffle: bool = True
    ) -> Any:
        """Random parts of `a` along `axis`, or random numbers below `a`; with `p` as likely as it says."""
        population = (
            int(a) if isinstance(a, (int, _numpy.integer)) else a.shape[axis] if hasattr(a, "shape") else len(a)
        )
        wanted = 1 if size is None else math.prod(lengths(size))
        if population == 0 and wanted:
            raise ValueError("a cannot be empty unless no samples are taken")
        if not replace and (p is not None or wanted > population):
            if p is None:
                raise ValueError("Cannot take a larger sample than population when replace is False")
            return self._by_numpy("choice", a, size, replace, p, axis, shuffle)
        if p is not None:
            if len(p) != population:
                raise ValueError("a and p must have same size")
            edges = _numpy.cumsum(_numpy.asarray(p, dtype=float))
            if abs(edges[-1] - 1) > 1e-8:
                raise ValueError("Probabilities do not sum to 1. See Notes section of docstring for more information.")
            places = _numpy.searchsorted(edges / edges[-1], _numpy.asarray(self.random(wanted)), side="right")
            places = _fallback.ours(_numpy.asarray(places), DistArray)
        elif replace:
            places = self.integers(0, population, wanted)
        else:
            places = self._order(population)[:wanted]
        places = places.reshape(() if size is None else lengths(size))
        if isinstance(a, (int, _numpy.integer)):
            return _core.item(places) if size is None else places
        a = a if isinstance(a, _core.Array) else _fallback.ours(_numpy.asarray(a), DistArray)
        return _numpy.take(a, int(places) if size is None else places, axis=axis)

    # --- The rest ---

    def _by_numpy(self, name: str, *args: Any, **kwargs: Any) -> Any:
        """What NumPy draws with a generator that is seeded from the next use of this one."""
        numpys = _numpy.random.Generator(_numpy.random.Philox(SeedSequence([*self._key, self._use()])))
        _fallback.tell(f"numpy.random.Generator.{name}")
        return _fallback.ours(getattr(numpys, name)(*_fallback.local(args), **_fallback.local(kwargs)), DistArray)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or not callable(getattr(_numpy.random.Generator, name, None)):
            raise AttributeError(f"'Generator' object has no attribute {name!r}")

        def draw(*args: Any, **kwargs: Any) -> Any:
            return self._by_numpy(name, *args, **kwargs)

        draw.__name__ = name
        return draw


def _not_negative(value: Any, name: str) -> None:
    if _numpy.any(_numpy.less(value, 0)):
        raise ValueError(f"{name} < 0")


def _restored(seed_seq: SeedSequence, use: int) -> Generator:
    made = Generator(seed_seq)
    made._uses = itertools.count(operator.index(use))
    return made


def __getattr__(name: str) -> Any:
    return getattr(_numpy.random, name)


def __dir__() -> list[str]:
    return sorted({*globals(), *dir(_numpy.random)})
