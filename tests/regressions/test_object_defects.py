"""Defects of distob 0.3 and of other libraries that concern objects, each by its number in the list of what went wrong.

Numbers that are missing here concern arrays, the wire or several hosts, or have their test beside the code.
"""

from __future__ import annotations

import gc
import os
import pickle
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import distob


class Box:
    def __init__(self, value: object = None) -> None:
        self.value = value

    def get(self) -> object:
        return self.value

    def set(self, value: object) -> None:
        self.value = value

    def fail(self) -> None:
        raise ValueError("wrong")

    def pair(self) -> tuple[int, int]:
        return 1, 2

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)

    def fail_badly(self) -> None:
        raise Exception("the real error", threading.Lock())


@pytest.fixture(scope="module", autouse=True)
def cluster() -> Iterator[distob.Cluster]:
    with distob.Cluster(n=2) as started:
        yield started


def run(source: str) -> str:
    package = str(Path(distob.__file__).parents[1])
    result = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(source)],
        capture_output=True, text=True, timeout=60, check=False, env={**os.environ, "PYTHONPATH": package},
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    return result.stdout


def test_01_garbage_collection_of_proxies_never_waits() -> None:
    boxes = distob.scatter([Box(i) for i in range(200)])
    threads = [threading.Thread(target=gc.collect) for _ in range(4)]
    for i, box in enumerate(boxes):
        cycle: list[object] = [box]
        cycle.append(cycle)
        boxes[i] = None
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert distob.scatter(Box(1)).get() == 1


def test_02_del_frees_without_a_cyclic_collection() -> None:
    gc.disable()
    try:
        box = distob.scatter(Box(1))
        count = lambda: distob.call(lambda b: distob._core.engine_link().number_of_objects(), keeper)
        keeper = distob.scatter(Box())
        while keeper._id.engine != box._id.engine:
            keeper = distob.scatter(Box())
        before = count()
        del box
        assert count() == before - 1
    finally:
        gc.enable()


def test_03_a_proxy_cannot_be_pickled_outside_a_call() -> None:
    box = distob.scatter(Box(1))
    with pytest.raises(pickle.PicklingError, match="gather"):
        pickle.dumps(box)


def test_05_remote_arguments_on_different_engines() -> None:
    one, other = distob.scatter([Box(1), Box(2)])
    assert one._id.engine != other._id.engine
    assert distob.call(lambda a, b: a.get() + b.get(), one, other) == 3


def test_06_types_of_errors_and_results_are_kept() -> None:
    box = distob.scatter(Box([0]))
    with pytest.raises(ValueError, match="wrong") as caught:
        box.fail()
    assert type(caught.value) is ValueError
    assert type(box.pair()) is tuple
    box.value[0] = 5
    assert list(box.value) == [5]


def test_07_proxies_of_one_class_have_attributes_of_their_own() -> None:
    one, other = distob.scatter([Box(), Box()])
    one.extra = 1
    assert not hasattr(other, "extra")


def test_07_threads_call_at_the_same_time() -> None:
    boxes = distob.scatter([Box(i) for i in range(8)])
    wrong: list[object] = []

    def work(i: int) -> None:
        wrong.extend(i for _ in range(100) if boxes[i].get() != i)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_09_a_class_of_main_needs_no_decorator_and_20_no_guard() -> None:
    printed = run("""
        import distob
        class T:
            def f(self): return 42
        print(distob.scatter(T()).f())
    """)
    assert printed.strip() == "42"


def test_11_a_running_call_is_stopped_without_losing_the_engine() -> None:
    box = distob.scatter(Box(7))
    future = box.sleep(600, block=False)
    assert future.cancel()
    assert box.get() == 7


def test_12_the_death_of_an_engine_is_an_error_at_once_and_15_says_why() -> None:
    with distob.Cluster(n=2) as cluster:
        one, other = distob.scatter([Box(1), Box(2)])
        os.kill(cluster.pids[one._id.engine], signal.SIGKILL)
        with pytest.raises(distob.ObjectLost):
            while True:
                one.get()
        with pytest.raises(distob.ObjectLost, match=r"engine \d+.*signal 9|signal 9"):
            one.get()
        assert other.get() == 2


def test_13_results_that_were_read_are_not_kept() -> None:
    box = distob.scatter(Box(b"x" * 100_000))
    import resource

    for _ in range(200):
        box.get()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for _ in range(1000):
        box.get()
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50_000  # KiB; 100 MB were read


def test_16_arrays_that_come_back_are_writable() -> None:
    result = distob.call(np.zeros, 100_000)
    result[0] = 1
    assert result[0] == 1


def test_17_attributes_need_no_getter_and_18_no_remote_or_get() -> None:
    box = distob.scatter(Box(3))
    box.value += 1
    assert box.value == 4


def test_19_an_exception_that_cannot_be_pickled_shows_the_real_error() -> None:
    with pytest.raises(distob.RemoteError, match="the real error"):
        distob.scatter(Box()).fail_badly()


def test_21_iteration_is_not_one_round_trip_an_element() -> None:
    numbers = distob.scatter(list(range(20_000)))
    calls = 0
    original = distob._core.next_batch

    def counting(*args: object) -> object:
        nonlocal calls
        calls += 1
        return original(*args)

    distob._core.next_batch = counting
    try:
        assert sum(numbers) == sum(range(20_000))
    finally:
        distob._core.next_batch = original
    assert calls < 200


def test_22_a_burst_of_large_calls_does_not_deadlock() -> None:
    box = distob.scatter(Box())
    futures = [distob.methodcall(box, "set", bytes(5000), block=False) for _ in range(5000)]
    assert [f.result() for f in futures] == [None] * 5000


def test_25_reading_a_proxy_as_an_array_runs_no_code_of_a_peer_here() -> None:
    box = distob.scatter(Box(1))
    array = np.asarray(box)  # no __array__ of the object: NumPy holds the proxy itself
    assert array.dtype == object
