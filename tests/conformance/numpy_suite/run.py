"""NumPy's own tests, from its installed package, on distributed arrays: `python run.py [--full] [module ...]`.

Each test module runs in a process of its own, imported with `numpy_shim` in the place of numpy. A test passes

- *distributed* if arrays of ours took part and nothing was left to NumPy as a whole,
- *with fallback* if NumPy computed some function on a snapshot, or converted an array of ours to an ndarray,
- *apart* if it has nothing to do with arrays of ours (dtypes, scalars, arrays of objects).

exclusions/<module>.txt names the tests that fail, and why each may. The run fails if another test fails, and with --full,
which runs every test and not a sample, if an exclusion is not needed any more: the lists only shrink.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
import zlib
from collections import Counter
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import numpy

HERE = Path(__file__).resolve().parent
SUITE = Path(numpy.__file__).parent
MODULES = """
    _core/test_ufunc _core/test_umath _core/test_umath_complex _core/test_indexing _core/test_indexerrors
    _core/test_numeric _core/test_shape_base _core/test_multiarray _core/test_mem_overlap _core/test_nep50_promotions
    _core/test_einsum _core/test_item_selection _core/test_arrayprint _core/test_function_base _core/test_errstate
    _core/test_half _core/test_longdouble _core/test_datetime _core/test_strings _core/test_protocols
    lib/test_function_base lib/test_shape_base lib/test_arraypad lib/test_arraysetops lib/test_nanfunctions
    lib/test_index_tricks lib/test_stride_tricks lib/test_twodim_base lib/test_type_check lib/test_ufunclike
    lib/test_histograms lib/test_packbits lib/test_polynomial lib/test_utils lib/test_array_utils
    linalg/test_linalg linalg/test_regression fft/test_pocketfft fft/test_helper
""".split()
SAMPLE = 12  #: one in how many tests runs without --full
SILENCE = 60  #: seconds without a word after which a process is taken for dead
KINDS = ("distributed", "fallback", "apart", "skipped", "excluded", "failed", "stale")


@dataclass
class Exclusion:
    """One line of a list: a test, or all tests of a function or class, and why they are not asked to pass."""

    pattern: str
    section: str
    reason: str
    matched: int = 0
    failed: int = 0

    def matches(self, name: str) -> bool:
        if self.pattern.endswith("*"):
            return name.startswith(self.pattern[:-1])
        return name == self.pattern or name.startswith((self.pattern + "[", self.pattern + "::"))


def exclusions_of(module: str) -> list[Exclusion]:
    """The list of `module`: sections [does not apply], [not yet] and [not run], lines `test -- reason`."""
    path = HERE / "exclusions" / f"{module.replace('/', '_')}.txt"
    found: list[Exclusion] = []
    section = ""
    for line in path.read_text().splitlines() if path.exists() else []:
        if line.startswith("["):
            section = line.strip("[]")
            if section not in ("does not apply", "not yet", "not run"):
                raise ValueError(f"{path}: no such section: {line}")
        elif line.strip() and not line.startswith("#"):
            pattern, dash, reason = line.partition(" -- ")
            if not dash or not reason.strip():
                raise ValueError(f"{path}: a reason is missing: {line}")
            found.append(Exclusion(pattern.strip(), section, reason.strip()))
    return found


@dataclass
class Outcome:
    """What became of the tests of one module."""

    module: str
    seconds: float = 0
    lines: list[dict] = field(default_factory=list)
    counts: Counter = field(default_factory=Counter)
    failures: list[dict] = field(default_factory=list)
    stale: list[Exclusion] = field(default_factory=list)
    fallbacks: Counter = field(default_factory=Counter)

    def judge(self, exclusions: list[Exclusion], full: bool) -> None:
        for line in self.lines:
            kind = kind_of(line)
            entry = next((e for e in exclusions if e.matches(line["ended"])), None)
            if entry is not None and kind != "skipped":
                entry.matched += 1
                entry.failed += kind == "failed"
                if kind == "failed":
                    kind = "excluded"
            if kind == "failed":
                self.failures.append(line)
            if kind == "fallback":
                self.fallbacks.update(line["told"] + [f"conversion in {name}" for name in line["converted"]])
            self.counts[kind] += 1
        for entry in exclusions:
            if entry.section == "not run":
                self.counts["excluded"] += 1
            elif full and entry.failed == 0:
                self.stale.append(entry)
                self.counts["stale"] += 1


def kind_of(line: dict) -> str:
    if line["problem"]:
        return "skipped" if line["problem"] == "skipped" else "failed"
    if line["told"] or line["converted"]:
        return "fallback"
    return "distributed" if line["made"] or line["results"] > 0 else "apart"


def run_module(module: str, full: bool, only: str | None, verbose: bool) -> Outcome:
    """Runs the tests of `module`, starting again after each one that kills its process."""
    exclusions = exclusions_of(module)
    never = [e for e in exclusions if e.section == "not run" or not full]
    outcome = Outcome(module)
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="distob-conformance-") as folder:
        log, skip = Path(folder, "log"), Path(folder, "skip")
        log.touch()
        done: dict[str, dict] = {}
        while True:
            skip.write_text(json.dumps({"done": list(done), "never": [e.pattern for e in never]}))
            status = _process(module, log, skip, full, only, verbose)
            before = len(done)
            unfinished = None
            for line in map(json.loads, log.read_text().splitlines()):
                if "started" in line:
                    unfinished = line["started"]
                else:
                    done[line["ended"]] = line
                    unfinished = None
            if unfinished is None or unfinished in done:
                if status not in (0, 1, 5) and len(done) == before:
                    done["(collection)"] = _lost("(collection)", f"pytest ended with status {status}")
                if status in (0, 1, 5) or len(done) == before or "(collection)" in done:
                    break
            else:
                done[unfinished] = _lost(unfinished, f"the process died or hung: status {status}")
    outcome.lines = list(done.values())
    outcome.seconds = time.monotonic() - started
    outcome.judge(exclusions, full and only is None)
    return outcome


def _lost(name: str, problem: str) -> dict:
    return {"ended": name, "problem": problem, "made": 0, "results": 0, "told": [], "converted": [], "seconds": 0}


def _process(module: str, log: Path, skip: Path, full: bool, only: str | None, verbose: bool) -> int:
    package, _, name = module.partition("/")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "numpy_plugin", "-p", "no:cacheprovider"]
    command += [
        "-c",
        os.devnull,
        f"--rootdir={SUITE}",
        "-p",
        "no:faulthandler",
        str(SUITE / package / "tests" / f"{name}.py"),
    ]
    if only:
        command += ["-k", only]
    if not verbose:
        command += ["--tb=native"]  # the others parse the whole module again for every failure
    env = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(HERE), os.environ.get("PYTHONPATH", "")]),
        "DISTOB_CONFORMANCE_LOG": str(log),
        "DISTOB_CONFORMANCE_SKIP": str(skip),
        "DISTOB_CONFORMANCE_SAMPLE": "1" if full else str(SAMPLE),
        "NPY_AVAILABLE_MEM": "500 MB",
    }
    if verbose:
        env["DISTOB_CONFORMANCE_VERBOSE"] = "1"
    with subprocess.Popen(
        command, env=env, stdout=None if verbose else subprocess.DEVNULL, stderr=None if verbose else subprocess.DEVNULL
    ) as process:
        size, since = -1, time.monotonic()
        while True:
            try:
                return process.wait(timeout=1)
            except subprocess.TimeoutExpired:
                now = log.stat().st_size
                if now != size:
                    size, since = now, time.monotonic()
                elif time.monotonic() - since > SILENCE:
                    process.kill()


def is_sampled(name: str, one_in: int) -> bool:
    """Whether the sample of one in `one_in` tests has `name`: always the same ones, some of every kind."""
    return zlib.crc32(name.encode()) % one_in == 0


def _write(folder: Path, outcome: Outcome) -> None:
    """A file about one module: its failures by cause, and what NumPy computed for it."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = [f"{outcome.module}: " + ", ".join(f"{outcome.counts[k]} {k}" for k in KINDS)]
    lines += ["", "left to NumPy:", *(f"{n:6} {name}" for name, n in outcome.fallbacks.most_common())]
    lines += ["", "not needed any more:", *(f"  {e.pattern}" for e in outcome.stale), "", "failures:"]
    for line in outcome.failures:
        lines += [f"  {line['ended']}", f"      {line['problem']}"]
    folder.joinpath(f"{outcome.module.replace('/', '_')}.txt").write_text("\n".join(lines) + "\n")


