"""./dev COMMAND: everything one does with this checkout. Each command first does whatever set-up is missing.

demo                     build distob and show what it does on real work
test [--full] [PART...] [-- OPTIONS]
                         run all tests, or only the named parts (./dev test --list names them)
python ...               .venv's Python with distob in it, rebuilt if stale
build [PRESET] [TARGET...]
                         bring build/PRESET up to date: release (default), debug, asan-ubsan, tsan
bench [calls|arrays|plots]  measure distob beside its peers; write docs/performance.md's tables and pictures
lint                     every check that needs no run: ruff, mypy, clang-format, rooms (with --tidy: clang-tidy)
format                   rewrite the sources the way lint wants them
fuzz [SECONDS]           fuzz what reads bytes of strangers
docs                     check that links and code in the documentation hold
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import checks
import environment
import parts
from steps import ROOT, Exclusive, StepFailed, say, stream

import build


def demo(arguments: list[str]) -> int:
    say("the demo builds distob, steps objects in parallel, computes on real data and runs a C++ program")
    with Exclusive():
        folder = build.ensure("release")
        interpreter = environment.ensure("build", "demo")
    picture = ROOT / "build" / "distob-demo.png"
    options: list[str | Path] = ["--examples", folder / "examples" / "cpp", "--picture", picture]
    return stream([interpreter, "-m", "distob", "demo", *options, *arguments])


def python(arguments: list[str]) -> int:
    with Exclusive():
        build.ensure("release")
    os.execv(environment.PYTHON, [str(environment.PYTHON), *arguments])


def build_preset(arguments: list[str]) -> int:
    preset, *targets = arguments or ["release"]
    started = time.monotonic()
    with Exclusive():
        folder = build.ensure(preset, *targets)
    say(f"{folder.relative_to(ROOT)} is up to date ({time.monotonic() - started:.1f} s)")
    return 0


def bench(arguments: list[str]) -> int:
    every = ("calls", "arrays", "plots")
    names = [name for name in arguments if name in every] or list(every)
    options = [option for option in arguments if option not in every]
    with Exclusive():
        folder = build.ensure("release")
        interpreter = environment.ensure("build", "bench", "demo")
    status = 0
    for name in names:
        say(f"measuring {name} beside distob's peers")
        program = ROOT / "benchmarks" / f"{name}.py"
        status = stream([interpreter, program, "--programs", folder / "benchmarks", *options]) or status
    return status


def lint(arguments: list[str]) -> int:
    return checks.lint(tidy="--tidy" in arguments)


def fuzz(arguments: list[str]) -> int:
    seconds = int(arguments[0]) if arguments else 60
    with Exclusive():
        folder = build.ensure("asan-ubsan")
    checks.fuzz(folder, seconds)
    return 0


def docs(arguments: list[str]) -> int:
    return parts.main(["docs", *arguments])


COMMANDS = {
    "demo": demo,
    "test": parts.main,
    "python": python,
    "build": build_preset,
    "bench": bench,
    "lint": lint,
    "format": lambda arguments: checks.reformat(),
    "fuzz": fuzz,
    "docs": docs,
}


def main() -> int:
    name, *arguments = sys.argv[1:] or ["help"]
    if name in ("help", "-h", "--help"):
        print(__doc__)
        return 0
    if name not in COMMANDS:
        print(f"dev: there is no command {name!r}\n\n{__doc__}", file=sys.stderr)
        return 2
    try:
        return COMMANDS[name](arguments)
    except StepFailed as error:
        print(f"dev: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
