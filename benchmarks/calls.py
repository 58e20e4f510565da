"""Remote calls of distob beside multiprocessing, rpyc, Dask actors and ipyparallel, from one run on one machine.

Everywhere the same object, `Counter`, lives in another process of this machine and `add(1)` is called on it. The peers
take turns, so that a busy moment of the machine hits all of them. `pipe` is the least that any of them can do: a pipe,
pickle and a loop.
"""

from __future__ import annotations

import contextlib
import json
import multiprocessing
import os
import statistics
import subprocess
import sys
import tempfile
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator
from multiprocessing.connection import Connection
from multiprocessing.managers import BaseManager
from pathlib import Path
from typing import Any

import measure
from measure import duration


class Counter:
    """The object that is called."""

    def __init__(self) -> None:
        self.count = 0

    def add(self, number: int) -> int:
        self.count += number
        return self.count

    def pid(self) -> int:
        return os.getpid()


class Peer(ABC):
    """One library with two processes running and a Counter in one of them."""

    name: str
    module: str | None = None
    pipelined = 20_000  #: calls in one measurement of the pipelined rate; 0: the library has no such call
    calls = 400  #: synchronous calls in a round

    @abstractmethod
    def start(self) -> None:
        """Starts two processes; each has answered once when this returns."""

    @abstractmethod
    def call(self) -> int:
        """One synchronous call."""

    def pipeline(self, count: int) -> None:
        """`count` calls without waiting for each, and all their results."""
        raise NotImplementedError

    @abstractmethod
    def pid(self) -> int:
        """The process that holds the object."""

    @abstractmethod
    def stop(self) -> None:
        """Ends what was started."""


class Distob(Peer):
    name = "distob"
    module = "distob"
    calls = 2000
    pipelined = 100_000

    def start(self) -> None:
        import distob

        self.distob = distob
        self.cluster = distob.Cluster(n=2)
        self.cluster.__enter__()
        self.counter, other = distob.scatter([Counter(), Counter()])
        other.add(1)
        self.counter.add(1)

    def call(self) -> int:
        return self.counter.add(1)

    def pipeline(self, count: int) -> None:
        call = self.distob.methodcall
        futures = [call(self.counter, "add", 1, block=False) for _ in range(count)]
        for future in futures:
            future.result()

    def pid(self) -> int:
        return self.counter.pid()

    def stop(self) -> None:
        del self.counter
        self.cluster.__exit__(None, None, None)


def serve_pipe(connection: Connection) -> None:
    counter = Counter()
    with contextlib.suppress(EOFError):
        while True:
            name, arguments = connection.recv()
            connection.send(getattr(counter, name)(*arguments))


class Pipe(Peer):
    name = "pipe and pickle"
    calls = 2000
    window = 64  #: more would fill both pipes: each side would wait for the other to read

    def start(self) -> None:
        context = multiprocessing.get_context("forkserver")
        self.ends, self.processes = [], []
        for _ in range(2):
            ours, theirs = context.Pipe()
            self.ends.append(ours)
            self.processes.append(context.Process(target=serve_pipe, args=(theirs,), daemon=True))
            self.processes[-1].start()
            theirs.close()
        for end in self.ends:
            end.send(("add", (1,)))
            end.recv()

    def call(self) -> int:
        self.ends[0].send(("add", (1,)))
        return self.ends[0].recv()

    def pipeline(self, count: int) -> None:
        end = self.ends[0]
        for _ in range(self.window):
            end.send(("add", (1,)))
        for _ in range(count - self.window):
            end.recv()
            end.send(("add", (1,)))
        for _ in range(self.window):
            end.recv()

    def pid(self) -> int:
        return self.processes[0].pid

    def stop(self) -> None:
        for end, process in zip(self.ends, self.processes, strict=True):
            end.close()
            process.join(5)


class CounterManager(BaseManager):
    """A manager process that makes Counters."""


CounterManager.register("Counter", Counter)


class Manager(Peer):
    name = "multiprocessing.Manager"
    calls = 2000
    pipelined = 0

    def start(self) -> None:
        context = multiprocessing.get_context("forkserver")
        self.managers = [CounterManager(ctx=context) for _ in range(2)]
        for manager in self.managers:
            manager.start()
        self.counters = [manager.Counter() for manager in self.managers]
        for counter in self.counters:
            counter.add(1)

    def call(self) -> int:
        return self.counters[0].add(1)

    def pid(self) -> int:
        return self.counters[0].pid()

    def stop(self) -> None:
        self.counters = []
        for manager in self.managers:
            manager.shutdown()


