"""The checkout's own Python environment, .venv: what pyproject.toml declares, installed when a command needs it."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import tomllib
from pathlib import Path

from steps import ROOT, run

VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"


def ensure(*groups: str) -> Path:
    """The Python of .venv, with every dependency of `groups` installed and the source tree importable."""
    if not PYTHON.exists() or subprocess.run([PYTHON, "-c", ""], check=False).returncode != 0:
        base = getattr(sys, "_base_executable", sys.executable)
        run("making .venv", [base, "-m", "venv", "--clear", VENV], log="venv")
    for group in groups:
        _install(group)
    _make_importable()
    return PYTHON


def requirements(group: str) -> list[str]:
    """What pyproject.toml's dependency group lists."""
    with (ROOT / "pyproject.toml").open("rb") as file:
        return list(tomllib.load(file)["dependency-groups"][group])


def _install(group: str) -> None:
    wanted = requirements(group)
    key = hashlib.sha256("\n".join(wanted).encode()).hexdigest()
    stamp = VENV / f".group-{group}"
    if stamp.exists() and stamp.read_text() == key:
        return
    pip: list[str | Path] = [PYTHON, "-m", "pip", "install", "--progress-bar", "off", *wanted]
    run(f"installing Python packages ({group}): {' '.join(wanted)}", pip, log=f"pip-{group}")
    stamp.write_text(key)


def _make_importable() -> None:
    for site in VENV.glob("lib/python3*/site-packages"):
        path = site / "distob-source.pth"
        line = f"{ROOT / 'python'}\n"
        if not path.exists() or path.read_text() != line:
            path.write_text(line)
