"""What happens where the memory budget ends: an error at the right line, and nothing else lost."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap

import numpy as np
import pytest

import distob

PRELUDE = """
import gc
import numpy as np
import distob

N = 4_000_000  # 32 MB

def refused(work):
    try:
        work()
    except MemoryError:
        return True
    return False
"""


def run_with_budget(limit: str, program: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PRELUDE + textwrap.dedent(program)],
        env=os.environ | {"DISTOB_MEMORY_LIMIT": limit},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_write_that_needs_memory_beside_an_export_is_refused_at_its_line_and_changes_nothing() -> None:
    run_with_budget(
        "100MB",
        """
        a = distob.scatter(np.ones(N))
        seen = np.asarray(a)
        b, c = a * 2, a * 3
        distob.sync()

        def add():
            global a
            a += 1

        assert refused(add)
        assert seen[7] == 1 and float(a[7]) == 1 and float(b[7]) == 2 and float(c[7]) == 3
        del c
        add()
        assert float(a[7]) == 2 and seen[7] == 1
        assert refused(lambda: a * 4)  # what the export still holds counts
        del seen
        d = a * 4
        assert float(d[7]) == 8
        """,
    )


def test_work_without_memory_waits_for_some_and_all_else_is_done() -> None:
    run_with_budget(
        "100MB",
        """
        u, v, w = (distob.scatter(np.arange(N) + float(k)) for k in range(3))
        distob.sync()
        u[1:-1] = u[:-2]  # in place: needs new memory, which is known when it runs
        v += 1
        assert refused(distob.sync)
        assert float(v[5]) == 7 and float(w[5]) == 7
        assert refused(lambda: np.asarray(u))
        del w
        expected = np.arange(N) + 0.0
        expected[1:-1] = np.arange(N - 2)
        assert np.array_equal(np.asarray(u), expected)
        assert np.array_equal(np.asarray(v), np.arange(N) + 2.0)
        """,
    )


def test_stencils_in_place_need_memory_for_two_arrays_only() -> None:
    run_with_budget(
        "100MB",
        """
        u = distob.scatter(np.arange(N) + 0.0)
        for _ in range(3):
            u[1:-1] = 0.5 * (u[:-2] + u[2:])
            distob.sync()
        assert float(u[9]) == 9.0
        """,
    )


@pytest.mark.parametrize("n", [1000, 10**6])
def test_what_gather_gives_is_a_copy_of_the_users_own(n: int) -> None:
    local = np.arange(float(n))
    a = distob.scatter(local)
    first, second = distob.gather(a), distob.gather(a)
    first[...] = -1
    assert first.flags.writeable
    assert np.array_equal(second, local) and np.array_equal(np.asarray(a), local)
    del a
    second += 1
    assert np.array_equal(second, local + 1)


def test_explain_tells_what_waits_and_what_ran_with_the_bytes_it_moved() -> None:
    # In a process of its own: where tests watch for warnings, each line runs at once.
    run_with_budget(
        "4GB",
        """
        distob.set_threads(1)  # nothing runs before it is asked for
        a = distob.scatter(np.ones(10**6))
        total = (a * 2 + 1).sum()
        assert "a pass over (1000000,): 3 instructions" in distob.explain()
        distob.sync()
        text = distob.explain()
        assert "multiply" in text and "add" in text and "reduce" in text
        assert "passes over memory: 1, 8.0 MB read, 8 bytes written" in text, text
        assert "an array of shape (1000000,) of float64" in a.explain()
        assert float(total) == 3e6
        """,
    )
