"""distob's arrays beside NumPy, numexpr, JAX and Dask, from one run on one machine.

Every program is ordinary NumPy code, written once as a function of the array namespace; JAX runs it eagerly and under
jit, numexpr gets the same formula as text, Dask keeps its result in memory (`persist`). Results are compared with
NumPy's before anything is timed. "NumPy x 2" is what a user can do without any library: NumPy in one process for each
core, each on its part of arrays in shared memory. STREAM is a C++ triad, a C++ sum and a C++ memcpy on all cores with
ordinary stores: what the memory of this machine allows.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import formulas
import measure
import numpy as np
from formulas import add_multiple, black_scholes, jacobi, squares, sum_of_products
from halves import Halves
from measure import Contender, Program, Timing, duration

import distob

CDF_TEXT = (
    "where({x} >= 0, 1 - {tail}, {tail})",
    "exp(-0.5 * {x} * {x}) * 0.3989422804014327 * ({poly})",
    "{t} * (0.319381530 + {t} * (-0.356563782 + {t} * (1.781477937 + {t} * (-1.821255978 + {t} * 1.330274429))))",
    "(1 / (1 + 0.2316419 * abs({x})))",
)


def cdf_text(x: str) -> str:
    whole, tail, poly, t = CDF_TEXT
    poly = poly.format(t=t.format(x=x))
    return whole.format(x=x, tail=f"({tail.format(x=x, poly=poly)})")


def black_scholes_text() -> str:
    spread = "(0.3 * sqrt(years))"
    d1 = f"((log(price / strike) + (0.02 + 0.5 * 0.3**2) * years) / {spread})"
    return f"price * {cdf_text(d1)} - strike * exp(-0.02 * years) * {cdf_text(f'({d1} - {spread})')}"


@dataclass
class Row:
    """One line of the table: the work of each contender."""

    name: str
    contenders: dict[str, Contender]
    stream: Contender | None = None  #: the lower bound that memory sets
    expected: Any = None  #: NumPy's result, if the contenders return theirs
    timings: dict[str, Timing] = field(default_factory=dict)


class Bench:
    """Makes the rows: data once for each, then one contender for each library."""

    def __init__(self, peers: bool, stream: Program) -> None:
        self.stream = stream
        self.peers = peers
        self.numexpr = measure.peer("numexpr") if peers else None
        self.jax = measure.peer("jax") if peers else None
        self.dask = measure.peer("dask.array") if peers else None
        if self.jax is not None:
            self.jax.config.update("jax_enable_x64", True)
        self.random = np.random.default_rng(1)

    def rows(self, wanted: str) -> Iterator[Row]:
        """The rows whose name contains `wanted`; each frees its data before the next is made."""
        makers: list[tuple[str, Callable[[str], Row]]] = [
            ("a + 3 b, n = 1e7", lambda name: self.elementwise(name, add_multiple, 10**7, "ab", text="a + 3 * b")),
            ("a + 3 b, n = 1e8", lambda name: self.elementwise(name, add_multiple, 10**8, "ab", text="a + 3 * b")),
            (
                "sin² + cos², n = 1e7",
                lambda name: self.elementwise(name, squares, 10**7, "x", text="sin(x) ** 2 + cos(x) ** 2"),
            ),
            ("Black-Scholes, n = 1e7", self.options),
            (
                "sum(a b + c), n = 1e7",
                lambda name: self.elementwise(name, sum_of_products, 10**7, "abc", text="sum(a * b + c)"),
            ),
            ("Jacobi 4000², in place", lambda name: self.stencil(name, 4000, 1)),
            ("Jacobi 100², in place", lambda name: self.stencil(name, 100, 200)),
            ("x + 1, n = 1000", lambda name: self.small(name, 1000, 2000)),
            ("x + 1, n = 1e5", lambda name: self.small(name, 10**5, 200)),
            ("float(x.sum()), n = 1000", lambda name: self.small_sum(name, 1000, 2000)),
            ("mean over axis 0, 1e4 x 1e3", lambda name: self.reduction(name, "mean", 0)),
            ("mean over axis 1, 1e4 x 1e3", lambda name: self.reduction(name, "mean", 1)),
            ("std over axis 0, 1e4 x 1e3", lambda name: self.reduction(name, "std", 0)),
            ("std over axis 1, 1e4 x 1e3", lambda name: self.reduction(name, "std", 1)),
            ("GEMM 2000³", self.gemm),
            ("k-means, 1e6 x 8, 8 centres, 5 steps", self.k_means),
            ("logistic regression, 1e6 x 32, 10 steps", self.logistic_regression),
            ("conjugate gradients, 2000², 10 steps", self.conjugate_gradients),
            ("cumsum, n = 1e7", lambda name: self.unary(name, lambda xp, x: xp.cumsum(x))),
            ("x[x > 0.5], n = 1e7", lambda name: self.unary(name, lambda xp, x: x[x > 0.5], jit=False)),
            ("x[index], n = 1e7", self.take),
            ("scatter 800 MB", self.scatter),
            ("gather 800 MB", self.gather),
            ("np.asarray, 800 MB", self.asarray),
        ]
        for name, make in makers:
            if wanted in name and self._fits(name):
                yield make(name)

    def _fits(self, name: str) -> bool:
        needed = 12e9 if "1e8" in name else 4e9
        if measure.available_memory() < needed:
            print(f"skipped {name}: it needs {needed / 1e9:.0f} GB of memory")
            return False
        return True

    def elementwise(self, name: str, program: Callable[..., Any], n: int, operands: str, text: str) -> Row:
        local = {operand: self.random.random(n) for operand in operands}
        row = self._row(name, program, local, text, halves=True)
        if program is add_multiple:
            row.stream = self.stream.contender(f"triad {n}")
        if program is sum_of_products:
            row.stream = self.stream.contender(f"read {3 * n}")
        return row

    def options(self, name: str) -> Row:
        n = 10**7
        local = {
            "price": self.random.uniform(80, 120, n),
            "strike": self.random.uniform(80, 120, n),
            "years": self.random.uniform(0.25, 2, n),
        }
        return self._row(name, black_scholes, local, black_scholes_text(), halves=True)

    def gemm(self, name: str) -> Row:
        local = {"a": self.random.random((2000, 2000)), "b": self.random.random((2000, 2000))}
        return self._row(name, formulas.gemm, local)

    def k_means(self, name: str) -> Row:
        points = self.random.random((10**6, 8))
        return self._row(name, formulas.k_means, {"points": points, "centres": points[:8].copy()}, jit=False)

    def logistic_regression(self, name: str) -> Row:
        features = self.random.standard_normal((10**6, 32))
        labels = (features @ self.random.standard_normal(32) > 0).astype(float)
        local = {"features": features, "labels": labels, "weights": np.zeros(32)}
        return self._row(name, formulas.logistic_regression, local, jit=False)

    def conjugate_gradients(self, name: str) -> Row:
        # Dask's graph of ten steps that share their operands takes minutes.
        local = {"right": self.random.random((2000, 2000))}
        return self._row(name, formulas.conjugate_gradients, local, jit=False, dask=False)

    def unary(self, name: str, program: Callable[[Any, Any], Any], n: int = 10**7, jit: bool = True) -> Row:
        return self._row(name, program, {"x": self.random.random(n)}, jit=jit)

    def reduction(self, name: str, function: str, axis: int) -> Row:
        local = {"x": self.random.random((10**4, 10**3))}
        row = self._row(name, lambda xp, x: getattr(xp, function)(x, axis=axis), local)
        row.stream = self.stream.contender(f"read {10**7}")
        return row

    def take(self, name: str) -> Row:
        n = 10**7
        local = {"x": self.random.random(n), "index": self.random.integers(0, n, n)}
        return self._row(name, lambda xp, x, index: x[index], local, dask=False)

    def stencil(self, name: str, side: int, times: int) -> Row:
        start = self.random.random((side, side))
        local, scattered = start.copy(), distob.scatter(start, axis=0)
        jacobi(np, local)
        jacobi(np, scattered)
        check(name, "distob", local, np.asarray(scattered))
        contenders = {
            "NumPy": measure.repeated(lambda: jacobi(np, local), times),
            "distob": measure.repeated(lambda: jacobi(np, scattered), times, distob.sync),
        }
        if self.jax is not None:
            step = self.jax.jit(
                lambda u: u.at[1:-1, 1:-1].set(0.25 * (u[:-2, 1:-1] + u[2:, 1:-1] + u[1:-1, :-2] + u[1:-1, 2:])),
                donate_argnums=0,
            )
            contenders["JAX jit"] = self._jax_loop(step, self.jax.numpy.asarray(start), times)
        return Row(name, contenders)

    def small(self, name: str, n: int, times: int) -> Row:
        local = self.random.random(n)
        scattered = distob.scatter(local, axis=0)
        check(name, "distob", local + 1, np.asarray(scattered + 1))
        contenders = {
            "NumPy": measure.repeated(lambda: local + 1, times),
            "distob": measure.repeated(lambda: scattered + 1, times, distob.sync),
        }
        if self.jax is not None:
            x = self.jax.numpy.asarray(local)
            add = self.jax.jit(lambda x: x + 1)
            contenders["JAX"] = measure.repeated(lambda: (x + 1).block_until_ready(), times // 10)
            contenders["JAX jit"] = measure.repeated(lambda: add(x).block_until_ready(), times // 10)
        if self.dask is not None:
            lazy = self.dask.from_array(local)
            contenders["Dask"] = measure.repeated(lambda: (lazy + 1).persist(), 3)
        return Row(name, contenders)

    def small_sum(self, name: str, n: int, times: int) -> Row:
        local = self.random.random(n)
        scattered = distob.scatter(local, axis=0)
        check(name, "distob", local.sum(), float(scattered.sum()))
        contenders = {
            "NumPy": measure.repeated(lambda: float(local.sum()), times),
            "distob": measure.repeated(lambda: float(scattered.sum()), times),
        }
        if self.jax is not None:
            x = self.jax.numpy.asarray(local)
            contenders["JAX"] = measure.repeated(lambda: float(x.sum()), times // 10)
        if self.dask is not None:
            lazy = self.dask.from_array(local)
            contenders["Dask"] = measure.repeated(lambda: float(lazy.sum()), 3)
        return Row(name, contenders)

    def scatter(self, name: str) -> Row:
        local = self.random.random(10**8)

        def work() -> None:
            scattered = distob.scatter(local, axis=0)
            distob.sync()
            del scattered

        return Row(name, {"NumPy": lambda: local.copy(), "distob": work}, self.stream.contender("copy 800000000"))

    def gather(self, name: str) -> Row:
        local = self.random.random(10**8)
        scattered = distob.scatter(local, axis=0)
        check(name, "distob", local, distob.gather(scattered))
        kept: list[Any] = []  # one result is kept, so that the next finds its memory warm

        def work() -> None:
            result = distob.gather(scattered)
            kept[:] = [result]

        return Row(name, {"NumPy": lambda: local.copy(), "distob": work}, self.stream.contender("copy 800000000"))

    def asarray(self, name: str) -> Row:
        scattered = distob.scatter(self.random.random(10**8), axis=0)
        return Row(name, {"distob": lambda: np.asarray(scattered)})

    def _row(
        self,
        name: str,
        program: Callable[..., Any],
        local: dict[str, Any],
        text: str | None = None,
        *,
        jit: bool = True,
        dask: bool = True,
        halves: bool = False,
    ) -> Row:
        """`program` on `local` by every library; `text` is the same formula for numexpr.

        Small operands (weights, centres) stay NumPy's for distob and Dask. `halves`: the program is elementwise, or a sum,
        so that processes can do parts of it.
        """
        operands = list(local.values())
        scattered = [distob.scatter(operand, axis=0) if large(operand) else operand for operand in operands]
        contenders: dict[str, Contender] = {
            "NumPy": lambda: program(np, *operands),
            "distob": lambda: finished(program(np, *scattered)),
        }
        if halves and self.peers:
            processes = Halves(program.__name__, operands)
            contenders["NumPy x 2"] = processes
        if text is not None and self.numexpr is not None:
            evaluate = self.numexpr.evaluate
            contenders["numexpr"] = lambda: evaluate(text, local_dict=local)
        if self.jax is not None:
            contenders |= self._jax(program, operands, jit)
        if dask and self.dask is not None:
            chunks = -(-operands[0].shape[0] // 8)
            lazy = [
                self.dask.from_array(operand, chunks=(chunks, *operand.shape[1:])) if large(operand) else operand
                for operand in operands
            ]
            da = self.dask
            contenders["Dask"] = lambda: program(da, *lazy).persist()
        return Row(name, contenders, expected=program(np, *operands))

    def _jax(self, program: Callable[..., Any], operands: list[Any], jit: bool) -> dict[str, Contender]:
        jnp, jax = self.jax.numpy, self.jax
        held = [jnp.asarray(operand) for operand in operands]
        contenders: dict[str, Contender] = {"JAX": lambda: jax.block_until_ready(program(jnp, *held))}
        if jit:
            compiled = jax.jit(lambda *held: program(jnp, *held))
            contenders["JAX jit"] = lambda: jax.block_until_ready(compiled(*held))
        return contenders

    def _jax_loop(self, step: Callable[[Any], Any], start: Any, times: int) -> Contender:
        state = [start]

        def call() -> None:
            state[0] = step(state[0])

        return measure.repeated(call, times, lambda: state[0].block_until_ready())


def large(operand: Any) -> bool:
    return bool(operand.size >= 10**5)


def finished(result: Any) -> Any:
    """`result`, once the work behind it is done."""
    distob.sync()
    return result


def check(work: str, library: str, expected: Any, got: Any) -> None:
    """Stops the benchmark if a contender computed something else."""
    if not np.allclose(expected, got, rtol=1e-9, atol=1e-12):
        raise SystemExit(f"{library} computes another result for {work}")


COLUMNS = ("distob", "NumPy", "NumPy x 2", "numexpr", "JAX jit", "JAX", "Dask")


def line(row: Row) -> list[str]:
    """The cells of a row: medians of later calls, and distob's ratios to NumPy and to STREAM."""
    timings = row.timings
    own = timings["distob"].median
    numpy_ratio = f"{timings['NumPy'].median / own:.2g}" if "NumPy" in timings else ""
    bound = min(timings["STREAM"].later) if "STREAM" in timings else None
    stream_ratio = f"{own / bound:.2f}" if bound else ""
    medians = [duration(timings[name].median) if name in timings else "" for name in COLUMNS]
    return [row.name, *medians, duration(bound), numpy_ratio, stream_ratio]


