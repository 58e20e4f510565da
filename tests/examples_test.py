"""Every example program runs to its end."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PYTHON = sorted((ROOT / "examples" / "python").glob("*.py"))
CPP = sorted((ROOT / "examples" / "cpp").glob("*.cpp"))


def run(command):
    finished = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert finished.returncode == 0, finished.stdout + finished.stderr
    assert finished.stdout.strip(), "an example shows something"


@pytest.mark.parametrize("program", PYTHON, ids=lambda path: path.stem)
def test_python_example_runs(program):
    run([sys.executable, program])


@pytest.mark.parametrize("source", CPP, ids=lambda path: path.stem)
def test_cpp_example_runs(source):
    built = Path(os.environ.get("DISTOB_BUILD", ROOT / "build" / "release"))
    run([built / "examples" / "cpp" / source.stem])


def test_there_are_examples_of_both_kinds():
    assert PYTHON and CPP
