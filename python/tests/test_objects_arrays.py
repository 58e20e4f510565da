"""Distributed arrays as arguments of remote calls: lent, not copied."""

from __future__ import annotations

import os
import signal
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import distob
from distob import DistArray, _core
from distob.errors import EngineDied

LARGE = 100_000


def numbers(n: int = LARGE) -> np.ndarray:
    return np.arange(float(n))


class Keeper:
    """Keeps what it is given."""

    def __init__(self) -> None:
        self.held: Any = None

    def hold(self, a: np.ndarray) -> float:
        self.held = a
        return float(a.sum())

    def change(self, by: float) -> None:
        self.held += by

    def seen(self) -> np.ndarray:
        return self.held.copy()


@pytest.fixture(scope="module")
def engines() -> Any:
    with distob.Cluster(n=2) as cluster:
        yield cluster


@pytest.mark.parametrize("n", [1, 10, LARGE])
@pytest.mark.parametrize("axis", [-1, None])
def test_a_function_gets_an_ndarray_and_what_it_writes_is_in_the_array(engines: Any, n: int, axis: Any) -> None:
    a = distob.scatter(numbers(n), axis=axis)
    view = a[::-1]

    def twice(x: np.ndarray, by: float, more: Any = None) -> tuple[str, bool, float]:
        x *= by
        more[0][0] = -1
        return type(x).__name__, x.flags.writeable, float(x[0])

    b = distob.scatter(np.zeros(3))
    assert distob.call(twice, a, 2.0, more=[b]) == ("ndarray", True, 0.0)
    np.testing.assert_array_equal(a, numbers(n) * 2)
    np.testing.assert_array_equal(view, numbers(n)[::-1] * 2)
    assert b.tolist() == [-1, 0, 0]


def test_a_lent_array_is_copied_once_and_never_again(engines: Any) -> None:
    a = distob.scatter(numbers())
    distob.call(lambda x: float(x.sum()), a)
    before = _core.array_statistics()["bytes_copied"]
    for _ in range(5):
        assert distob.call(lambda x: float(x.sum()), a) == numbers().sum()
        a += 0  # the client's writes stay in the shared memory
    assert _core.array_statistics()["bytes_copied"] == before


@pytest.mark.parametrize("n", [10, LARGE])
def test_arrays_that_overlap_overlap_in_the_engine(engines: Any, n: int) -> None:
    a = distob.scatter(numbers(n))

    def shift(whole: np.ndarray, tail: np.ndarray, head: np.ndarray) -> bool:
        same = np.shares_memory(whole, tail)
        tail[...] = head  # NumPy sees that these overlap, and copies first
        whole[0] = -7
        return same

    assert distob.call(shift, a, a[1:], a[:-1])
    np.testing.assert_array_equal(a, np.concatenate([[-7], numbers(n)[:-1]]))


def test_an_array_that_occurs_twice_arrives_as_one(engines: Any) -> None:
    a = distob.scatter(numbers())
    assert distob.call(lambda x, y, more: x is y and more["x"] is x, a, a, {"x": a})


def test_proxies_methods_get_arrays_too(engines: Any) -> None:
    keeper = distob.scatter(Keeper())
    a = distob.scatter(numbers())
    assert keeper.hold(a) == numbers().sum()
    assert distob.methodcall(keeper, "hold", a) == numbers().sum()
    assert keeper.hold(a, block=False).result() == numbers().sum()


@pytest.mark.parametrize("n", [10, LARGE])
def test_what_a_method_keeps_is_a_copy(engines: Any, n: int) -> None:
    keeper = distob.scatter(Keeper())
    a = distob.scatter(numbers(n))
    keeper.hold(a)
    a += 1000
    keeper.change(-5)
    np.testing.assert_array_equal(keeper.seen(), numbers(n) - 5)
    np.testing.assert_array_equal(a, numbers(n) + 1000)
    keeper.hold(a)
    keeper.hold(a)  # the first memory is the engine's now, and so is the second
    keeper.change(1)
    np.testing.assert_array_equal(a, numbers(n) + 1000)


def test_a_failing_function_gives_the_array_back(engines: Any) -> None:
    a = distob.scatter(numbers())

    def fails(x: np.ndarray) -> None:
        x[0] = 9
        raise KeyError(x[1])

    with pytest.raises(KeyError):
        distob.call(fails, a)
    assert a[0] == 9
    a[0] = 0
    np.testing.assert_array_equal(a, numbers())


