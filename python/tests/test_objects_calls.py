"""Calls that do not wait, that fail, that are interrupted, and that call each other."""

from __future__ import annotations

import asyncio
import concurrent.futures
import os
import signal
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

import distob

pytestmark = pytest.mark.usefixtures("cluster")


class Worker:
    def __init__(self, name: str = "") -> None:
        self.name = name
        self.lock = None
        self.peer: Worker | None = None
        self.count = 0

    def add(self, n: int = 1) -> int:
        self.count += n
        return self.count

    def sleep(self, seconds: float) -> str:
        time.sleep(seconds)
        return "slept"

    def spin(self) -> None:
        while True:
            self.count += 1

    def wait_for_a_lock(self) -> None:
        lock = threading.Lock()
        lock.acquire()
        lock.acquire()

    def touch(self, path: str) -> None:
        with open(path, "w") as file:
            file.write(str(os.getpid()))

    def touch_and_sleep(self, path: str) -> None:
        self.touch(path)
        time.sleep(600)

    def clean_up(self, path: str) -> None:
        try:
            self.touch_and_sleep(path)
        except KeyboardInterrupt:
            self.name = "interrupted"
            raise

    def fail(self, text: str = "no") -> None:
        raise ValueError(text)

    def fail_badly(self) -> None:
        raise Unpicklable("the real error")

    def fail_with_lock(self) -> None:
        error = ValueError("holds a lock")
        error.lock = threading.Lock()  # type: ignore[attr-defined]
        raise error

    def meet(self, other: Worker) -> None:
        self.peer = other

    def ask(self, method: str, *args: object) -> object:
        return getattr(self.peer, method)(*args)

    def through(self, other: Worker, depth: int) -> int:
        """Calls go back and forth."""
        self.count += 1
        return 0 if depth == 0 else 1 + other.through(self, depth - 1)

    def hold_and_ask(self, started: str, go_on: str, method: str) -> object:
        self.touch(started)
        while not os.path.exists(go_on):
            time.sleep(0.002)
        return getattr(self.peer, method)()


class Unpicklable(Exception):
    def __init__(self, text: str) -> None:
        super().__init__(text, threading.Lock())
        self.text = text

    def __str__(self) -> str:
        return self.text


def explode() -> None:
    raise RuntimeError("cannot be rebuilt")


class OneWay(Exception):
    """Pickles, but cannot be unpickled."""

    def __reduce__(self) -> Any:
        return explode, ()


def until(condition: Callable[[], bool], what: str = "") -> None:
    """Waits for something another process does."""
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline, f"never happened: {what}"
        time.sleep(0.002)


def two_workers() -> tuple[Worker, Worker]:
    one, other = distob.scatter([Worker("one"), Worker("other")])
    return one, other


# --- Futures ---------------------------------------------------------------------------------------------------------


def test_futures_are_those_of_concurrent_futures() -> None:
    worker = distob.scatter(Worker())
    futures = [worker.add(block=False) for _ in range(10)]
    assert all(isinstance(f, concurrent.futures.Future) for f in futures)
    assert [f.result() for f in futures] == list(range(1, 11))
    assert all(f.done() and not f.cancelled() for f in futures)
    assert futures[3].result() == 4
    done, pending = concurrent.futures.wait([worker.add(block=False) for _ in range(10)])
    assert len(done) == 10
    assert not pending
    assert sorted(f.result() for f in distob.as_completed([worker.add(block=False) for _ in range(3)])) == [21, 22, 23]


def test_done_callbacks_run() -> None:
    worker = distob.scatter(Worker())
    results: list[int] = []
    called = threading.Event()

    def note(future: concurrent.futures.Future[int]) -> None:
        results.append(future.result())
        called.set()

    future = worker.add(block=False)
    future.add_done_callback(note)
    assert called.wait(20)
    assert results == [1]
    future.add_done_callback(note)  # at once, as it is done
    assert results == [1, 1]


def test_a_callback_on_a_taken_result_runs_at_once() -> None:
    worker = distob.scatter(Worker())
    future = worker.add(block=False)
    assert future.result() == 1
    seen: list[int] = []
    future.add_done_callback(lambda f: seen.append(f.result()))
    assert seen == [1]


def test_futures_can_be_awaited() -> None:
    worker = distob.scatter(Worker())

    async def main() -> list[int]:
        return list(await asyncio.gather(*(worker.add(block=False) for _ in range(5))))

    assert asyncio.run(main()) == [1, 2, 3, 4, 5]


def test_result_with_timeout() -> None:
    worker = distob.scatter(Worker())
    future = worker.sleep(600, block=False)
    with pytest.raises(TimeoutError):
        future.result(timeout=0.01)
    with pytest.raises(TimeoutError):
        future.exception(timeout=0.01)
    assert future.running()
    future.cancel()


def test_an_error_is_in_the_future() -> None:
    worker = distob.scatter(Worker())
    future = worker.fail("later", block=False)
    assert isinstance(future.exception(), ValueError)
    with pytest.raises(ValueError, match="later"):
        future.result()


def test_executor_and_map() -> None:
    with distob.Executor() as executor:
        assert executor.submit(divmod, 17, 5).result() == (3, 2)
        assert list(executor.map(abs, [-1, 2, -3])) == [1, 2, 3]
    assert list(distob.map(lambda a, b: a * b, [1, 2], [3, 4])) == [3, 8]
    with pytest.raises(RuntimeError):
        executor.submit(abs, 1)


