"""Checks every #include of src/ and include/ against the rooms' dependency table in cmake/Rooms.cmake.

A room may include itself, the rooms its line of the table names, and what those may include. The public headers may
include only each other. Prints each offence and exits 1 if there is one.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
_ROW = re.compile(r'^set\(DISTOB_ROOM_(\w+) "?([\w ]*)"?\)', re.MULTILINE)
_INCLUDE = re.compile(r'^\s*#\s*include\s*["<]([^">]+)[">]', re.MULTILINE)


def read_table(text: str) -> dict[str, set[str]]:
    """The rooms and what each names as its direct dependencies."""
    return {name: set(dependencies.split()) for name, dependencies in _ROW.findall(text)}


def reachable(table: dict[str, set[str]], room: str) -> set[str]:
    """`room` and everything it may include. Raises ValueError on a circle."""
    seen: set[str] = set()

    def visit(name: str, path: tuple[str, ...]) -> None:
        if name in path:
            raise ValueError(f"the rooms depend on each other in a circle: {' -> '.join((*path, name))}")
        seen.add(name)
        for dependency in table[name]:
            visit(dependency, (*path, name))

    visit(room, ())
    return seen


def offences(root: Path = ROOT) -> Iterator[str]:
    """One line for each include that goes against the table."""
    table = read_table((root / "cmake" / "Rooms.cmake").read_text())
    for folder in sorted(path.name for path in (root / "src").iterdir() if path.is_dir()):
        if folder not in table:
            yield f"src/{folder}: no line in cmake/Rooms.cmake"
            continue
        allowed = reachable(table, folder)
        for path, line, included in _includes(root / "src" / folder):
            room = included.split("/")[0]
            if room in table and room not in allowed:
                yield f'{path.relative_to(root)}:{line}: "{included}": src/{folder} may not depend on src/{room}'
    for path, line, included in _includes(root / "include"):
        if included.split("/")[0] in table:
            yield f'{path.relative_to(root)}:{line}: "{included}": a public header may not include src/'


def _includes(folder: Path) -> Iterator[tuple[Path, int, str]]:
    for path in sorted([*folder.rglob("*.h"), *folder.rglob("*.cpp")]):
        text = path.read_text()
        for match in _INCLUDE.finditer(text):
            if "/" in match[1]:
                yield path, text.count("\n", 0, match.start(1)) + 1, match[1]


def main() -> int:
    """Prints the offences."""
    found = list(offences())
    print(*found, sep="\n")
    print(f"rooms: {len(found)} includes against the table" if found else "rooms: every include follows the table")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
