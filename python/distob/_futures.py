"""Futures of remote calls: concurrent.futures.Future, awaitable, and cheap until somebody asks for more than result().

Waiting for a result is one native wait. Only when callbacks, concurrent.futures.wait() or asyncio look at a future does
it get a condition, and the completion thread sets it.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import os
import threading
import time
from collections.abc import Callable, Generator, Iterable, Iterator
from typing import Any

from distob import _core

_OBSERVED = frozenset(("_condition", "_state", "_result", "_exception", "_waiters", "_done_callbacks"))
_RUNNING = "RUNNING"
_lock = threading.Lock()


class Future(_core.Pending, concurrent.futures.Future):  # type: ignore[type-arg]
    """The result of a remote call, later."""

    # An unobserved future has none of concurrent.futures' attributes: __getattr__ makes them when somebody looks.

    def __init__(self) -> None:
        raise TypeError("futures are made by calls")

    def __getattr__(self, name: str) -> Any:
        if name in _OBSERVED:
            self._observe()
            return self.__dict__[name]
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def _observe(self) -> None:
        """Makes the future a full one, which the completion thread will resolve."""
        with _lock:
            if "_state" in self.__dict__:
                return
            super().__init__()
            settled = self.__dict__.pop("_settled", None)
            if settled is not None:
                (self._result, self._exception), self._state = settled, "FINISHED"
                return
            self._state = _RUNNING
        _completions.start()
        self._watch()

    def _settle(self) -> None:
        """Takes the reply, unless somebody else does, and resolves the future."""
        if not self._claim():
            return
        value: Any = None
        error: BaseException | None = None
        try:
            value = self._take()
        except BaseException as raised:
            error = raised
        with _lock:
            if "_state" not in self.__dict__:
                self._settled = value, error
                return
        try:
            if error is None:
                super().set_result(value)
            else:
                super().set_exception(error)
        except concurrent.futures.InvalidStateError:  # cancelled meanwhile
            pass

    def _outcome(self, timeout: float | None) -> tuple[Any, BaseException | None] | None:
        """Waits for the outcome of a future that nobody observes; None if somebody does."""
        mine = self.__dict__
        if "_settled" not in mine and "_state" not in mine:
            if not self._wait(timeout):
                raise TimeoutError
            self._settle()
        return mine.get("_settled")

    def result(self, timeout: float | None = None) -> Any:
        """The value, or raises the call's error; TimeoutError after `timeout` seconds, CancelledError if cancelled."""
        outcome = self._outcome(timeout)
        if outcome is None:
            return self._waited(super().result, timeout)
        if outcome[1] is not None:
            raise outcome[1]
        return outcome[0]

    def exception(self, timeout: float | None = None) -> BaseException | None:
        """The call's error, or None if it had none."""
        outcome = self._outcome(timeout)
        if outcome is not None:
            return outcome[1]
        error: BaseException | None = self._waited(super().exception, timeout)
        return error

    def _waited(self, ask: Callable[[float | None], Any], timeout: float | None) -> Any:
        """Native wait first, so that Ctrl-C and, in an engine, callbacks of this chain get through."""
        if self.__dict__.get("_state") == _RUNNING:
            start = time.monotonic()
            if not self._wait(timeout):
                raise TimeoutError
            self._settle()
            timeout = None if timeout is None else max(0.0, timeout - (time.monotonic() - start))
        return ask(timeout)

    def done(self) -> bool:
        """True if the result is there, or the future was cancelled."""
        if "_state" in self.__dict__:
            return super().done()
        return "_settled" in self.__dict__ or bool(self._ready())

    def running(self) -> bool:
        """True until done."""
        return not self.done()

    def cancelled(self) -> bool:
        """True after a successful cancel()."""
        return "_state" in self.__dict__ and super().cancelled()

    def cancel(self) -> bool:
        """Interrupts the call on its engine, which stays usable, as do its objects. False if it was finished already."""
        if self.done():
            return self.cancelled()
        self._observe()
        with self._condition:
            if self._state != _RUNNING:
                return bool(self._state in ("CANCELLED", "CANCELLED_AND_NOTIFIED"))
            self._state = "CANCELLED"
            self._condition.notify_all()
        self._cancel_call()
        self.set_running_or_notify_cancel()
        self._invoke_callbacks()
        return True

    def __await__(self) -> Generator[Any, None, Any]:
        return asyncio.wrap_future(self).__await__()

    def __repr__(self) -> str:
        state = "cancelled" if self.cancelled() else "finished" if self.done() else f"running on engine {self.engine}"
        return f"<distob.Future {state}>"


def finished(value: Any) -> concurrent.futures.Future[Any]:
    """A future that has its result."""
    future: concurrent.futures.Future[Any] = concurrent.futures.Future()
    future.set_result(value)
    return future


class _Completions:
    """The thread that resolves futures whose callbacks somebody waits for. Started when first needed."""

    def __init__(self) -> None:
        self.pid = 0

    def start(self) -> None:
        if self.pid == os.getpid():
            return
        with _lock:
            if self.pid == os.getpid():
                return
            self.pid = os.getpid()
            threading.Thread(target=self._run, name="distob-completions", daemon=True).start()

    @staticmethod
    def _run() -> None:
        while True:
            _core.next_completion()._settle()


_completions = _Completions()


def as_completed(futures: Iterable[Any], timeout: float | None = None) -> Iterator[Any]:
    """The futures, each when it is done."""
    return concurrent.futures.as_completed(list(futures), timeout)