def summary(outcomes: Iterable[Outcome]) -> Counter:
    """Prints the table of counts and returns their sums."""
    total: Counter = Counter()
    print(f"{'module':30}" + "".join(f"{kind:>12}" for kind in KINDS) + f"{'seconds':>9}")
    for outcome in outcomes:
        print(
            f"{outcome.module:30}" + "".join(f"{outcome.counts[kind]:12}" for kind in KINDS) + f"{outcome.seconds:9.1f}"
        )
        total.update(outcome.counts)
    print(f"{'all':30}" + "".join(f"{total[kind]:12}" for kind in KINDS))
    return total


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("modules", nargs="*", default=MODULES, help="such as _core/test_ufunc; all by default")
    parser.add_argument("--full", action="store_true", help="every test, not a sample")
    parser.add_argument("--report", type=Path, help="a folder for a file about each module")
    parser.add_argument("-k", dest="only", help="only tests whose names match, as in pytest")
    parser.add_argument("-v", dest="verbose", action="store_true", help="pytest's own output too")
    parser.add_argument("-j", dest="jobs", type=int, default=os.cpu_count(), help="modules at a time")
    options = parser.parse_args()
    with ThreadPoolExecutor(options.jobs) as pool:
        runs = pool.map(
            lambda m: run_module(m, options.full or bool(options.only), options.only, options.verbose), options.modules
        )
        outcomes = []
        for outcome in runs:
            outcomes.append(outcome)
            for line in outcome.failures:
                print(f"{outcome.module}::{line['ended']}\n    {line['problem']}", flush=True)
            for entry in outcome.stale:
                print(f"{outcome.module}: not needed any more: {entry.pattern} -- {entry.reason}", flush=True)
            if options.report:
                _write(options.report, outcome)
    total = summary(outcomes)
    print(
        f"{total['distributed'] + total['fallback'] + total['apart']} passed, {total['failed'] + total['stale']} failed"
    )
    return 1 if total["failed"] or total["stale"] else 0


if __name__ == "__main__":
    sys.exit(main())
