"""Remote objects and distributed arrays that behave like local ones.

    import distob
    trees = distob.scatter([Tree(i) for i in range(1000)])   # any class; the objects now live in the engines
    heights = distob.call_all(trees, "grow", 30)             # in parallel; trees[3].grow(30) works too

Importing distob starts nothing: arrays compute at once on all cores, and the first object or user function starts one
engine for each core. setup_engines(), Cluster or DISTOB_ENGINES choose otherwise.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from distob.errors import (
    Cancelled,
    ClosedError,
    DeadlockError,
    EncodeError,
    EngineDied,
    Error,
    ForkedError,
    Interrupted,
    ObjectLost,
    PerformanceWarning,
    ProtocolError,
    RemoteError,
)

if TYPE_CHECKING:
    from distob._arrays import DistArray, Partition, RemoteArray
    from distob._calls import (
        apply,
        call,
        call_all,
        convert_result,
        gather,
        map,
        methodcall,
        register,
        scatter,
        sync,
        vectorize,
    )
    from distob._clusters import Cluster, setup_engines
    from distob._core import Remote, explain, set_threads, threads
    from distob._executor import Executor
    from distob._functions.files import load, save
    from distob._functions.joining import concatenate, dsplit, dstack, hsplit, hstack, split, vsplit, vstack
    from distob._functions.reducing import mean
    from distob._functions.views import broadcast_arrays, expand_dims, rollaxis, transpose
    from distob._futures import Future, as_completed
    from distob._hub import ObjectEngine, ObjectHub
    from distob._ids import Id, Ref
    from distob._pickling import use_pickler
    from distob._proxies import proxy_methods

    engine: ObjectEngine

__version__ = "1.0.0"

# Where each public name is, imported when it is first used: an import that computes nothing should cost nothing.
_HOMES: dict[str, str] = {
    **dict.fromkeys(
        "apply call call_all convert_result gather map methodcall register scatter sync vectorize".split(), "_calls"
    ),
    **dict.fromkeys("Cluster setup_engines".split(), "_clusters"),
    **dict.fromkeys("DistArray Partition RemoteArray".split(), "_arrays"),
    **dict.fromkeys("explain set_threads threads".split(), "_core"),
    **dict.fromkeys("load save".split(), "_functions.files"),
    **dict.fromkeys("concatenate dsplit dstack hsplit hstack split vsplit vstack".split(), "_functions.joining"),
    "mean": "_functions.reducing",
    **dict.fromkeys("broadcast_arrays expand_dims rollaxis transpose".split(), "_functions.views"),
    **dict.fromkeys("Future as_completed".split(), "_futures"),
    **dict.fromkeys("ObjectEngine ObjectHub".split(), "_hub"),
    **dict.fromkeys("Id Ref".split(), "_ids"),
    "Executor": "_executor",
    "use_pickler": "_pickling",
    "Remote": "_proxies",
    "proxy_methods": "_proxies",
}

__all__ = [
    "Cancelled",
    "ClosedError",
    "Cluster",
    "DeadlockError",
    "DistArray",
    "EncodeError",
    "EngineDied",
    "Error",
    "Executor",
    "ForkedError",
    "Future",
    "Id",
    "Interrupted",
    "ObjectEngine",
    "ObjectHub",
    "ObjectLost",
    "Partition",
    "PerformanceWarning",
    "ProtocolError",
    "Ref",
    "Remote",
    "RemoteArray",
    "RemoteError",
    "apply",
    "as_completed",
    "broadcast_arrays",
    "call",
    "call_all",
    "concatenate",
    "convert_result",
    "dsplit",
    "dstack",
    "engine",
    "expand_dims",
    "explain",
    "gather",
    "hsplit",
    "hstack",
    "load",
    "map",
    "mean",
    "methodcall",
    "proxy_methods",
    "register",
    "rollaxis",
    "save",
    "scatter",
    "set_threads",
    "setup_engines",
    "split",
    "sync",
    "threads",
    "transpose",
    "use_pickler",
    "vectorize",
    "vsplit",
    "vstack",
]


def __getattr__(name: str) -> Any:
    if name == "engine":
        from distob._hub import engine

        return engine()
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'distob' has no attribute {name!r}")
    value = getattr(importlib.import_module(f"distob.{home}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
