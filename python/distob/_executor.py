"""A concurrent.futures.Executor over the engines."""

from __future__ import annotations

import concurrent.futures
from collections.abc import Callable
from typing import Any

from distob import _clusters, _core
from distob.errors import ClosedError


class Executor(concurrent.futures.Executor):
    """Runs functions in engines. Given a number, in engines of its own, which end at shutdown()."""

    def __init__(self, max_workers: int | None = None) -> None:
        self._own = _clusters.Cluster(max_workers) if max_workers is not None else None
        self._pending: set[concurrent.futures.Future[Any]] = set()
        self._closed = False

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> concurrent.futures.Future[Any]:
        """fn(*args, **kwargs) in an engine, as a future."""
        if self._closed:
            raise RuntimeError("cannot schedule new futures after shutdown")
        from distob._calls import call

        if self._own is None or any(_core.is_remote(arg) for arg in args):
            future = call(fn, *args, block=False, **kwargs)
        else:
            if self._own.closed:
                raise ClosedError("the executor's cluster is closed")
            future = _core.call_function(self._own._link, self._own._next_engine(), False, fn, *args, **kwargs)
        self._pending.add(future)
        future.add_done_callback(self._pending.discard)
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Waits for what was submitted, then ends engines of its own."""
        self._closed = True
        pending = list(self._pending)
        if cancel_futures:
            for future in pending:
                future.cancel()
        if wait or self._own is not None:
            concurrent.futures.wait(pending)
        if self._own is not None:
            self._own.close()
