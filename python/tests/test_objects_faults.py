"""What happens when processes end, fork, or are asked for the impossible."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

import distob


class Box:
    def __init__(self, value: object = None) -> None:
        self.value = value

    def get(self) -> object:
        return self.value

    def pid(self) -> int:
        return os.getpid()

    def say(self, text: str) -> None:
        print(text)

    def die(self) -> None:
        print("my last words", flush=True)
        os.kill(os.getpid(), signal.SIGKILL)

    def leave(self) -> None:
        os._exit(3)

    def wait(self, path: str) -> None:
        Path(path).touch()
        time.sleep(600)


def until(condition: Callable[[], bool], what: str = "", seconds: float = 20) -> None:
    """Waits for something another process does."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"never happened: {what}"
        time.sleep(0.002)


def is_running(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def script(source: str, **options: object) -> subprocess.CompletedProcess[str]:
    """Runs `source` as the __main__ of a fresh process."""
    package = str(Path(distob.__file__).parents[1])
    environment = {**os.environ, "PYTHONPATH": package}
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(source)], capture_output=True, text=True, timeout=60, env=environment,
        check=False, **options,  # type: ignore[call-overload]
    )  # fmt: skip


# --- Engines that end ------------------------------------------------------------------------------------------------


def test_an_engine_killed_during_a_call_ends_that_call_and_no_other(tmp_path: Path) -> None:
    with distob.Cluster(n=2):
        one, other = distob.scatter([Box(1), Box(2)])
        future = one.wait(str(tmp_path / "running"), block=False)
        pid = distob._clusters.current().pids[one._id.engine]
        until((tmp_path / "running").exists)
        os.kill(pid, signal.SIGKILL)
        with pytest.raises(distob.EngineDied, match=r"signal 9"):
            future.result(timeout=20)
        with pytest.raises(distob.ObjectLost):
            one.get()
        assert other.get() == 2
        assert distob.scatter(Box(3)).get() == 3  # on the engine that is left


def test_a_dead_engines_last_output_is_in_the_error() -> None:
    with distob.Cluster(n=1):
        box = distob.scatter(Box())
        with pytest.raises(distob.EngineDied, match="my last words"):
            box.die()


def test_an_engine_that_exits_says_how() -> None:
    with distob.Cluster(n=1), pytest.raises(distob.EngineDied, match="exit status 3"):
        distob.scatter(Box()).leave()


def test_the_default_cluster_is_started_again_when_all_its_engines_are_gone() -> None:
    result = script("""
        import distob, os, signal
        first = distob.scatter([1])[0]
        for pid in list(distob._clusters.current().pids.values()):
            os.kill(pid, signal.SIGKILL)
        try:
            first.bit_length()
        except distob.ObjectLost:
            print("lost")
        import time
        while distob._clusters._default.engines: time.sleep(0.01)
        print(distob.call(abs, -3))
    """)
    assert result.stdout.split() == ["lost", "3"], result.stderr


# --- Clusters --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [0, -1, 10_000])
def test_an_impossible_number_of_engines_is_refused_with_the_range(number: int) -> None:
    with pytest.raises(ValueError, match="1"):
        distob.Cluster(n=number)


def test_objects_of_a_closed_cluster_raise_closed_error() -> None:
    with distob.Cluster(n=1) as cluster:
        box = distob.scatter(Box(1))
    assert cluster.closed
    with pytest.raises(distob.ClosedError):
        box.get()
    with pytest.raises(distob.ClosedError), cluster:
        pass
    cluster.close()


def test_closing_ends_pending_calls(tmp_path: Path) -> None:
    with distob.Cluster(n=1):
        future = distob.scatter(Box()).wait(str(tmp_path / "x"), block=False)
        until((tmp_path / "x").exists)
    with pytest.raises(distob.ClosedError):
        future.result(timeout=20)


def test_an_object_of_another_cluster_is_refused() -> None:
    with distob.Cluster(n=1):
        box = distob.scatter(Box(1))
        with distob.Cluster(n=1), pytest.raises(distob.EncodeError, match="another cluster"):
            distob.scatter(Box()).__class__
            distob.methodcall(distob.scatter(Box()), "__init__", box)


def test_setup_engines_takes_a_number_or_a_cluster() -> None:
    result = script("""
        import distob
        print(len(distob.setup_engines(1)), distob.engine.nengines)
        with distob.Cluster(n=2) as cluster:
            print(distob.setup_engines(cluster) is cluster, distob.engine.nengines)
        try:
            distob.setup_engines("nothing")
        except TypeError:
            print("refused")
    """)
    assert result.stdout.split() == ["1", "1", "True", "2", "refused"], result.stderr


