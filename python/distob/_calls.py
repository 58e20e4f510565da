"""Scattering, calling and gathering: the functions of distob's interface that concern objects."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Literal

from distob import _clusters, _core, _failures
from distob._futures import Future
from distob._ids import Ref
from distob._proxies import gather_one

__all__ = [
    "apply",
    "call",
    "call_all",
    "convert_result",
    "gather",
    "map",
    "methodcall",
    "register",
    "scatter",
    "sync",
    "vectorize",
]


# --- Scatter and gather ----------------------------------------------------------------------------------------------


def scatter(
    obj: Any, axis: int | tuple[int, ...] | None = -1, blocksize: int | None = None, *, partition: Any = None
) -> Any:
    """Moves copies of objects to the engines.

    A list or tuple gives a list of proxies, spread evenly; an ndarray gives a DistArray, split along `axis` (None: whole)
    into blocks of `blocksize` indices, or into a grid for a tuple of axes; anything else gives its proxy. `partition` cuts
    an ndarray as another array or a Partition is cut, or at cut points: for each axis a sequence of them or None (of a
    vector, the points). Raises EncodeError, naming the part, for what cannot be pickled.
    """
    decides = getattr(type(obj), "__distob_scatter__", None)
    if decides is not None and not _core.is_remote(obj):
        return decides(obj, axis, None, blocksize, **({} if partition is None else {"partition": partition}))
    if _core.is_remote(obj):
        return obj
    if _is_array(obj):
        from distob._arrays import scatter_array

        return scatter_array(obj, axis, blocksize, partition)
    if type(obj) in (list, tuple):
        return _scatter_list(list(obj), axis, blocksize, partition)
    return _place([obj])[0]


def _scatter_list(items: list[Any], axis: Any, blocksize: int | None, partition: Any) -> list[Any]:
    plain = [item for item in items if not _has_own_way(item)]
    placed = iter(_place(plain))
    return [
        scatter(item, axis, blocksize, partition=partition) if _has_own_way(item) else next(placed) for item in items
    ]


def _has_own_way(item: Any) -> bool:
    return _core.is_remote(item) or _is_array(item) or hasattr(type(item), "__distob_scatter__")


def _place(items: list[Any]) -> list[Any]:
    """Makes copies of `items` objects of engines, neighbours together."""
    if not items:
        return []
    cluster = _clusters.current()
    for cls in {type(item) for item in items}:
        if _core.engine_link() is None and _core.scatters_as_class(cls) and not _core.policy(cls):
            _clusters.announce(cls, "proxy")
    first, count = cluster._next_engine(), len(cluster.engines)
    engines = cluster.engines
    start = engines.index(first)
    proxies: list[Any] = []
    futures = []
    parts = min(count, len(items))
    for part in range(parts):
        share = items[len(items) * part // parts : len(items) * (part + 1) // parts]
        future, made = _core.create(cluster._link, engines[(start + part) % count], share)
        futures.append(future)
        proxies += made
    _results(futures, "some objects could not be scattered")
    return proxies


def gather(obj: Any) -> Any:
    """Makes local again: a copy of the object behind a proxy, an ndarray of a DistArray; recurses into sequences."""
    if _core.is_remote(obj):
        return gather_one(obj)
    if type(obj) is Ref:
        return gather(obj._target)
    own_way = getattr(type(obj), "__distob_gather__", None)
    if own_way is not None:
        return own_way(obj)
    if isinstance(obj, list | tuple):
        return _gather_sequence(obj)
    return obj


def _gather_sequence(items: Any) -> Any:
    """All fetches are under way before the first is waited for."""
    ahead = {}
    for i, item in enumerate(items):
        item = item._target if type(item) is Ref else item
        if _core.is_remote(item) and item._distob_local is None:
            ahead[i] = _core.fetch(item)
    gathered = [ahead[i].result() if i in ahead else gather(item) for i, item in enumerate(items)]
    if isinstance(items, tuple) and hasattr(items, "_fields"):
        return type(items)(*gathered)
    return type(items)(gathered)


def _is_array(obj: Any) -> bool:
    import numpy as np

    return isinstance(obj, np.ndarray) and not _core.is_remote(obj)


def _is_distributed(obj: Any) -> bool:
    array = getattr(_core, "Array", None)
    return array is not None and isinstance(obj, array)


# --- Calls -----------------------------------------------------------------------------------------------------------


def call(f: Callable[..., Any], *args: Any, block: bool = True, prefer_local: bool = True, **kwargs: Any) -> Any:
    """f(*args, **kwargs) on the engine where the first remote argument is, else on the engines in turn.

    block=False gives a future. prefer_local: with only local Remotes among the arguments, run here. A distributed array
    arrives as an ndarray; what f writes to it is in the array afterwards, and what f keeps of it is a copy.
    """
    args = tuple(_argument(arg) for arg in args)
    remotes = [arg for arg in (*args, *kwargs.values()) if _core.is_remote(arg)]
    away = [arg for arg in remotes if arg._distob_local is None]
    if remotes and not away and prefer_local:
        result = f(*args, **kwargs)
        return result if block else _done(result)
    if away:
        return _core.call_function(away[0]._distob_link, away[0]._distob_id[1], block, f, *args, **kwargs)
    cluster = _clusters.current()
    return _core.call_function(cluster._link, cluster._next_engine(), block, f, *args, **kwargs)


def methodcall(
    obj: Any, method_name: str, *args: Any, block: bool = True, prefer_local: bool = True, **kwargs: Any
) -> Any:
    """obj.method_name(*args, **kwargs) where the object is; block=False gives a future."""
    if type(obj) is Ref:
        obj = obj._target
    if _core.is_remote(obj) and obj._distob_local is None:
        if not block:
            return _core.submit_method(obj, method_name, *args, **kwargs)
        return _core.method(obj, method_name)(*args, **kwargs)
    target = obj._distob_local if _core.is_remote(obj) else obj
    result = getattr(target, method_name)(*args, **kwargs)
    return result if block else _done(result)


def call_all(sequence: Iterable[Any], method_name: str, *args: Any, **kwargs: Any) -> Any:
    """Calls the method of every object, in parallel; the list of results, in order. block=False: the list of futures.

    Distributed arrays among the arguments are for reading only, since all objects get them at once. Several failures make
    an ExceptionGroup.
    """
    block = kwargs.pop("block", True)
    args, kwargs = _shared(args), _shared(kwargs)
    futures = [methodcall(obj, method_name, *args, block=False, **kwargs) for obj in sequence]
    return _results(futures, f"{method_name}() failed on several objects") if block else futures


def _shared(arguments: Any) -> Any:
    """The arguments of many calls at once: arrays in them are for reading."""
    from distob._blocks import shared

    return shared(arguments)


def _argument(arg: Any) -> Any:
    return arg._target if type(arg) is Ref else arg


def _done(value: Any) -> Any:
    from distob._futures import finished

    return finished(value)


def _results(futures: list[Any], message: str) -> list[Any]:
    """All results, or the errors of all that failed."""
    results, errors = [], []
    try:
        for future in futures:
            try:
                results.append(future.result())
            except KeyboardInterrupt:
                raise
            except BaseException as error:
                errors.append(error)
    except KeyboardInterrupt:
        for future in futures:
            future.cancel()
        raise
    _failures.raise_together(message, errors)
    return results


def convert_result(r: Any) -> Any:
    """Waits for futures and turns Refs into proxies, also inside lists and tuples."""
    if isinstance(r, Future) or (hasattr(r, "result") and hasattr(r, "add_done_callback")):
        return convert_result(r.result())
    if type(r) is Ref:
        return r._target if _core.is_remote(r._target) else _core.Remote(r._target)
    if type(r) in (list, tuple):
        return type(r)([convert_result(item) for item in r])
    return r


# --- Functions over many objects ------------------------------------------------------------------------------------


def vectorize(f: Callable[..., Any]) -> Callable[..., Any]:
    """Upgrades f(obj, *args, **kwargs) to run in parallel over a list of objects or proxies, an ndarray or a DistArray."""

    @functools.wraps(f)
    def vectorized(obj: Any, *args: Any, **kwargs: Any) -> Any:
        own_way = getattr(type(obj), "__distob_vectorize__", None)
        if own_way is not None and not _core.is_remote(obj):
            return own_way(obj, f)(obj, *args, **kwargs)
        if _is_array(obj):
            return vectorized(scatter(obj), *args, **kwargs)
        if isinstance(obj, list | tuple):
            args, kwargs = _shared(args), _shared(kwargs)
            futures = [call(f, item, *args, block=False, **kwargs) for item in obj]
            return _results(futures, f"{getattr(f, '__name__', f)} failed on several objects")
        return call(f, obj, *args, **kwargs)

    return vectorized


def apply(f: Callable[..., Any], obj: Any, *args: Any, **kwargs: Any) -> Any:
    """vectorize(f)(obj, *args, **kwargs)."""
    return vectorize(f)(obj, *args, **kwargs)


def map(f: Callable[..., Any], *iterables: Iterable[Any], timeout: float | None = None) -> Iterator[Any]:
    """f over the items of the iterables, in parallel; yields the results in order."""
    futures = [call(f, *args, block=False) for args in zip(*iterables, strict=False)]
    return (future.result(timeout) for future in futures)


# --- Policies and barriers -------------------------------------------------------------------------------------------


def register(cls: type, by: Literal["value", "proxy"] = "proxy") -> type:
    """Says how instances of `cls` come back from engines: as copies or as proxies. Usable as a class decorator."""
    if by not in ("value", "proxy"):
        raise ValueError(f"by is {by!r}: choose 'value' or 'proxy'")
    _clusters.announce(cls, by)
    return cls


def sync() -> None:
    """Returns when all calls and all array work so far are done; raises the errors of calls whose futures nobody asked."""
    errors: list[BaseException] = []
    _core.sync_arrays()
    if _core.engine_link() is not None:
        _core.engine_link().wait_all()
        return
    for cluster in _clusters.all_open():
        cluster._link.wait_all()
        errors += [error for _, error in cluster._link.unobserved_errors()]
    _failures.raise_together("calls failed whose results nobody read", errors)