def test_an_argument_that_cannot_be_sent_leaves_the_array_free(engines: Any) -> None:
    a = distob.scatter(numbers())
    with pytest.raises(distob.errors.EncodeError):
        distob.call(lambda x, y: 0, a, threading.Lock())
    a[0] = 1
    assert a[0] == 1


def test_results_that_are_the_array_or_views_of_it_are_values(engines: Any) -> None:
    a = distob.scatter(numbers())
    for result, expected in [
        (distob.call(lambda x: x, a), numbers()),
        (distob.call(lambda x: x[::2], a), numbers()[::2]),
        (distob.call(lambda x: (x[:2], {"x": x[3:4]}), a)[0], numbers()[:2]),
    ]:
        assert type(result) is np.ndarray
        np.testing.assert_array_equal(result, expected)
    a[0] = 5
    assert a[0] == 5


def test_read_only_arrays_are_lent_for_reading(engines: Any) -> None:
    a = distob.scatter(numbers())
    b = np.broadcast_to(a, (2, LARGE))

    def write(x: np.ndarray) -> None:
        x[0] = 1

    with pytest.raises(ValueError, match="read-only"):
        distob.call(write, b)
    assert distob.call(lambda x: x.shape, b) == (2, LARGE)


def test_scalars_and_empty_arrays_travel_by_value(engines: Any) -> None:
    a = distob.scatter(numbers())
    assert distob.call(lambda x: (type(x).__name__, float(x)), a.sum()) == ("float64", numbers().sum())
    assert distob.call(lambda x: (type(x).__name__, x.shape), distob.scatter(np.empty((0, 3)))) == ("ndarray", (0, 3))


@pytest.mark.parametrize(
    "dtype", ["?", "i1", ">i4", "f2", "c16", "M8[ns]", "m8[s]", "S5", "U3", "g", [("x", "f8"), ("y", "i2")]]
)
def test_every_dtype_arrives_as_it_is(engines: Any, dtype: Any) -> None:
    local = np.zeros((3, 4), dtype)
    local.view("u1" if not isinstance(dtype, str) or dtype not in "?" else "?")[...] = 0
    a = distob.scatter(local)
    assert distob.call(lambda x: (x.dtype, x.shape, x.tobytes()), a) == (local.dtype, local.shape, local.tobytes())


def test_strides_survive(engines: Any) -> None:
    local = np.arange(6000.0).reshape(50, 120)
    a = distob.scatter(local)
    for view in (a.T, a[::-2, 5:], a[:, 3], a[..., None]):
        expected = np.asarray(view).copy()
        got = distob.call(lambda x: (x.copy(), x.__iadd__(1) is not None), view)[0]
        np.testing.assert_array_equal(got, expected)
        np.testing.assert_array_equal(view, expected + 1)


def test_an_array_of_several_parts_arrives_whole_and_writes_reach_the_parts(engines: Any) -> None:
    for n in (5, LARGE):
        one, other = distob.scatter(numbers(n), axis=None), distob.scatter(numbers(n), axis=None)
        both = DistArray([one, other])

        def write(x: np.ndarray) -> int:
            x[-1] = -1
            return len(x)

        assert distob.call(write, both) == 2 * n
        assert other[-1] == -1 and one[-1] == n - 1
        with pytest.raises(ValueError, match="several storages"):
            distob.call(lambda x, y: 0, both, one)


def test_a_global_of_the_function_is_the_array_of_now(engines: Any) -> None:
    a = distob.scatter(numbers())

    def first() -> float:
        return float(a[0])

    assert distob.call(first) == 0
    a[0] = 3
    assert distob.call(first) == 3


def test_assigned_and_scattered_arrays_are_copies(engines: Any) -> None:
    keeper = distob.scatter(Keeper())
    a = distob.scatter(numbers())
    keeper.held = a
    keeper.change(1)
    np.testing.assert_array_equal(a, numbers())
    np.testing.assert_array_equal(keeper.seen(), numbers() + 1)


def test_work_of_the_client_on_a_lent_array_waits_for_its_turn(engines: Any, tmp_path: Path) -> None:
    local = np.arange(LARGE)
    a = distob.scatter(local)
    fifo = str(tmp_path / "go")
    os.mkfifo(fifo)

    def add(x: np.ndarray, path: str) -> None:
        with open(path):  # until the client opens it, too
            x += 1

    future = distob.call(add, a, fifo, block=False)
    later = a * 10  # of the values after the call; integers raise no warnings, so nothing waits here
    with open(fifo, "w"):
        pass
    a[0] = 77
    np.testing.assert_array_equal(later, (local + 1) * 10)
    future.result()
    assert a[0] == 77 and a[1] == 2


