"""The Debian and Ubuntu packages distob is built and tested with."""

from __future__ import annotations

import os
import shutil
import subprocess

from steps import run, say

BUILD = [
    *("build-essential", "cmake", "ninja-build", "ccache", "pkg-config", "libflatbuffers-dev"),
    *("flatbuffers-compiler", "libhwy-dev", "libsleef-dev"),
    *("libspdlog-dev", "libfmt-dev", "libgtest-dev", "libgmock-dev", "libbenchmark-dev"),
]
LINT = ["clang", "clang-format", "clang-tidy"]


def ensure(packages: list[str]) -> None:
    """Installs those of `packages` that are missing."""
    missing = [name for name in packages if name not in _installed(packages)]
    if not missing:
        return
    if not shutil.which("apt-get"):
        say(f"this is no Debian or Ubuntu; install what corresponds to: {' '.join(missing)}")
        return
    root = [] if os.geteuid() == 0 else ["sudo"]
    env = {"DEBIAN_FRONTEND": "noninteractive"}
    run("updating the list of Debian packages", [*root, "apt-get", "update"], log="apt-update", env=env)
    install = [*root, "apt-get", "install", "-y", "--no-install-recommends", *missing]
    run(f"installing Debian packages: {' '.join(missing)}", install, log="apt-install", env=env)


def sanitizer_runtime() -> list[str]:
    """The package with clang's sanitizers and fuzzer, named after the version of clang that is installed."""
    clang = shutil.which("clang")
    if clang is None:
        return []
    version = subprocess.run([clang, "-dumpversion"], capture_output=True, text=True, check=True).stdout
    return [f"libclang-rt-{version.split('.')[0]}-dev"]


def _installed(packages: list[str]) -> set[str]:
    query = ["dpkg-query", "-W", "-f", "${db:Status-Status} ${Package}\n", *packages]
    try:
        lines = subprocess.run(query, capture_output=True, text=True, check=False).stdout.splitlines()
    except FileNotFoundError:
        return set()
    return {name for status, _, name in (line.partition(" ") for line in lines) if status == "installed"}
