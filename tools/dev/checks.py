"""./dev lint, format and fuzz."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import debian
import environment
from steps import ROOT, Exclusive, StepFailed, run

import build

PYTHON_SOURCES = ["python", "tools", "tests", "examples", "benchmarks"]


def lint(tidy: bool = False) -> int:
    """Runs every check and returns how many found something."""
    with Exclusive():
        debian.ensure(debian.LINT)
        python = environment.ensure("build", "lint")
    sources = [str(path) for path in cpp_sources()]
    checks: list[tuple[str, list[str | Path]]] = [
        ("ruff", [python, "-m", "ruff", "check", *PYTHON_SOURCES]),
        ("ruff-format", [python, "-m", "ruff", "format", "--check", *PYTHON_SOURCES]),
        ("mypy", [python, "-m", "mypy"]),
        ("rooms", [python, "tools/check_rooms.py"]),
        ("clang-format", ["clang-format", "--dry-run", "--Werror", *sources]),
    ]
    if tidy:
        with Exclusive():
            folder = build.ensure("asan-ubsan")
        units = [source for source in sources if source.endswith(".cpp") and "/src/" in source]
        checks.append(("clang-tidy", ["run-clang-tidy", "-quiet", "-p", folder, *units]))
    failures = 0
    for name, command in checks:
        try:
            run(f"lint: {name}", command, log=f"lint-{name}")
        except StepFailed as error:
            print(f"dev: {error}", file=sys.stderr, flush=True)
            failures += 1
    return failures


def reformat() -> int:
    """Rewrites the sources the way lint wants them."""
    with Exclusive():
        debian.ensure(debian.LINT)
        python = environment.ensure("build", "lint")
    run("formatting C++", ["clang-format", "-i", *cpp_sources()], log="format-cpp")
    run("fixing Python", [python, "-m", "ruff", "check", "--fix", "--exit-zero", *PYTHON_SOURCES], log="fix-python")
    run("formatting Python", [python, "-m", "ruff", "format", *PYTHON_SOURCES], log="format-python")
    return 0


def cpp_sources() -> list[Path]:
    """Every C++ file that git knows or would add."""
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", "*.h", "*.cpp"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    return [ROOT / name for name in listed if (ROOT / name).exists()]


def fuzz(folder: Path, seconds: int) -> int:
    """Runs each fuzz target of `folder` for `seconds` from its corpus and returns how many there were."""
    targets = sorted(
        path for path in (folder / "tests").glob("**/*_fuzz") if os.access(path, os.X_OK) and path.is_file()
    )
    if not targets:
        raise StepFailed("no fuzz target was built")
    for target in targets:
        seeds = ROOT / "tests" / "fuzz" / "corpus" / target.name
        corpus = folder / "corpus" / target.name
        corpus.mkdir(parents=True, exist_ok=True)
        run(
            f"fuzzing {target.name} for {seconds} s",
            [
                target,
                f"-max_total_time={seconds}",
                "-timeout=5",
                "-rss_limit_mb=2048",
                f"-artifact_prefix={corpus}-",
                corpus,
                *([seeds] if seeds.exists() else []),
            ],
            log=f"fuzz-{target.name}",
        )
    return len(targets)