def test_asynchronous_calls_on_one_array_follow_each_other(engines: Any) -> None:
    a = distob.scatter(numbers())

    def add(x: np.ndarray) -> None:
        x += 1

    futures = [distob.call(add, a, block=False) for _ in range(20)]
    for future in futures:
        future.result()
    np.testing.assert_array_equal(a, numbers() + 20)


def test_two_engines_read_one_array_at_once(engines: Any, tmp_path: Path) -> None:
    a = distob.scatter(numbers())
    fifo = str(tmp_path / "meet")
    os.mkfifo(fifo)

    def meet(me: int, x: np.ndarray, path: str) -> float:
        with open(path, "rw"[me]):  # returns when the other one is there, too
            return float(x[-1])

    assert distob.apply(meet, [0, 1], a, fifo) == [LARGE - 1, LARGE - 1]
    with pytest.raises(ExceptionGroup) as caught:
        distob.apply(lambda item, x: x.sort(), [0, 1], a)
    assert "read-only" in str(caught.value.exceptions[0])


def test_a_function_over_blocks_gets_other_arrays_whole(engines: Any) -> None:
    a, weights = distob.scatter(numbers(), blocksize=LARGE // 4), distob.scatter(numbers(100))

    def weigh(block: np.ndarray, w: np.ndarray, *, plus: list[Any]) -> None:
        block += w.sum() + plus[0][-1]

    distob.apply(weigh, a, weights, plus=[a])  # `a` as it was before the call
    np.testing.assert_array_equal(a, numbers() + numbers(100).sum() + LARGE - 1)


def test_an_engine_that_is_killed_while_it_writes_leaves_the_rest_intact() -> None:
    with distob.Cluster(n=2):
        a, other = distob.scatter(numbers()), distob.scatter(numbers())

        def dies(x: np.ndarray) -> None:
            x[: LARGE // 2] = -1
            os.kill(os.getpid(), signal.SIGKILL)

        with pytest.raises(EngineDied):
            distob.call(dies, a)
        assert a[0] == -1 and a[-1] == LARGE - 1  # as it left it
        a[...] = other
        a += 1
        assert distob.call(lambda x: float(x.sum()), a) == (numbers() + 1).sum()


def test_a_closed_cluster_gives_arrays_back(tmp_path: Path) -> None:
    fifo = str(tmp_path / "never")
    os.mkfifo(fifo)
    a = distob.scatter(numbers())

    def hang(x: np.ndarray, path: str) -> None:
        with open(path):
            x[...] = 0

    with distob.Cluster(n=1):
        future = distob.call(hang, a, fifo, block=False)
    with pytest.raises(distob.errors.ClosedError):
        future.result()
    a += 1
    np.testing.assert_array_equal(a, numbers() + 1)


def test_nothing_is_left_of_loans(engines: Any) -> None:
    def open_files() -> int:
        return len(os.listdir("/proc/self/fd"))

    def add(x: np.ndarray) -> None:
        x += 1

    a = distob.scatter(numbers())
    distob.call(add, a)
    here, there = open_files(), distob.call(open_files)
    engine_of = [distob.call(os.getpid) for _ in range(2)]
    for _ in range(50):
        distob.call(add, a)
    for _ in engine_of:
        assert distob.call(open_files) <= there + 1
    assert open_files() <= here + 1


def test_ctrl_c_ends_the_wait_for_a_lent_array_and_nothing_else(engines: Any, tmp_path: Path) -> None:
    a = distob.scatter(numbers())
    started, go_on = str(tmp_path / "started"), str(tmp_path / "go on")
    os.mkfifo(started)
    os.mkfifo(go_on)

    def wait(x: np.ndarray, started: str, go_on: str) -> None:
        open(started, "w").close()
        open(go_on).close()
        x += 1

    def interrupt() -> None:
        open(started).close()
        os.kill(os.getpid(), signal.SIGINT)

    future = distob.call(wait, a, started, go_on, block=False)
    thread = threading.Thread(target=interrupt)
    with pytest.raises(KeyboardInterrupt):
        thread.start()
        float(a[0])
    thread.join()
    thread = threading.Thread(target=interrupt)
    distob.call(lambda path: open(path, "w").close(), started, block=False)
    with pytest.raises(KeyboardInterrupt):
        thread.start()
        distob.call(lambda x: 0, a)  # waits for the loan
    thread.join()
    open(go_on, "w").close()
    future.result()
    assert a[0] == 1 and distob.call(lambda x: float(x[1]), a) == 2
