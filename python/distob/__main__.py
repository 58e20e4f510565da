"""The command line: `distob` or `python -m distob`."""

from __future__ import annotations

import sys

import distob

USAGE = """usage: distob demo [OPTIONS]     show what distob does, on this machine (distob demo --help)
       distob --version"""


def main() -> int:
    """Runs the command that the command line names."""
    arguments = sys.argv[1:]
    match arguments[:1]:
        case ["demo"]:
            from distob import _demo

            return _demo.main(arguments[1:])
        case ["--version"]:
            print(f"distob {distob.__version__}")
            return 0
        case [] | ["-h" | "--help"]:
            print(USAGE)
            return 0
    print(f"distob: there is no command {arguments[0]!r}\n{USAGE}", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main())