RPYC_SERVER = """
import sys, os, numpy, rpyc
from rpyc.utils.server import OneShotServer
class Counter(rpyc.Service):
    count = 0
    def exposed_add(self, number):
        self.count += number
        return self.count
    def exposed_pid(self):
        return os.getpid()
OneShotServer(Counter, socket_path=sys.argv[1]).start()
"""


class Rpyc(Peer):
    name = "rpyc, Unix socket"
    module = "rpyc"
    pipelined = 2000
    window = 100  #: with many more it deadlocks: both sides write and neither reads

    def start(self) -> None:
        import rpyc

        self.rpyc = rpyc
        self.folder = tempfile.TemporaryDirectory(prefix="calls-")
        paths = [Path(self.folder.name, str(number)) for number in range(2)]
        self.processes = [subprocess.Popen([sys.executable, "-c", RPYC_SERVER, path]) for path in paths]
        self.connections = [self._connect(path) for path in paths]
        self.adds = [connection.root.add for connection in self.connections]
        for add in self.adds:
            add(1)

    def _connect(self, path: Path) -> Any:
        while True:
            try:
                return self.rpyc.utils.factory.unix_connect(str(path))
            except OSError:
                time.sleep(0.002)

    def call(self) -> int:
        return self.adds[0](1)

    def pipeline(self, count: int) -> None:
        add = self.rpyc.async_(self.adds[0])
        for _ in range(count // self.window):
            for result in [add(1) for _ in range(self.window)]:
                result.wait()

    def pid(self) -> int:
        return self.connections[0].root.pid()

    def stop(self) -> None:
        for connection, process in zip(self.connections, self.processes, strict=True):
            connection.close()
            process.terminate()
            process.wait(5)
        self.folder.cleanup()


class Dask(Peer):
    name = "Dask actor"
    module = "distributed"
    calls = 100
    pipelined = 1000

    def start(self) -> None:
        import dask
        import distributed

        dask.config.set({"distributed.worker.daemon": True})
        self.cluster = distributed.LocalCluster(2, threads_per_worker=1, dashboard_address=None, silence_logs=40)
        self.client = distributed.Client(self.cluster)
        workers = list(self.client.scheduler_info()["workers"])
        counters = [self.client.submit(Counter, actor=True, workers=[worker], pure=False) for worker in workers]
        self.counter, other = (counter.result() for counter in counters)
        other.add(1).result()
        self.counter.add(1).result()

    def call(self) -> int:
        return self.counter.add(1).result()

    def pipeline(self, count: int) -> None:
        for future in [self.counter.add(1) for _ in range(count)]:
            future.result()

    def pid(self) -> int:
        return self.counter.pid().result()

    def stop(self) -> None:
        self.client.close()
        self.cluster.close()


def add_in_engine(number: int) -> int:
    counter.count += number  # type: ignore[name-defined]  # noqa: F821  # the engine's own namespace
    return counter.count  # type: ignore[name-defined]  # noqa: F821


class IPyParallel(Peer):
    name = "ipyparallel"
    module = "ipyparallel"
    calls = 20
    pipelined = 200

    def start(self) -> None:
        import ipyparallel

        self.cluster = ipyparallel.Cluster(n=2, log_level=40)
        self.client = self.cluster.start_and_connect_sync()
        for view in (self.client[0], self.client[1]):
            view.execute("class Counter:\n count = 0\ncounter = Counter()", block=True)
        self.view = self.client[0]
        self.call()

    def call(self) -> int:
        return self.view.apply_sync(add_in_engine, 1)

    def pipeline(self, count: int) -> None:
        for result in [self.view.apply_async(add_in_engine, 1) for _ in range(count)]:
            result.get()

    def pid(self) -> int:
        return self.view.apply_sync(os.getpid)

    def stop(self) -> None:
        self.client.close()
        self.cluster.stop_cluster_sync()


PEERS: list[type[Peer]] = [Distob, Pipe, Manager, Rpyc, Dask, IPyParallel]


def start_all(kinds: list[type[Peer]]) -> Iterator[tuple[Peer, float]]:
    """Each peer with two processes running, and the seconds that took with its module imported."""
    for kind in kinds:
        running = kind()
        started = time.perf_counter()
        running.start()
        yield running, time.perf_counter() - started


def percentile(values: list[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def measure_calls(peers: list[Peer], rounds: int) -> dict[str, list[float]]:
    """Seconds of each synchronous call, the peers taking turns."""
    taken: dict[str, list[float]] = {running.name: [] for running in peers}
    for number in range(rounds + 1):
        for running in peers:
            for _ in range(running.calls):
                started = time.perf_counter()
                running.call()
                if number:  # the first round warms up
                    taken[running.name].append(time.perf_counter() - started)
    return taken


def measure_pipelines(peers: list[Peer], rounds: int) -> dict[str, float]:
    """Calls a second of each peer that can send without waiting."""
    able = [running for running in peers if running.pipelined]
    rates: dict[str, list[float]] = {running.name: [] for running in able}
    for _ in range(rounds):
        for running in able:
            started = time.perf_counter()
            running.pipeline(running.pipelined)
            rates[running.name].append(running.pipelined / (time.perf_counter() - started))
    return {name: statistics.median(values) for name, values in rates.items()}


def burst(running: Peer, count: int = 100_000) -> str:
    """What 100,000 calls sent at once cost in memory, here and in the engine."""
    before = measure.resident_memory(), measure.resident_memory(running.pid())
    started = time.perf_counter()
    running.pipeline(count)
    elapsed = time.perf_counter() - started
    here = measure.resident_memory() - before[0]
    there = measure.resident_memory(running.pid()) - before[1]
    return (
        f"A burst of {count:,} asynchronous calls: {duration(elapsed)}, the client's memory grew by {here:.0f} MB, "
        f"the engine's by {there:.0f} MB."
    )


def import_times(modules: list[str], rounds: int = 5) -> dict[str, float]:
    """Seconds to import each module in a process that has imported numpy; the modules take turns."""
    program = "import numpy, time; t = time.perf_counter(); import {}; print(time.perf_counter() - t)"
    taken: dict[str, list[float]] = {module: [] for module in modules}
    for _ in range(rounds):
        for module in modules:
            output = subprocess.run([sys.executable, "-c", program.format(module)], capture_output=True, text=True)
            if output.returncode == 0:
                taken[module].append(float(output.stdout.split()[-1]))
    return {module: statistics.median(values) for module, values in taken.items() if values}


def native(path: Path) -> list[str] | None:
    """The same measurements from C++ (benchmarks/calls.cpp), as a row of the table."""
    if not path.exists():
        raise SystemExit(f"{path} was not built; ./dev bench builds it")
    output = subprocess.run([path], capture_output=True, text=True, check=True, timeout=300).stdout
    numbers = json.loads(output.splitlines()[-1])
    return [
        "distob from C++",
        duration(numbers["start"]),
        duration(numbers["p50"]),
        duration(numbers["p99"]),
        f"{numbers['pipelined']:,.0f}/s",
        f"{numbers['memory']:.1f} MB",
        "",
    ]


def main() -> None:
    options = measure.arguments(__doc__ or "")
    kinds = [kind for kind in PEERS if options.only.lower() in kind.name.lower() or kind is Distob]
    if options.no_peers:
        kinds = [Distob]
    kinds = [kind for kind in kinds if kind.module is None or kind is Distob or measure.peer(kind.module)]
    import distob  # noqa: F401  # import time is measured apart

    print("starting:", ", ".join(kind.name for kind in kinds), flush=True)
    peers, starts, memory = [], {}, {}
    for running, seconds in start_all(kinds):
        peers.append(running)
        starts[running.name] = seconds
        memory[running.name] = measure.private_memory(running.pid())
        print(f"{running.name}: two processes in {duration(seconds)}", flush=True)
    calls = measure_calls(peers, options.rounds)
    rates = measure_pipelines(peers, 3)
    imports = import_times([kind.module for kind in kinds if kind.module])
    lines = [
        [
            running.name,
            duration(starts[running.name]),
            duration(statistics.median(calls[running.name])),
            duration(percentile(calls[running.name], 0.99)),
            f"{rates[running.name]:,.0f}/s" if running.name in rates else "",
            f"{memory[running.name]:.1f} MB",
            duration(imports[running.module]) if running.module in imports else "",
        ]
        for running in peers
    ]
    lines.insert(1, native(options.programs / "calls"))
    head = ["", "start two", "call, p50", "call, p99", "pipelined", "private memory", "import after numpy"]
    text = f"{measure.table(head, lines)}\n\n{burst(peers[0])} {measure.machine()}."
    for running in reversed(peers):
        running.stop()
    measure.save(options.json, {"start": starts, "calls": calls, "pipelined": rates, "imports": imports})
    write = not (options.no_write or options.only or options.no_peers)
    measure.publish("calls", text, write)
    columns = [0, 1, 2, 4]
    short = measure.table(
        [head[column] for column in columns], [[line[column] for column in columns] for line in lines]
    )
    measure.publish("calls-summary", short, write, measure.README)


if __name__ == "__main__":
    main()