def test_a_burst_of_calls_neither_deadlocks_nor_grows() -> None:
    worker = distob.scatter(Worker())
    futures = [distob.methodcall(worker, "add", block=False) for _ in range(30_000)]
    assert futures[-1].result() == 30_000
    assert sum(f.result() for f in futures) == 30_000 * 30_001 // 2


# --- Errors ----------------------------------------------------------------------------------------------------------


def test_errors_keep_type_and_remote_traceback() -> None:
    worker = distob.scatter(Worker())
    with pytest.raises(ValueError, match=r"^bad") as caught:
        worker.fail("bad")
    assert "in fail" in str(caught.value.__cause__)
    assert any("engine" in note for note in caught.value.__notes__)


def test_an_error_that_cannot_be_pickled_arrives_with_its_text() -> None:
    worker = distob.scatter(Worker())
    with pytest.raises(distob.RemoteError, match="the real error"):
        worker.fail_badly()
    assert worker.add() == 1


def test_an_error_that_cannot_be_unpickled_arrives_with_its_text() -> None:
    def fail() -> None:
        raise OneWay("one and only")

    with pytest.raises(distob.RemoteError, match="OneWay: one and only"):
        distob.call(fail)


def test_several_failures_make_a_group() -> None:
    workers = distob.scatter([Worker() for _ in range(4)])
    with pytest.raises(ExceptionGroup) as caught:
        distob.call_all(workers, "fail", "all")
    assert len(caught.value.exceptions) == 4
    with pytest.raises(ValueError, match="one of two"):
        distob.vectorize(lambda w, bad: w.fail("one of two") if w.name == bad else None)(
            distob.scatter([Worker("a"), Worker("b")]), "a"
        )


def test_sync_raises_what_nobody_read() -> None:
    worker = distob.scatter(Worker())
    distob.sync()
    worker.fail("unread", block=False)
    with pytest.raises(ValueError, match="unread"):
        distob.sync()
    distob.sync()


def test_wrong_calls_fail_where_they_are_made() -> None:
    worker = distob.scatter(Worker())
    with pytest.raises(TypeError, match="unexpected keyword"):
        worker.add(times=3)
    with pytest.raises(AttributeError):
        worker.nothing
    with pytest.raises(TypeError):
        len(worker)


# --- Interruption ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["sleep", "spin", "wait_for_a_lock"])
def test_cancel_interrupts_a_running_call_and_the_engine_goes_on(method: str, tmp_path: object) -> None:
    worker = distob.scatter(Worker())
    pid = distob.call(lambda w: os.getpid(), worker)
    future = distob.methodcall(worker, method, *([600.0] if method == "sleep" else []), block=False)
    assert future.cancel()
    assert future.cancelled()
    with pytest.raises(concurrent.futures.CancelledError):
        future.result()
    worker.count = 0
    assert worker.add() == 1
    assert distob.call(lambda w: os.getpid(), worker) == pid


def test_the_interrupted_code_can_clean_up(tmp_path: object) -> None:
    worker = distob.scatter(Worker())
    path = os.path.join(str(tmp_path), "running")
    future = worker.clean_up(path, block=False)
    until(lambda: os.path.exists(path))
    future.cancel()
    assert worker.name == "interrupted"


def test_ctrl_c_interrupts_a_waiting_call(tmp_path: object) -> None:
    worker = distob.scatter(Worker())
    path = os.path.join(str(tmp_path), "running")

    def press() -> None:
        until(lambda: os.path.exists(path))
        os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=press)
    thread.start()
    with pytest.raises(KeyboardInterrupt):
        worker.clean_up(path)
    thread.join()
    assert worker.name == "interrupted"
    assert worker.add() == 1


# --- Calls of calls --------------------------------------------------------------------------------------------------


def test_objects_call_each_other_across_engines() -> None:
    one, other = two_workers()
    one.meet(other)
    assert one.ask("add", 5) == 5
    assert other.count == 5


def test_circular_calls_of_one_chain_finish() -> None:
    one, other = two_workers()
    assert one.through(other, 6) == 6
    assert (one.count, other.count) == (4, 3)


def test_calls_that_wait_for_each_other_raise_deadlock_error(tmp_path: object) -> None:
    one, other = two_workers()
    one.meet(other)
    other.meet(one)
    path = lambda name: os.path.join(str(tmp_path), name)
    first = one.hold_and_ask(path("one"), path("go"), "add", block=False)
    second = other.hold_and_ask(path("other"), path("go"), "add", block=False)
    until(lambda: os.path.exists(path("one")) and os.path.exists(path("other")))
    with open(path("go"), "w"):
        pass
    errors = [first.exception(timeout=30), second.exception(timeout=30)]
    assert [type(error) for error in errors if error is not None] == [distob.DeadlockError]
    assert one.add() + other.add() >= 2


def test_engines_scatter_and_call_through_the_outer_cluster() -> None:
    def inside() -> list[int]:
        workers = distob.scatter([Worker() for _ in range(4)])
        return distob.call_all(workers, "add", 2)

    assert distob.call(inside) == [2, 2, 2, 2]
