"""Clusters: engines that start when first needed, and which of them a call uses."""

from __future__ import annotations

import atexit
import html
import itertools
import operator
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from types import TracebackType
from typing import Any

from distob import _core
from distob.errors import ClosedError, EngineDied, ForkedError

# The helper starts with the client's search path, so that it finds distob, and engines whatever the client can import.
_HELPER = """
import os, sys
sys.path[:] = os.environ.pop("DISTOB_SEARCH_PATH").split("\\n")
from distob._zygote import main
main()
"""
# Engines are many: each computes with one thread. Read by BLAS libraries when they are loaded.
_ONE_THREAD = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "BLIS_NUM_THREADS", "NUMEXPR_NUM_THREADS")


class Cluster:
    """A set of engines. As a context manager it is what calls inside use, and ends with the block.

    n: how many engines on this machine; default DISTOB_ENGINES, else one for each core. Raises ValueError for a number
    that cannot be, TypeError for what is no whole number.
    """

    def __init__(self, n: int | None = None) -> None:
        self._pid = os.getpid()
        self._number = _core.engine_count(_whole_number(n))
        self._turns = itertools.count()
        self._local: Any = _core.LocalCluster(
            self._number,
            arguments=[sys.executable, "-c", _HELPER],
            environment=[f"{name}=1" for name in _ONE_THREAD]
            + [f"DISTOB_SEARCH_PATH={_search_path()}", f"DISTOB_WORKING_DIRECTORY={_working_directory()}"],
        )
        self._link = self._local.link
        for cls, by in _announced.items():
            self._announce(cls, by)
        _open.append(self)

    # --- As the user sees it ---

    @property
    def engines(self) -> list[int]:
        """The numbers of the living engines."""
        return [number for number, _, alive in self._link.engines() if alive]

    @property
    def pids(self) -> dict[int, int]:
        """The process of each living engine."""
        return {number: pid for number, pid, alive in self._link.engines() if alive}

    def __len__(self) -> int:
        return len(self.engines)

    def wait_for_engines(self, n: int | None = None) -> None:
        """Returns when `n` engines (default: all that were asked for) are ready. Those of this machine always are."""
        if len(self.engines) < (self._number if n is None else n):
            raise EngineDied(f"{len(self.engines)} engines are left of {self._number}")

    @property
    def closed(self) -> bool:
        """True after close()."""
        return self._local is None

    def close(self) -> None:
        """Ends the engines; their objects are lost. Proxies of them raise ClosedError from now on."""
        local, self._local = self._local, None
        if local is None:
            return
        with suppress(ValueError):
            _open.remove(self)
        with suppress(ValueError):
            _entered.remove(self)
        if os.getpid() == self._pid:
            local.close()

    def __enter__(self) -> Cluster:
        self._check()
        _entered.append(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        if self.closed:
            return "<distob.Cluster, closed>"
        engines = self._link.engines()
        alive = [number for number, _, ready in engines if ready]
        lost = [number for number, _, ready in engines if not ready]
        return (
            f"<distob.Cluster of {len(alive)} engine{'s' * (len(alive) != 1)} on this machine"
            + (f", lost: {', '.join(map(str, lost))}" if lost else "")
            + ">"
        )

    def _repr_html_(self) -> str:
        if self.closed:
            return f"<b>{html.escape(repr(self))}</b>"
        rows = "".join(
            f"<tr><td>{number}</td><td>{pid}</td><td>{'ready' if alive else 'lost'}</td></tr>"
            for number, pid, alive in self._link.engines()
        )
        head = "<tr><th>engine</th><th>pid</th><th>state</th></tr>"
        return f"<b>{html.escape(repr(self))}</b><table>{head}{rows}</table>"

    # --- As calls use it ---

    def _check(self) -> None:
        if os.getpid() != self._pid:
            raise ForkedError("this cluster belongs to the parent process: gather before the fork, or start one here")
        if self._local is None:
            raise ClosedError("the cluster is closed")

    def _next_engine(self) -> int:
        """The living engines in turn."""
        engines = self.engines
        if not engines:
            raise EngineDied("no engine of the cluster is left; close it and start another")
        return engines[next(self._turns) % len(engines)]

    def _announce(self, cls: type, by: str) -> None:
        from distob import _definitions

        number, contents, needed = _definitions.policy_bundle(cls, by)
        for bundle in needed:
            self._link.announce(bundle.number, bundle.contents)
        self._link.announce(number, contents)


def _whole_number(n: Any) -> int | None:
    if n is None:
        return None
    if isinstance(n, bool) or not hasattr(n, "__index__"):
        raise TypeError(f"n is how many engines to start, a whole number, not {type(n).__qualname__}")
    number = operator.index(n)
    if number > sys.maxsize:
        raise ValueError(f"{number} engines are more than any machine can have")
    return number


class EngineSide:
    """The outer cluster as code inside an engine uses it."""

    def __init__(self, link: Any) -> None:
        self._link = link
        self._turns = itertools.count()

    def _check(self) -> None:
        pass

    @property
    def engines(self) -> list[int]:
        """The numbers of the living engines, this one included."""
        return [number for number, _, alive in self._link.engines() if alive] or [self._link.own_engine]

    def _next_engine(self) -> int:
        engines = self.engines
        return engines[next(self._turns) % len(engines)]


_open: list[Cluster] = []
_entered: list[Cluster] = []
_default: Cluster | None = None
_engine_side: EngineSide | None = None
_announced: dict[type, str] = {}
_lock = threading.RLock()


def current() -> Any:
    """The cluster that calls use now: the innermost entered one, else the default one, started if need be."""
    global _default, _engine_side
    link = _core.engine_link()
    if link is not None:
        if _engine_side is None:
            _engine_side = EngineSide(link)
        return _engine_side
    if _entered:
        _entered[-1]._check()
        return _entered[-1]
    with _lock:
        if _default is None or _default.closed or not _default.engines:
            if _default is not None:
                if os.getpid() != _default._pid:
                    _default._check()
                _default.close()
            _default = Cluster()
        _default._check()
        return _default


def setup_engines(client: Any = None) -> Any:
    """Chooses the engines that calls use from now on: a number of them on this machine, or a Cluster.

    Without argument: as many as DISTOB_ENGINES says, else one for each core. Returns the Cluster. Arrays stay as they are.
    """
    global _default
    if isinstance(client, Cluster):
        client._check()
        chosen = client
    elif client is None or (isinstance(client, int) and not isinstance(client, bool)):
        chosen = Cluster(client)
    else:
        raise TypeError(f"setup_engines takes a number of engines or a Cluster, not {type(client).__qualname__}")
    with _lock:
        previous, _default = _default, chosen
    if previous is not None and previous is not chosen:
        previous.close()
    return chosen


def announce(cls: type, by: str) -> None:
    """Makes `by` the policy of a class, here and in the engines of every cluster."""
    _core.set_policy(cls, by)
    if _announced.get(cls) == by:
        return
    _announced[cls] = by
    for cluster in list(_open):
        if not cluster.closed:
            cluster._announce(cls, by)


def all_open() -> Iterator[Cluster]:
    """The clusters that are not closed, of this process."""
    return (cluster for cluster in list(_open) if cluster._pid == os.getpid())


def _search_path() -> str:
    package = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    paths = [path if path else _working_directory() for path in sys.path]
    return "\n".join(paths if package in paths else [*paths, package])


def _working_directory() -> str:
    try:
        return os.getcwd()
    except FileNotFoundError:
        return "/"


@atexit.register
def _close_all() -> None:
    for cluster in all_open():
        cluster.close()


def _forget_after_fork() -> None:
    _entered.clear()


os.register_at_fork(after_in_child=_forget_after_fork)
