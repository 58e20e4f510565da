"""./dev test: the parts of the test suite, each independent of the others, and the summary at the end."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import checks
import environment
from steps import ROOT, Exclusive, StepFailed, environ, run, say

import build


@dataclass
class Request:
    """What the command line asked for."""

    full: bool = False
    verbose: bool = False  #: one part alone: its output goes to the terminal
    options: list[str] = field(default_factory=list)

    @property
    def env(self) -> dict[str, str]:
        """The environment of the tests; DISTOB_TEST_FULL asks for the long form of those that have one."""
        return {"DISTOB_TEST_FULL": "1"} if self.full else {}


@dataclass
class Result:
    """What became of one part."""

    passed: int = 0
    failed: int = 0

    def __add__(self, other: Result) -> Result:
        return Result(self.passed + other.passed, self.failed + other.failed)


class PartFailed(Exception):
    """A part ran and some of it failed."""

    def __init__(self, result: Result) -> None:
        super().__init__(f"{result.failed} failed")
        self.result = result


def unit(request: Request) -> Result:
    """The C++ tests that stand beside their sources (release)."""
    return _ctest("release", "unit", request, ["-L", "unit"])


def integration(request: Request) -> Result:
    """The C++ tests of tests/: several rooms together, the simulator, faults, the checks of the rooms' borders."""
    return _ctest("release", "integration", request, ["-LE", "unit"])


def python(request: Request) -> Result:
    """python/tests and tests/ under pytest."""
    folders = (
        []
        if any(not option.startswith("-") and Path(option.split("::")[0]).exists() for option in request.options)
        else ["python/tests", "tests"]
    )
    return _pytest("python", request, [*folders, "--ignore=tests/examples_test.py", "--ignore=tests/docs_test.py"])


def conformance(request: Request) -> Result:
    """NumPy's own tests on distributed arrays: a sample, with --full all of them; counts what NumPy still computes."""
    with Exclusive():
        build.ensure("release")
        interpreter = environment.ensure("build", "test")
    command: list[str | Path] = [interpreter, ROOT / "tests" / "conformance" / "numpy_suite" / "run.py"]
    output, status = _collect(
        [*command, *(["--full"] if request.full else []), *request.options], "conformance", request, None
    )
    match = re.search(r"(\d+) passed, (\d+) failed", output)
    if match is None:
        raise StepFailed(f"conformance: it ended without a count, exit status {status}; see build/logs/conformance.log")
    table = output[output.index("module  ") :]
    print("\n".join(line for line in table.splitlines() if line.startswith(("module ", "all "))), flush=True)
    return _judge(Result(int(match[1]), int(match[2])), status)


def examples(request: Request) -> Result:
    """The programs of examples/, Python and C++."""
    return _pytest("examples", request, ["tests/examples_test.py"])


def docs(request: Request) -> Result:
    """Every link and every code block of README.md and docs/."""
    return _pytest("docs", request, ["tests/docs_test.py"])


def consumer(request: Request) -> Result:
    """A C++ project of its own that finds an installed distob with find_package, builds and runs."""
    folder = _built("release")
    with tempfile.TemporaryDirectory(prefix="distob-consumer-") as temporary:
        prefix, work = Path(temporary, "prefix"), Path(temporary, "build")
        run(
            "installing to a fresh prefix",
            ["cmake", "--install", folder, "--prefix", prefix, "--component", "cpp"],
            log="consumer-install",
        )
        run(
            "configuring the consumer project",
            ["cmake", "-G", "Ninja", "-S", ROOT / "tests" / "consumer", "-B", work, f"-DCMAKE_PREFIX_PATH={prefix}"],
            log="consumer-configure",
        )
        run("building the consumer project", ["cmake", "--build", work], log="consumer-build")
        run("running the consumer project", [work / "consumer"], log="consumer-run", timeout=60)
    return Result(passed=1)


def wheel(request: Request) -> Result:
    """The package built by pip and installed into a fresh environment, and a first use of it."""
    interpreter = environment.ensure("build")
    with tempfile.TemporaryDirectory(prefix="distob-wheel-") as temporary:
        fresh = Path(temporary, "venv", "bin", "python")
        run("making a fresh environment", [interpreter, "-m", "venv", Path(temporary, "venv")], log="wheel-venv")
        package = ROOT
        if not request.full:
            # With .venv's own build tools, every file that the release build compiled comes from the cache.
            build_wheel: list[str | Path] = [
                interpreter,
                "-m",
                "pip",
                "wheel",
                "--no-build-isolation",
                "--no-deps",
                "-w",
                temporary,
                ROOT,
            ]
            run("pip wheel .", build_wheel, log="wheel-build")
            package = next(Path(temporary).glob("*.whl"))
        install: list[str | Path] = [fresh, "-m", "pip", "install", "--progress-bar", "off", package]
        run(f"pip install {package.name if package is not ROOT else '.'}", install, log="wheel-install")
        use: list[str | Path] = [fresh, ROOT / "tests" / "smoke.py"]
        run("using the installed package", use, log="wheel-run", cwd=Path(temporary), timeout=60)
    return Result(passed=1)


def asan(request: Request) -> Result:
    """The C++ tests under AddressSanitizer and UndefinedBehaviorSanitizer, built by clang with -Wthread-safety."""
    env = {
        "ASAN_OPTIONS": "detect_stack_use_after_return=1:abort_on_error=1",
        "UBSAN_OPTIONS": "print_stacktrace=1:halt_on_error=1",
    }
    return _ctest("asan-ubsan", "asan", request, [], env)


