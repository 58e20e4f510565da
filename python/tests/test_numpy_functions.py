"""Every function of NumPy's gives the same for distributed arrays, and docs/numpy.md says which of them are distributed.

After a change of what is distributed: `python python/tests/test_numpy_functions.py` writes docs/numpy.md anew.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy_functions
import pytest

DOCUMENT = Path(__file__).parents[2] / "docs" / "numpy.md"
FUNCTIONS = list(numpy_functions.functions())
STATUS: dict[str, str] = {}


def same(mine: Any, theirs: Any) -> None:
    if isinstance(theirs, (tuple, list)):
        assert isinstance(mine, (tuple, list))
        assert len(mine) == len(theirs)
        for one, two in zip(mine, theirs, strict=True):
            same(one, two)
    elif isinstance(theirs, (np.ndarray, np.generic)):
        mine, theirs = np.asarray(mine), np.asarray(theirs)
        assert mine.dtype == theirs.dtype
        assert mine.shape == theirs.shape
        if theirs.dtype.kind in "fc":
            np.testing.assert_allclose(mine, theirs, rtol=1e-9, atol=1e-12)
        else:
            np.testing.assert_array_equal(mine, theirs)
    else:
        assert mine == theirs


@pytest.mark.parametrize(("name", "function", "cases"), FUNCTIONS, ids=[name for name, _, _ in FUNCTIONS])
def test_a_function_of_numpys_gives_the_same_and_says_so_where_it_is_not_distributed(
    name, function, cases, monkeypatch
):
    outcome = numpy_functions.run(function, cases, monkeypatch)
    STATUS[name] = outcome.status
    for mine, theirs in outcome.results:
        same(numpy_functions.as_local(mine), theirs)
    assert not outcome.silent, f"arrays of shapes {outcome.silent} became ndarrays without a warning"


def test_the_list_in_the_documentation_is_current(monkeypatch):
    for name, function, cases in FUNCTIONS:
        if name not in STATUS:
            STATUS[name] = numpy_functions.run(function, cases, monkeypatch).status
    assert DOCUMENT.read_text() == document(STATUS), f"run: python {Path(__file__).name}"


TITLES = {
    "distributed": "Distributed: computed by all cores where the elements are",
    "partly": "Partly: with some arguments NumPy computes, and a PerformanceWarning says so",
    "NumPy": "Computed by NumPy, in the client's process, on a snapshot; a PerformanceWarning says so",
}


def document(status: dict[str, str]) -> str:
    lines = [
        "# NumPy's functions on distributed arrays",
        "",
        "Every function of NumPy's takes distributed arrays. This list says which are distributed; the tests call each of",
        "them, compare it with NumPy, and keep the list current. Aliases are listed under all their names.",
    ]
    for module in numpy_functions.MODULES:
        short = module.partition(".")[2]
        lines += ["", f"## {module}"]
        for kind, title in TITLES.items():
            names = sorted(
                name.removeprefix(f"{short}.")
                for name, how in status.items()
                if how == kind and name.rpartition(".")[0] == short
            )
            if names:
                lines += ["", f"**{title}** ({len(names)})", "", *_wrapped(names)]
    return "\n".join([*lines, *_NOTES]) + "\n"


def _wrapped(names: list[str]) -> list[str]:
    lines, line = [], ""
    for name in names:
        if len(line) + len(name) + 3 > 118:
            lines.append(line.rstrip())
            line = ""
        line += f"`{name}` "
    return [*lines, line.rstrip()]


_NOTES = """
## What differs from NumPy

- Every sort is stable, whatever `kind` says: of equal elements, and of 0.0 and -0.0, the first comes first. `argsort`
  and `argpartition` without `kind="stable"` may give other indices of equal elements than NumPy does. `partition` sorts.
- `convolve`, `correlate` and sums of weights (`bincount`, `histogram` with uneven bins) add in an order of their own, which
  depends on the lengths alone: they agree with NumPy within rounding.
- `numpy.fft` transforms the rows of an array on all cores; one single vector is transformed by one, with a warning.
- `numpy.char` and functions that NumPy does not dispatch (such as `numpy.cov` of a list of lists) see what NumPy's own
  protocols show them.""".splitlines()


if __name__ == "__main__":
    DOCUMENT.write_text(
        document({name: numpy_functions.run(f, cases, pytest.MonkeyPatch()).status for name, f, cases in FUNCTIONS})
    )