@pytest.mark.parametrize("n", ["x", 2.5, True, [1]], ids=repr)
def test_a_number_of_engines_that_is_none_is_refused_in_plain_words(n: object) -> None:
    with pytest.raises(TypeError, match=f"how many engines to start, a whole number, not {type(n).__name__}"):
        distob.Cluster(n)  # type: ignore[arg-type]


@pytest.mark.parametrize("n", [0, -1, 10**30])
def test_an_impossible_number_of_engines_is_refused(n: int) -> None:
    with pytest.raises(ValueError, match="engines"):
        distob.Cluster(n)


def test_distob_engines_chooses_the_number() -> None:
    result = script("import os; os.environ['DISTOB_ENGINES'] = '3'; import distob; print(distob.engine.nengines)")
    assert result.stdout.strip() == "3", result.stderr


def test_fifty_clusters_leave_nothing_behind() -> None:
    with distob.Cluster(n=1):
        distob.scatter(Box()).get()
    descriptors, threads = len(os.listdir("/proc/self/fd")), threading.active_count()
    tasks = len(os.listdir("/proc/self/task"))
    pids: list[int] = []
    for i in range(50):
        with distob.Cluster(n=1) as cluster:
            pids += cluster.pids.values()
            assert distob.scatter(Box(i)).get() == i
    del cluster
    assert not [pid for pid in pids if is_running(pid)]
    assert len(os.listdir("/proc/self/fd")) <= descriptors
    assert threading.active_count() == threads
    assert len(os.listdir("/proc/self/task")) == tasks


# --- The client's end ------------------------------------------------------------------------------------------------


def test_a_killed_client_takes_its_engines_along() -> None:
    source = """
        import distob, os, sys, time
        with distob.Cluster(n=2) as cluster:
            future = distob.call(time.sleep, 600, block=False)
            print(*cluster.pids.values(), flush=True)
            future.result()
    """
    package = str(Path(distob.__file__).parents[1])
    client = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(source)], stdout=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONPATH": package},
    )  # fmt: skip
    assert client.stdout is not None
    pids = [int(pid) for pid in client.stdout.readline().split()]
    assert len(pids) == 2
    client.kill()
    client.wait()
    until(lambda: not any(is_running(pid) for pid in pids), "the engines end", seconds=10)
    client.stdout.close()


def test_a_program_ends_with_running_calls_and_live_proxies() -> None:
    result = script("""
        import distob, time
        box = distob.scatter([1, 2, 3])
        future = distob.call(time.sleep, 600, block=False)
        future.add_done_callback(lambda f: None)
        print("end")
    """)
    assert (result.returncode, result.stdout.strip()) == (0, "end"), result.stderr


def test_a_forked_child_is_told_what_to_do() -> None:
    result = script("""
        import distob, os
        class Box:
            def get(self): return 1
        box = distob.scatter(Box())
        pid = os.fork()
        if pid == 0:
            try:
                box.get()
            except distob.ForkedError as error:
                del box
                print("child:", "gather" in str(error) or "fork" in str(error), flush=True)
            with distob.Cluster(n=1):
                print("own:", distob.scatter(Box()).get(), flush=True)
            os._exit(0)
        os.waitpid(pid, 0)
        print("parent:", box.get())
    """)
    assert result.stdout.splitlines() == ["child: True", "own: 1", "parent: 1"], result.stderr


def test_no_guard_is_needed_and_classes_of_main_work() -> None:
    result = script("""
        import distob
        RATE = 3
        class Tree:
            def __init__(self, height): self.height = height
            def grow(self): self.height *= RATE; return self
            def __repr__(self): return f"Tree({self.height})"
        def tallest(tree, other): return max(tree.height, other.height)
        trees = distob.scatter([Tree(i) for i in range(4)])
        assert trees[2].grow() is trees[2]
        print(trees[2].height, distob.call(tallest, trees[1], trees[3]), type(distob.gather(trees[0])) is Tree)
    """)
    assert result.stdout.split() == ["6", "3", "True"], result.stderr


def test_output_of_engines_is_prefixed() -> None:
    result = script("""
        import distob, sys
        class Box:
            def say(self): print("hello"); print("trouble", file=sys.stderr)
        with distob.Cluster(n=1):
            distob.scatter(Box()).say()
    """)
    assert "[engine 0] hello" in result.stdout
    assert "[engine 0] trouble" in result.stderr


def test_importing_distob_starts_nothing() -> None:
    result = script("""
        import os, threading
        import distob
        print(threading.active_count(), len(os.listdir("/proc/self/task")), "cloudpickle" in __import__("sys").modules)
    """)
    assert result.stdout.split()[0] == "1"
    assert result.stdout.split()[2] == "False"
