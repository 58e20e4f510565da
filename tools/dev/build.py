"""CMake builds: configured once for each preset, brought up to date by ninja."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from pathlib import Path

import debian
import environment
from steps import ROOT, run

PYTHON_PRESETS = ("release",)
CLANG_PRESETS = ("asan-ubsan",)


def ensure(preset: str = "release", *targets: str) -> Path:
    """The build folder of `preset`, with `targets` (default: all) up to date."""
    debian.ensure(debian.BUILD)
    if preset in CLANG_PRESETS:
        debian.ensure(debian.LINT)
        debian.ensure(debian.sanitizer_runtime())
    python = environment.ensure("build")
    folder = ROOT / "build" / preset
    _configure(preset, folder, python)
    command = ["cmake", "--build", str(folder)] + (["--target", *targets] if targets else [])
    run(f"building {preset}", command, log=f"build-{preset}", quiet=_up_to_date(folder, targets))
    return folder


def _configure(preset: str, folder: Path, python: Path) -> None:
    """Runs CMake when the presets or the Python changed; ninja itself runs it for all other reasons."""
    key = hashlib.sha256((ROOT / "CMakePresets.json").read_bytes() + str(python).encode()).hexdigest()
    stamp = folder / ".configured"
    if (folder / "build.ninja").exists() and stamp.exists() and stamp.read_text() == key:
        return
    if (folder / "CMakeCache.txt").exists():
        (folder / "CMakeCache.txt").unlink()
    command = ["cmake", "--preset", preset, f"-DPython_EXECUTABLE={python}"]
    run(f"configuring {preset}", command, log=f"configure-{preset}")
    stamp.write_text(key)


def _up_to_date(folder: Path, targets: tuple[str, ...]) -> bool:
    """True if ninja has nothing to do, so that no line need be printed about it."""
    ninja = shutil.which("ninja") or "ninja"
    asked = subprocess.run([ninja, "-C", str(folder), "-n", *targets], capture_output=True, text=True, check=False)
    return "no work to do" in asked.stdout