def first_calls(row: Row) -> list[str]:
    """The cells of a row of the second table."""
    return [row.name, *(duration(row.timings[name].first) if name in row.timings else "" for name in COLUMNS)]


def summary(rows: list[Row]) -> str:
    """The few lines for the README."""
    shown = (
        "a + 3 b, n = 1e7",
        "sin² + cos², n = 1e7",
        "Black-Scholes, n = 1e7",
        "Jacobi 4000², in place",
        "x + 1, n = 1000",
    )
    head = ["", "distob", "NumPy", "numexpr", "JAX jit", "Dask", "STREAM"]
    return measure.table(
        head,
        [
            [row.name, *(duration(row.timings[name].median) if name in row.timings else "" for name in head[1:])]
            for row in rows
            if row.name in shown
        ],
    )


def run(row: Row, rounds: int) -> None:
    """Measures `row`; the results of the first calls have to be NumPy's."""

    def look(name: str, result: object) -> None:
        if row.expected is not None and name not in ("NumPy", "STREAM"):
            check(row.name, name, row.expected, np.asarray(result))

    contenders = dict(row.contenders)
    if row.stream is not None:
        contenders["STREAM"] = row.stream
    row.timings = measure.compare(contenders, look, rounds)
    for contender in row.contenders.values():
        if isinstance(contender, Halves):
            contender.close()
    row.contenders.clear()
    row.expected = None


def main() -> None:
    options = measure.arguments(__doc__ or "")
    warnings.simplefilter("ignore", RuntimeWarning)
    stream = Program(options.programs / "stream")
    bench = Bench(not options.no_peers, stream)
    rows, started = [], time.perf_counter()
    for row in bench.rows(options.only):
        run(row, options.rounds)
        rows.append(row)
        print("  ".join(cell for cell in line(row) if cell), flush=True)
    stream.close()
    measure.save(
        options.json, {row.name: {name: [t.first, *t.later] for name, t in row.timings.items()} for row in rows}
    )
    later = measure.table(["", *COLUMNS, "STREAM", "NumPy / distob", "distob / STREAM"], [line(row) for row in rows])
    first = measure.table(["first call", *COLUMNS], [first_calls(row) for row in rows])
    took = f"Medians of later calls above, first calls below; {time.perf_counter() - started:.0f} s in all."
    text = f"{measure.machine()}.\n\n{later}\n\n{took}\n\n{first}"
    write = not (options.no_write or options.only or options.no_peers)
    measure.publish("arrays", text, write)
    measure.publish("arrays-summary", summary(rows), write, measure.README)


if __name__ == "__main__":
    main()
