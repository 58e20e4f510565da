"""Pictures of what an operation costs: against the number of elements, and against the number of threads.

Written to docs/ as SVG. Every point is the best of some runs, contenders in turns, so that a busy moment of the machine
does not look like a property of a library.
"""

from __future__ import annotations

import os
import time
import warnings
from collections.abc import Callable
from typing import Any

import formulas
import measure
import numpy as np

import distob

DOCS = measure.ROOT / "docs"
COLOURS = {"distob": "#c2410c", "NumPy": "#1d4ed8", "numexpr": "#15803d", "JAX": "#7e22ce"}
SIZES = [10**k for k in range(1, 9)]
PICTURES = """The best of some runs, JAX under jit ([benchmarks/plots.py](../benchmarks/plots.py)).

![Nanoseconds for each element against the number of elements](cost_by_size.svg)

![Speed against the number of threads](speed_by_threads.svg)"""


def best(contenders: dict[str, Callable[[], object]], seconds: float = 0.3) -> dict[str, float]:
    """Seconds of one call of each: the least of several rounds of calls."""
    least = dict.fromkeys(contenders, float("inf"))
    started = time.perf_counter()
    rounds = 0
    while rounds < 3 or time.perf_counter() - started < seconds * len(contenders):
        for name, call in contenders.items():
            calls = max(1, int(1e-3 / least[name])) if least[name] < 1e-3 else 1
            begun = time.perf_counter()
            for _ in range(calls):
                call()
            least[name] = min(least[name], (time.perf_counter() - begun) / calls)
        rounds += 1
    return least


def finished(result: Any) -> Any:
    distob.sync()
    return result


def by_size(peers: bool) -> dict[str, dict[str, list[float]]]:
    """For two programs: nanoseconds for each element by contender, for each of SIZES."""
    numexpr = measure.peer("numexpr") if peers else None
    jax = measure.peer("jax") if peers else None
    if jax is not None:
        jax.config.update("jax_enable_x64", True)
    programs: dict[str, tuple[Callable[[Any, Any], Any], str]] = {
        "x + 1": (lambda xp, x: x + 1, "x + 1"),
        "sin² + cos²": (formulas.squares, "sin(x) ** 2 + cos(x) ** 2"),
    }
    costs: dict[str, dict[str, list[float]]] = {}
    for title, (program, text) in programs.items():
        lines = costs.setdefault(title, {})
        for n in SIZES:
            x = np.random.default_rng(1).random(n)
            ours = distob.scatter(x, axis=0)
            work: dict[str, Callable[[], object]] = {
                "distob": lambda p=program, a=ours: finished(p(np, a)),
                "NumPy": lambda p=program, a=x: p(np, a),
            }
            if numexpr is not None:
                work["numexpr"] = lambda t=text, a=x, e=numexpr.evaluate: e(t, local_dict={"x": a})
            if jax is not None:
                held, jitted = jax.numpy.asarray(x), jax.jit(lambda a, p=program, xp=jax.numpy: p(xp, a))
                work["JAX"] = lambda f=jitted, a=held: f(a).block_until_ready()
            for name, seconds in best(work).items():
                lines.setdefault(name, []).append(seconds / n * 1e9)
    return costs


def by_threads() -> tuple[list[int], dict[str, list[float]]]:
    """The time of some programs of 1e7 elements with one thread, divided by that with more."""
    cores = os.cpu_count() or 1
    counts = sorted({1, *(2**k for k in range(1, cores.bit_length())), cores})
    random = np.random.default_rng(1)
    a, b, years = (distob.scatter(random.uniform(0.5, 2, 10**7), axis=0) for _ in range(3))
    programs: dict[str, Callable[[], object]] = {
        "a + 3 b": lambda: finished(formulas.add_multiple(np, a, b)),
        "sin² + cos²": lambda: finished(formulas.squares(np, a)),
        "Black-Scholes": lambda: finished(formulas.black_scholes(np, a, b, years)),
    }
    seconds: dict[str, list[float]] = {name: [] for name in programs}
    before = distob.threads()
    for count in counts:
        distob.set_threads(count)
        for name, one in best(programs, seconds=1.0).items():
            seconds[name].append(one)
    distob.set_threads(before)
    return counts, {name: [times[0] / t for t in times] for name, times in seconds.items()}


def draw(costs: dict[str, dict[str, list[float]]], counts: list[int], speedups: dict[str, list[float]]) -> None:
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams["svg.hashsalt"] = "distob"
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(1, len(costs), figsize=(10, 4), sharey=True)
    for axis, (title, lines) in zip(np.atleast_1d(axes), costs.items(), strict=True):
        for name, cost in lines.items():
            axis.loglog(SIZES, cost, marker="o", markersize=3, label=name, color=COLOURS[name])
        axis.set(title=title, xlabel="elements")
        axis.grid(alpha=0.3)
    np.atleast_1d(axes)[0].set_ylabel("ns for each element")
    np.atleast_1d(axes)[0].legend()
    save(figure, "cost_by_size.svg")

    figure, axis = pyplot.subplots(figsize=(5, 4))
    axis.plot(counts, counts, color="0.7", linestyle="--", label="as many times as threads")
    for name, speedup in speedups.items():
        axis.plot(counts, speedup, marker="o", label=name)
    axis.set(xlabel="threads", ylabel="times as fast as with one", xticks=counts, title="1e7 elements")
    axis.grid(alpha=0.3)
    axis.legend()
    save(figure, "speed_by_threads.svg")


def save(figure: Any, name: str) -> None:
    figure.tight_layout()
    figure.savefig(DOCS / name, metadata={"Date": None})
    print(f"written to {(DOCS / name).relative_to(measure.ROOT)}")


def main() -> None:
    options = measure.arguments(__doc__ or "")
    warnings.simplefilter("ignore", RuntimeWarning)
    costs = by_size(not options.no_peers)
    for title, lines in costs.items():
        head = [title, *(f"{n:.0e}" for n in SIZES)]
        print(measure.table(head, [[name, *(f"{c:.3g} ns" for c in cost)] for name, cost in lines.items()]))
    counts, speedups = by_threads()
    print(measure.table(["threads", *map(str, counts)], [[n, *(f"{s:.2f}" for s in x)] for n, x in speedups.items()]))
    if not options.no_write:
        draw(costs, counts, speedups)
        measure.publish("plots", PICTURES, write=True)


if __name__ == "__main__":
    main()
