"""The pytest plugin that runs NumPy's test modules on distributed arrays and reports what really ran on them.

Each test leaves one line of JSON in the file that DISTOB_CONFORMANCE_LOG names: that it started, then its outcome with
what it used. A test that kills the process leaves only the first.
"""

from __future__ import annotations

import ast
import contextlib
import json
import linecache
import os
import signal
import sys
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy_shim as shim
import pytest
from _pytest.assertion.rewrite import rewrite_asserts
from run import Exclusion, is_sampled

import distob
from distob import _fallback
from distob._arrays import _Array

LIMIT = int(os.environ.get("DISTOB_CONFORMANCE_SECONDS", "40"))  #: for one test
_log = open(os.environ["DISTOB_CONFORMANCE_LOG"], "a", buffering=1)  # noqa: SIM115
_told: list[str] = []


def _record_tell(name: str) -> None:
    _told.append(name)


def _convert(self: Any, dtype: Any = None, copy: bool | None = None) -> Any:
    if not shim.scatterer.gathering and not any(
        f.f_globals.get("__name__", "").startswith("distob.") for f in [sys._getframe(1)]
    ):
        shim.scatterer.conversions.append(sys._getframe(1).f_code.co_name)
    return _original_array(self, dtype, copy)


_original_array = _Array.__array__
_Array.__array__ = _convert  # type: ignore[method-assign]
_fallback.tell = _record_tell


class Module(pytest.Module):
    """A test module that is imported with the shim in the place of numpy."""

    def _getobj(self) -> Any:
        path = Path(str(self.path))
        source = path.read_bytes()
        tree = ast.parse(source, filename=str(path))
        rewrite_asserts(tree, source, str(path), self.config)
        name = ".".join(path.parts[path.parts.index("numpy") :]).removesuffix(".py")
        module = types.ModuleType(name)
        module.__file__ = str(path)
        module.__package__ = name.rpartition(".")[0]
        module.__dict__["__builtins__"] = shim.builtins_of_tests()
        sys.modules[name] = module
        __import__("numpy.testing")
        shim.scatterer.start(name)
        exec(compile(tree, str(path), "exec", dont_inherit=True), module.__dict__)
        return module


def pytest_pycollect_makemodule(module_path: Path, parent: Any) -> Any:
    if "numpy" in module_path.parts and module_path.name.startswith("test_"):
        return Module.from_parent(parent, path=module_path)
    return None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Drops what ran before the process was started again, what is never run, and what the sample leaves out."""
    skip = json.loads(Path(os.environ["DISTOB_CONFORMANCE_SKIP"]).read_text())
    done, never = set(skip["done"]), [Exclusion(pattern, "", "") for pattern in skip["never"]]
    one_in = int(os.environ["DISTOB_CONFORMANCE_SAMPLE"])
    items[:] = [
        item
        for item in items
        if (name := _name(item)) not in done and is_sampled(name, one_in) and not any(e.matches(name) for e in never)
    ]


def _tell(**line: Any) -> None:
    _log.write(json.dumps(line) + "\n")


class TookTooLong(BaseException):
    """A test did not end in time."""


@contextlib.contextmanager
def _limited(seconds: int) -> Iterator[None]:
    def interrupt(*_: Any) -> None:
        raise TookTooLong(f"more than {seconds} s")

    previous = signal.signal(signal.SIGALRM, interrupt)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, previous)


def _name(item: pytest.Item) -> str:
    return item.nodeid.partition("::")[2]


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Any:
    _told.clear()
    shim.scatterer.start(item.nodeid.rpartition("/")[2])
    _tell(started=_name(item))
    item.stash[_USED] = shim.handles_made()
    yield
    with contextlib.suppress(Exception):
        distob.sync()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Any:
    with _limited(LIMIT):
        yield


_USED = pytest.StashKey[int]()
_FAILED = pytest.StashKey[str]()
_SECONDS = pytest.StashKey[float]()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: Any) -> Any:
    report = (yield).get_result()
    if report.when == "call":
        item.stash[_SECONDS] = call.duration
    if report.failed:
        item.stash[_FAILED] = str(report.longrepr) if os.environ.get("DISTOB_CONFORMANCE_VERBOSE") else _brief(call)
    if report.when == "call" and report.skipped:
        item.stash[_FAILED] = "" if hasattr(report, "wasxfail") else "skipped"
    if report.when == "setup" and report.skipped:
        item.stash[_FAILED] = "skipped"
    if report.when == "teardown":
        handles = shim.handles_made() - item.stash[_USED]
        _tell(
            ended=_name(item),
            problem=item.stash.get(_FAILED, ""),
            made=shim.scatterer.made,
            results=handles - shim.scatterer.handles,
            told=sorted(set(_told)),
            converted=sorted(set(shim.scatterer.conversions)),
            seconds=round(item.stash.get(_SECONDS, 0.0), 2),
        )


def _brief(call: Any) -> str:
    """The error and the line of the test that it came from."""
    error = call.excinfo
    place = ""
    for entry in error.traceback:
        if "/tests/" in str(entry.path) and "numpy_suite" not in str(entry.path):
            place = f"{entry.lineno + 1}: {linecache.getline(str(entry.path), entry.lineno + 1).strip()}"
    inner = error.traceback[-1]
    text = " ".join(str(error.value).split())[:300]
    return f"{error.typename}: {text} || at {place[:200]} || raised in {Path(str(inner.path)).name}:{inner.lineno + 1}"
