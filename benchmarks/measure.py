"""Fair timing: what is compared runs in turns in one process, first calls apart from later ones, results checked.

A contender is a function without arguments that does the work once and returns when it is done. It may return
`Reported(seconds)` if it measured itself (a C++ program does).
"""

from __future__ import annotations

import argparse
import contextlib
import gc
import importlib
import json
import os
import platform
import statistics
import subprocess
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "performance.md"
README = ROOT / "README.md"


@dataclass(frozen=True)
class Reported:
    """Seconds that the contender measured itself."""

    seconds: float


@dataclass
class Timing:
    """Seconds of the first call and of the later ones."""

    first: float
    later: list[float] = field(default_factory=list)

    @property
    def median(self) -> float:
        return statistics.median(self.later)


Contender = Callable[[], object]


def compare(
    contenders: Mapping[str, Contender],
    check: Callable[[str, object], None] = lambda name, result: None,
    rounds: int = 7,
    budget: float = 6.0,
) -> dict[str, Timing]:
    """Times `contenders` in turns: one first call each, then up to `rounds` rounds within about `budget` seconds.

    `check(name, result)` sees what each first call returned. Every round starts with another contender, so that none
    always runs in the wake of the same neighbour.
    """
    timings: dict[str, Timing] = {}
    for name, work in contenders.items():
        seconds, result = _time(work)
        timings[name] = Timing(seconds)
        check(name, result)
        del result
    names = list(contenders)
    started = time.perf_counter()
    for number in range(rounds):
        shift = number % len(names)
        for name in names[shift:] + names[:shift]:
            timings[name].later.append(_time(contenders[name])[0])
        if number >= 2 and time.perf_counter() - started > budget:
            break
    return timings


def repeated(call: Callable[[], object], times: int, finish: Callable[[], object] = lambda: None) -> Contender:
    """A contender that makes `times` small calls, then `finish`, and reports the seconds of one call."""

    def work() -> Reported:
        started = time.perf_counter()
        for _ in range(times):
            call()
        finish()
        return Reported((time.perf_counter() - started) / times)

    return work


def _time(work: Contender) -> tuple[float, object]:
    gc.disable()
    try:
        started = time.perf_counter()
        result = work()
        elapsed = time.perf_counter() - started
    finally:
        gc.enable()
    return (result.seconds if isinstance(result, Reported) else elapsed), result


class Program:
    """A C++ program that measures on request: a line in, the seconds it took out."""

    def __init__(self, path: Path) -> None:
        self._process = subprocess.Popen([path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(self, line: str) -> str:
        assert self._process.stdin is not None and self._process.stdout is not None
        print(line, file=self._process.stdin, flush=True)
        return self._process.stdout.readline().strip()

    def contender(self, line: str) -> Contender:
        return lambda: Reported(float(self.ask(line)))

    def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(10)


def peer(name: str) -> ModuleType | None:
    """A peer's module, or None and a line that says so."""
    try:
        return importlib.import_module(name)
    except ImportError as error:
        print(f"skipped {name}: {error}")
        return None


def private_memory(pid: int) -> float:
    """Megabytes that only this process holds (USS)."""
    text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    fields = dict(line.split(":", 1) for line in text.splitlines()[1:])
    return sum(int(fields[name].split()[0]) for name in ("Private_Clean", "Private_Dirty")) / 1024


def resident_memory(pid: int | str = "self") -> float:
    """Megabytes in memory (RSS)."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


def available_memory() -> float:
    """Bytes that can still be used on this machine and in this control group."""
    lines = Path("/proc/meminfo").read_text().splitlines()
    free = next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable"))
    limit = Path("/sys/fs/cgroup/memory.max")
    with contextlib.suppress(OSError, ValueError):
        free = min(free, int(limit.read_text()) - int(Path("/sys/fs/cgroup/memory.current").read_text()))
    return float(free)


def duration(seconds: float | None) -> str:
    """Seconds in a unit that suits them."""
    if seconds is None:
        return ""
    for unit, factor in (("s", 1.0), ("ms", 1e-3), ("us", 1e-6)):
        if seconds >= factor:
            value = seconds / factor
            return f"{value:.0f} {unit}" if value >= 100 else f"{value:.3g} {unit}"
    return f"{seconds * 1e9:.0f} ns"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table whose columns line up in a terminal too."""
    lines = [list(head), *(list(row) for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]

    def format_line(cells: Sequence[str]) -> str:
        padded = [
            cell.ljust(width) if column == 0 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(cells, widths, strict=True))
        ]
        return "| " + " | ".join(padded) + " |"

    rule = (
        "|"
        + "|".join("-" * (width + 2) if column == 0 else "-" * (width + 1) + ":" for column, width in enumerate(widths))
        + "|"
    )
    return "\n".join([format_line(lines[0]), rule, *(format_line(line) for line in lines[1:])])


def machine() -> str:
    """One line about where the numbers come from."""
    import numpy

    model = next(
        (
            line.split(":", 1)[1].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if line.startswith("model name")
        ),
        platform.machine(),
    )
    return (
        f"{os.cpu_count()} cores ({model}), {os.sysconf('SC_PHYS_PAGES') * os.sysconf('SC_PAGE_SIZE') / 2**30:.0f} "
        f"GiB, CPython {platform.python_version()}, NumPy {numpy.__version__}, {time.strftime('%Y-%m-%d')}"
    )


def publish(marker: str, text: str, write: bool, page: Path = PAGE) -> None:
    """Prints `text` and, if `write`, puts it between the markers of `page`."""
    print(f"\n{text}\n")
    if not write:
        return
    begin, end = f"<!-- begin {marker} -->", f"<!-- end {marker} -->"
    before, rest = page.read_text().split(begin)
    after = rest.split(end)[1]
    page.write_text(f"{before}{begin}\n{text}\n{end}{after}")
    print(f"written to {page.relative_to(ROOT)}")


def arguments(description: str) -> argparse.Namespace:
    """The command line that all benchmarks share."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument(
        "--programs",
        type=Path,
        default=ROOT / "build" / "release" / "benchmarks",
        help="where the C++ programs were built",
    )
    parser.add_argument("--only", default="", help="measure only the rows whose name contains this")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--no-write", action="store_true", help="leave docs/performance.md as it is")
    parser.add_argument("--no-peers", action="store_true", help="measure distob and NumPy alone")
    parser.add_argument("--json", type=Path, help="also write the numbers to this file")
    return parser.parse_args()


def save(path: Path | None, numbers: Mapping[str, Any]) -> None:
    """Writes the raw numbers, if asked to."""
    if path is not None:
        path.write_text(json.dumps(numbers, indent=1))