def tsan(request: Request) -> Result:
    """The C++ tests under ThreadSanitizer."""
    suppressions = ROOT / "tests" / "tsan.supp"
    return _ctest("tsan", "tsan", request, [], {"TSAN_OPTIONS": f"halt_on_error=1:suppressions={suppressions}"})


def lint(request: Request) -> Result:
    """Everything that can be checked without running the program."""
    failed = checks.lint(tidy=request.full)
    if failed:
        raise PartFailed(Result(failed=failed))
    return Result(passed=1)


def fuzz(request: Request) -> Result:
    """A short run of each fuzz target."""
    return Result(passed=checks.fuzz(_built("asan-ubsan"), seconds=300 if request.full else 10))


PARTS: dict[str, Callable[[Request], Result]] = {
    part.__name__: part
    for part in (unit, integration, python, conformance, examples, docs, consumer, wheel, asan, tsan, lint, fuzz)
}


def main(arguments: list[str]) -> int:
    """Runs the parts that `arguments` name, or all."""
    if "--list" in arguments:
        for name, part in PARTS.items():
            print(f"{name:12} {part.__doc__}")
        return 0
    names, request = _parse(arguments)
    results: dict[str, tuple[Result, float]] = {}
    for name in names:
        started = time.monotonic()
        say(f"test {name}: {PARTS[name].__doc__}")
        results[name] = (_run(name, request), time.monotonic() - started)
    return _summary(results)


def _parse(arguments: list[str]) -> tuple[list[str], Request]:
    names = [argument for argument in arguments if argument in PARTS]
    options = [argument for argument in arguments if argument not in PARTS and argument not in ("--full", "--")]
    if options and not names:
        names = ["python"]
    request = Request("--full" in arguments, len(names) == 1, options)
    return names or list(PARTS), request


def _run(name: str, request: Request) -> Result:
    try:
        return PARTS[name](request)
    except PartFailed as failure:
        return failure.result
    except StepFailed as error:
        print(f"dev: {error}", file=sys.stderr, flush=True)
        return Result(failed=1)


def _summary(results: dict[str, tuple[Result, float]]) -> int:
    total = sum((result for result, _ in results.values()), Result())
    seconds = sum(taken for _, taken in results.values())
    print(f"\n{'part':12} {'':6} {'passed':>7} {'failed':>7} {'seconds':>8}")
    for name, (result, taken) in results.items():
        verdict = "FAILED" if result.failed else "ok"
        print(f"{name:12} {verdict:6} {result.passed:7} {result.failed:7} {taken:8.1f}")
    print(f"{'all':12} {'':6} {total.passed:7} {total.failed:7} {seconds:8.1f}\n")
    print(f"{total.passed} passed, {total.failed} failed", flush=True)
    return 1 if total.failed else 0


def _built(preset: str) -> Path:
    with Exclusive():
        return build.ensure(preset)


_CTEST = re.compile(r"(\d+) tests? failed out of (\d+)")


def _ctest(preset: str, log: str, request: Request, selection: list[str], env: dict[str, str] | None = None) -> Result:
    folder = _built(preset)
    command: list[str | Path] = [
        "ctest",
        "--test-dir",
        folder,
        "--output-on-failure",
        "--no-tests=error",
        "-j",
        str(os.cpu_count()),
        *selection,
        *request.options,
    ]
    if preset == "tsan":
        command = [*_fixed_addresses(), *command]
    output, status = _collect(command, log, request, env)
    match = _CTEST.search(output)
    if match is None:
        raise StepFailed(f"{log}: ctest ended without a count, exit status {status}; see build/logs/{log}.log")
    failed, total = int(match[1]), int(match[2])
    return _judge(Result(total - failed, failed), status)


def _pytest(log: str, request: Request, selection: list[str]) -> Result:
    with Exclusive():
        folder = build.ensure("release")
        interpreter = environment.ensure("build", "test")
    env = {"DISTOB_BUILD": str(folder)}
    command: list[str | Path] = [interpreter, "-m", "pytest", *selection, *request.options]
    output, status = _collect(command, log, request, env)
    last = output.rstrip().rsplit("\n", 1)[-1]
    counts = {word: int(number) for number, word in re.findall(r"(\d+) (passed|failed|error)s?\b", last)}
    failed = counts.get("failed", 0) + counts.get("error", 0)
    return _judge(Result(counts.get("passed", 0), failed), status)


def _judge(result: Result, status: int) -> Result:
    if status != 0 or result.failed:
        raise PartFailed(Result(result.passed, max(result.failed, 1)))
    return result


def _collect(command: list[str | Path], log: str, request: Request, env: dict[str, str] | None) -> tuple[str, int]:
    """The output and exit status of a test runner; on the terminal as it comes if this part was asked for alone."""
    path = ROOT / "build" / "logs" / f"{log}.log"
    path.parent.mkdir(parents=True, exist_ok=True)
    lines: list[str] = []
    with (
        path.open("w") as sink,
        subprocess.Popen(
            [str(part) for part in command],
            cwd=ROOT,
            env=environ({**request.env, **(env or {})}),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        ) as process,
    ):
        assert process.stdout is not None
        for line in process.stdout:
            sink.write(line)
            lines.append(line)
            if request.verbose:
                print(line, end="", flush=True)
    if process.returncode != 0 and not request.verbose:
        print(f"--- end of build/logs/{log}.log", *(line.rstrip("\n") for line in lines[-60:]), sep="\n", flush=True)
    return "".join(lines), process.returncode


def _fixed_addresses() -> list[str]:
    """A prefix that switches address randomisation off: ThreadSanitizer dies of the wide one of newer kernels."""
    command = ["setarch", os.uname().machine, "-R"]
    if shutil.which("setarch") and subprocess.run([*command, "true"], capture_output=True, check=False).returncode == 0:
        return command
    return []
