"""Running commands as steps: one line says what happens, a log keeps the rest, a failure shows the end of that log."""

from __future__ import annotations

import fcntl
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

ROOT = Path(__file__).resolve().parents[2]
LOGS = ROOT / "build" / "logs"
LIVE = sys.stdout.isatty()
_NINJA = re.compile(rb"^\[(\d+)/(\d+)\]")
_TAIL_LINES = 60


class StepFailed(Exception):
    """A step's command failed; the text says which, and the end of its log was already shown."""


def say(text: str) -> None:
    print(f"dev: {text}", flush=True)


def run(
    title: str,
    command: Sequence[str | Path],
    *,
    log: str,
    env: Mapping[str, str] | None = None,
    cwd: Path = ROOT,
    quiet: bool = False,
    timeout: float | None = None,
) -> str:
    """Runs `command` as the step `title` and returns its output, which also lands in build/logs/LOG.log."""
    path = LOGS / f"{log}.log"
    path.parent.mkdir(parents=True, exist_ok=True)
    started = time.monotonic()
    if not quiet and not LIVE:
        say(title)
    with (
        path.open("wb") as sink,
        subprocess.Popen(
            [str(part) for part in command],
            cwd=cwd,
            env=environ(env),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        ) as process,
    ):
        deadline = threading.Timer(timeout or 0, _end, [process])
        if timeout is not None:
            deadline.start()
        try:
            _follow(process, sink, title, started, quiet)
        except BaseException:
            _end(process)
            raise
        finally:
            deadline.cancel()
    _clear(quiet)
    if process.returncode != 0:
        late = timeout is not None and time.monotonic() - started > timeout
        fail(title, path, f"not done after {timeout} s" if late else f"exit status {process.returncode}")
    if not quiet and LIVE:
        say(f"{title} ({time.monotonic() - started:.1f} s)")
    return path.read_text(errors="replace")


def fail(title: str, log: Path, reason: str) -> None:
    """Shows the end of `log` and raises StepFailed."""
    lines = log.read_text(errors="replace").splitlines()
    name = log.relative_to(ROOT)
    print(f"\n--- end of {name}", *lines[-_TAIL_LINES:], f"--- {title}: {reason}", sep="\n", flush=True)
    raise StepFailed(f"{title}: {reason}; the whole log is {name}")


def stream(command: Sequence[str | Path], *, env: Mapping[str, str] | None = None, cwd: Path = ROOT) -> int:
    """Runs `command` on this terminal and returns its exit status."""
    return subprocess.run([str(part) for part in command], cwd=cwd, env=environ(env), check=False).returncode


def environ(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment of every command: compiler caches shared by all build folders, and `extra`."""
    # Paths relative to the checkout, so that one cache entry serves every build folder and the wheel.
    cache = {"CCACHE_BASEDIR": str(ROOT), "CCACHE_NOHASHDIR": "1", "CCACHE_SLOPPINESS": "pch_defines,time_macros"}
    return {**os.environ, **cache, "PYTHONUNBUFFERED": "1", **(extra or {})}


def _follow(process: subprocess.Popen[bytes], sink: BinaryIO, title: str, started: float, quiet: bool) -> None:
    assert process.stdout is not None
    for line in process.stdout:
        sink.write(line)
        if LIVE and not quiet:
            match = _NINJA.match(line)
            count = f" [{match[1].decode()}/{match[2].decode()}]" if match else ""
            print(f"\r\x1b[Kdev: {title}{count} {time.monotonic() - started:.0f} s", end="", flush=True)
    process.wait()


def _end(process: subprocess.Popen[bytes]) -> None:
    """Ends a step that was given up, with everything it started."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        if process.poll() is None:
            try:
                os.killpg(process.pid, number)
                process.wait(3)
            except (ProcessLookupError, subprocess.TimeoutExpired):
                pass


def _clear(quiet: bool) -> None:
    if LIVE and not quiet:
        print("\r\x1b[K", end="", flush=True)


class Exclusive:
    """Holds the checkout's set-up to one ./dev at a time: build folders and .venv are shared."""

    def __enter__(self) -> None:
        path = ROOT / "build" / ".dev.lock"
        path.parent.mkdir(exist_ok=True)
        self._file = path.open("w")
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("waiting for another ./dev in this checkout")
            fcntl.flock(self._file, fcntl.LOCK_EX)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()
