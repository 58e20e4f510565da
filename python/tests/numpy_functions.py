"""All of NumPy's functions that take part in its protocols, each with simple arguments, and what distob makes of them.

A case is called with the function and the arrays of `arrays`. Every array has more than FEW elements, so that one that
reaches NumPy without a word is told from an index or a scalar.
"""

from __future__ import annotations

import os
import tempfile
import warnings
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import numpy as np

import distob
from distob import _arrays, _core, _fallback

FEW = 32
MODULES = {"numpy": np, "numpy.linalg": np.linalg, "numpy.fft": np.fft, "numpy.strings": np.strings}
Case = Callable[[Any, Any], Any]


def arrays() -> SimpleNamespace:
    """The arguments: vectors of 120 elements, matrices of 12 x 10, square ones of 7 x 7, of every kind."""
    random = np.random.default_rng(5)
    x = SimpleNamespace()
    x.a = random.standard_normal(120)
    x.b = random.uniform(0.1, 0.9, 120)
    x.m = random.standard_normal((12, 10))
    x.n = np.where(random.random((12, 10)) < 0.1, np.nan, random.standard_normal((12, 10)))
    x.i = random.integers(0, 20, 120)
    x.j = random.integers(1, 9, (12, 10))
    x.t = random.random(120) < 0.5
    x.k = random.random((12, 10)) < 0.5
    x.z = random.standard_normal(120) + 1j * random.standard_normal(120)
    x.s = random.standard_normal((7, 7))
    x.p = x.s @ x.s.T + 7 * np.eye(7)
    x.q = random.standard_normal((5, 7, 7))
    x.v = random.standard_normal((40, 3))
    x.w = random.standard_normal((40, 3))
    x.o = np.sort(random.standard_normal(120))
    x.u = random.integers(0, 255, 120).astype(np.uint8)
    x.d = np.datetime64("2020-01-06") + random.integers(0, 300, 120)
    x.e = random.integers(1, 90, 120).astype("timedelta64[D]")
    x.c = np.array([f"word {n} of Some" for n in range(120)])
    x.ones = np.ones(40)
    return x


CASES: dict[str, Case | tuple[Case, ...]] = {
    # shapes and views
    "append": lambda f, x: f(x.m, x.m[:2], axis=0),
    "array_split": lambda f, x: f(x.a, 7),
    "astype": lambda f, x: f(x.a, np.float32),
    "atleast_1d": lambda f, x: f(x.a),
    "atleast_2d": lambda f, x: f(x.a),
    "atleast_3d": lambda f, x: f(x.m),
    "block": lambda f, x: f([[x.m, x.m], [x.m, x.m]]),
    "broadcast_arrays": lambda f, x: f(x.m, x.m[0]),
    "broadcast_to": lambda f, x: f(x.a, (3, 120)),
    "column_stack": lambda f, x: f((x.a, x.b)),
    "concat": lambda f, x: f((x.m, x.m), axis=1),
    "concatenate": lambda f, x: f((x.m, x.m), axis=1),
    "copy": lambda f, x: f(x.m),
    "copyto": lambda f, x: f(x.m, x.n),
    "delete": (lambda f, x: f(x.a, 5), lambda f, x: f(x.m, [1, 3], axis=0)),
    "diag": (lambda f, x: f(x.m), lambda f, x: f(x.a)),
    "diag_indices_from": lambda f, x: f(x.s),
    "diagflat": lambda f, x: f(x.a),
    "diagonal": lambda f, x: f(x.m, 1),
    "dsplit": lambda f, x: f(x.q, 7),
    "dstack": lambda f, x: f((x.m, x.m)),
    "expand_dims": lambda f, x: f(x.m, 1),
    "flip": lambda f, x: f(x.m),
    "fliplr": lambda f, x: f(x.m),
    "flipud": lambda f, x: f(x.m),
    "hsplit": lambda f, x: f(x.m, 5),
    "hstack": lambda f, x: f((x.m, x.m)),
    "insert": (lambda f, x: f(x.a, 3, 7.0), lambda f, x: f(x.m, [1, 3], 2.0, axis=1)),
    "matrix_transpose": lambda f, x: f(x.q),
    "moveaxis": lambda f, x: f(x.q, 0, -1),
    "pad": lambda f, x: f(x.m, 2),
    "permute_dims": lambda f, x: f(x.q, (2, 0, 1)),
    "ravel": lambda f, x: f(x.m),
    "repeat": lambda f, x: f(x.m, 3, axis=1),
    "reshape": lambda f, x: f(x.m, (10, 12)),
    "resize": lambda f, x: f(x.m, (20, 20)),
    "roll": lambda f, x: f(x.m, 3, axis=0),
    "rollaxis": lambda f, x: f(x.q, 2),
    "rot90": lambda f, x: f(x.m),
    "split": lambda f, x: f(x.m, 3),
    "squeeze": lambda f, x: f(x.m[None]),
    "stack": lambda f, x: f((x.m, x.m), axis=1),
    "swapaxes": lambda f, x: f(x.q, 0, 2),
    "tile": lambda f, x: f(x.m, (2, 3)),
    "transpose": lambda f, x: f(x.m),
    "tril": lambda f, x: f(x.m),
    "triu": lambda f, x: f(x.m, 1),
    "tril_indices_from": lambda f, x: f(x.s),
    "triu_indices_from": lambda f, x: f(x.s),
    "trim_zeros": lambda f, x: f(x.i),
    "unstack": lambda f, x: f(x.m),
    "vsplit": lambda f, x: f(x.m, 3),
    "vstack": lambda f, x: f((x.m, x.m)),
    # making arrays
    "empty_like": lambda f, x: f(x.m).shape,
    "full_like": lambda f, x: f(x.m, 3.5),
    "geomspace": lambda f, x: f(x.b, 5.0, 4),
    "linspace": lambda f, x: f(x.a, 5.0, 4),
    "logspace": lambda f, x: f(x.b, 2.0, 4),
    "meshgrid": lambda f, x: f(x.a, x.b),
    "ones_like": lambda f, x: f(x.m),
    "vander": lambda f, x: f(x.a, 4),
    "zeros_like": lambda f, x: f(x.m),
    # reductions and the like
    "all": lambda f, x: f(x.k, axis=0),
    "amax": lambda f, x: f(x.m, axis=0),
    "amin": lambda f, x: f(x.m, axis=1),
    "any": lambda f, x: f(x.k, axis=1),
    "argmax": (lambda f, x: f(x.a), lambda f, x: f(x.m, axis=0)),
    "argmin": (lambda f, x: f(x.a), lambda f, x: f(x.m, axis=1)),
    "average": (lambda f, x: f(x.m, axis=0), lambda f, x: f(x.a, weights=x.b)),
    "count_nonzero": lambda f, x: f(x.i),
    "cumprod": lambda f, x: f(x.b),
    "cumsum": lambda f, x: f(x.m, axis=0),
    "cumulative_prod": lambda f, x: f(x.b),
    "cumulative_sum": lambda f, x: f(x.a, include_initial=True),
    "max": lambda f, x: f(x.m),
    "mean": lambda f, x: f(x.m, axis=0),
    "median": (lambda f, x: f(x.a), lambda f, x: f(x.m, axis=0)),
    "min": lambda f, x: f(x.m),
    "nanargmax": lambda f, x: f(x.n, axis=0),
    "nanargmin": lambda f, x: f(x.n),
    "nancumprod": lambda f, x: f(x.n),
    "nancumsum": lambda f, x: f(x.n, axis=0),
    "nanmax": lambda f, x: f(x.n, axis=0),
    "nanmean": lambda f, x: f(x.n, axis=0),
    "nanmedian": (lambda f, x: f(x.n), lambda f, x: f(x.n, axis=0)),
    "nanmin": lambda f, x: f(x.n),
    "nanpercentile": (lambda f, x: f(x.n, 30), lambda f, x: f(x.n, 30, axis=0)),
    "nanprod": lambda f, x: f(x.n, axis=1),
    "nanquantile": (lambda f, x: f(x.n, [0.1, 0.8]), lambda f, x: f(x.n, 0.3, axis=1)),
    "nanstd": lambda f, x: f(x.n, axis=0),
    "nansum": lambda f, x: f(x.n),
    "nanvar": lambda f, x: f(x.n, axis=0),
    "percentile": lambda f, x: f(x.m, [10, 90], axis=0),
    "prod": lambda f, x: f(x.b),
    "ptp": lambda f, x: f(x.m, axis=0),
    "quantile": (lambda f, x: f(x.m, 0.3), lambda f, x: f(x.a, 0.3, weights=x.b, method="inverted_cdf")),
    "std": lambda f, x: f(x.m, axis=0),
    "sum": lambda f, x: f(x.m, axis=0),
    "trace": lambda f, x: f(x.s),
    "var": lambda f, x: f(x.m, axis=0),
    # elements
    "angle": lambda f, x: f(x.z),
    "around": lambda f, x: f(x.a, 2),
    "clip": lambda f, x: f(x.a, -0.5, 0.5),
    "fix": lambda f, x: f(x.a * 5),
    "i0": lambda f, x: f(x.a),
    "imag": lambda f, x: f(x.z),
    "isclose": lambda f, x: f(x.a, x.b),
    "iscomplex": lambda f, x: f(x.z),
    "isneginf": lambda f, x: f(x.a),
    "isposinf": lambda f, x: f(x.a),
    "isreal": lambda f, x: f(x.z),
    "nan_to_num": lambda f, x: f(x.n),
    "real": lambda f, x: f(x.z),
    "real_if_close": lambda f, x: f(x.z * 1.0),
    "round": lambda f, x: f(x.a, 2),
    "sinc": lambda f, x: f(x.a),
    "unwrap": lambda f, x: f(x.a * 9),
    "where": lambda f, x: f(x.t, x.a, x.b),
    # comparison and questions
    "allclose": lambda f, x: f(x.a, x.a),
    "array_equal": lambda f, x: f(x.a, x.a),
    "array_equiv": lambda f, x: f(x.m, x.m[:1]),
    "can_cast": lambda f, x: f(x.a.dtype, np.float32),
    "common_type": lambda f, x: f(x.a, x.m),
    "iscomplexobj": lambda f, x: f(x.z),
    "isrealobj": lambda f, x: f(x.z),
    "may_share_memory": lambda f, x: f(x.a, x.a[3:]),
    "min_scalar_type": lambda f, x: f(x.a),
    "ndim": lambda f, x: f(x.m),
    "result_type": lambda f, x: f(x.i, x.a),
    "shape": lambda f, x: f(x.m),
    "shares_memory": lambda f, x: f(x.a, x.b),
    "size": lambda f, x: f(x.m),
    # indexing
    "argwhere": lambda f, x: f(x.k),
    "choose": lambda f, x: f(x.i % 2, (x.a, x.b)),
    "compress": lambda f, x: f(x.t, x.a),
    "extract": lambda f, x: f(x.t, x.a),
    "fill_diagonal": lambda f, x: f(x.m, 3.0),
    "flatnonzero": lambda f, x: f(x.k),
    "ix_": lambda f, x: f(x.i, x.t),
    "nonzero": lambda f, x: f(x.k),
    "piecewise": lambda f, x: f(x.a, [x.a < 0, x.a >= 0], [-1, lambda y: y * 2]),
    "place": lambda f, x: f(x.a, x.t, [1.0, 2.0]),
    "put": lambda f, x: f(x.a, x.i, 3.0),
    "put_along_axis": lambda f, x: f(x.m, x.j, 2.0, 0),
    "putmask": lambda f, x: f(x.a, x.t, x.b),
    "ravel_multi_index": lambda f, x: f((x.i, x.i), (20, 20)),
    "select": lambda f, x: f([x.a < 0, x.a > 1], [x.a, x.b], 7.0),
    "take": lambda f, x: f(x.a, x.i),
    "take_along_axis": lambda f, x: f(x.m, x.j, 0),
    "unravel_index": lambda f, x: f(x.i, (4, 5)),
    # order, sets, counts
    "argpartition": lambda f, x: x.a[f(x.a, 30)][30],
    "argsort": lambda f, x: f(x.a),
    "bincount": (lambda f, x: f(x.i), lambda f, x: f(x.i, x.a)),
    "digitize": lambda f, x: f(x.a, x.o),
    "histogram": (lambda f, x: f(x.a), lambda f, x: f(x.a, weights=x.b)),
    "histogram2d": lambda f, x: f(x.a, x.b),
    "histogram_bin_edges": lambda f, x: f(x.a),
    "histogramdd": lambda f, x: f(x.v),
    "intersect1d": lambda f, x: f(x.i, x.i[::3]),
    "isin": lambda f, x: f(x.i, x.j),
    "lexsort": lambda f, x: f((x.a, x.i)),
    "partition": lambda f, x: f(x.a, 30)[30],
    "searchsorted": lambda f, x: f(x.o, x.a),
    "setdiff1d": lambda f, x: f(x.i, x.i[::9]),
    "setxor1d": lambda f, x: f(x.i, x.j),
    "sort": lambda f, x: f(x.m, axis=0),
    "sort_complex": lambda f, x: f(x.z),
    "union1d": lambda f, x: f(x.i, x.j),
    "unique": (lambda f, x: f(x.i, True, True, True), lambda f, x: f(x.j[:, :1], axis=0)),
    "unique_all": lambda f, x: f(x.i),
    "unique_counts": lambda f, x: f(x.i),
    "unique_inverse": lambda f, x: f(x.i),
    "unique_values": lambda f, x: np.sort(f(x.i)),
    # calculus and signals
    "convolve": lambda f, x: f(x.a, x.b),
    "correlate": lambda f, x: f(x.a, x.b, "same"),
    "corrcoef": lambda f, x: f(x.m),
    "cov": lambda f, x: f(x.m),
    "diff": lambda f, x: f(x.m, axis=0),
    "ediff1d": lambda f, x: f(x.a),
    "gradient": lambda f, x: f(x.m),
    "interp": lambda f, x: f(x.a, x.o, x.b),
    "trapezoid": lambda f, x: f(x.a, x.o),
    # polynomials
    "poly": lambda f, x: f(x.p),
    "polyadd": lambda f, x: f(x.a, x.b),
    "polyder": lambda f, x: f(x.a),
    "polydiv": lambda f, x: f(x.a, x.b[:9]),
    "polyfit": lambda f, x: f(x.a, x.b, 2),
    "polyint": lambda f, x: f(x.a),
    "polymul": lambda f, x: f(x.a, x.b),
    "polysub": lambda f, x: f(x.a, x.b),
    "polyval": lambda f, x: f([1.0, 2.0, 3.0], x.a),
    "roots": lambda f, x: f(x.b[:9]),
    # products
    "cross": lambda f, x: f(x.v, x.w),
    "dot": (lambda f, x: f(x.a, x.b), lambda f, x: f(x.m, x.m.T)),
    "einsum": lambda f, x: f("ij,kj->ik", x.m, x.m),
    "einsum_path": lambda f, x: f("ij,kj->ik", x.m, x.m)[0],
    "inner": lambda f, x: f(x.m, x.m),
    "kron": lambda f, x: f(x.s, x.s),
    "outer": lambda f, x: f(x.a, x.b),
    "tensordot": lambda f, x: f(x.q, x.q, axes=([1], [2])),
    "vdot": lambda f, x: f(x.a, x.b),
    # along axes
    "apply_along_axis": lambda f, x: f(np.sum, 0, x.m),
    "apply_over_axes": lambda f, x: f(np.sum, x.q, [0, 2]),
    # bits, dates, text, files
    "array2string": lambda f, x: f(x.a),
    "array_repr": lambda f, x: len(f(x.a)) > 0,
    "array_str": lambda f, x: f(x.a),
    "busday_count": lambda f, x: f(x.d, x.d + x.e),
    "busday_offset": lambda f, x: f(x.d, 3, roll="forward"),
    "datetime_as_string": lambda f, x: f(x.d),
    "is_busday": lambda f, x: f(x.d),
    "packbits": lambda f, x: f(x.t),
    "save": lambda f, x: _saved(lambda name: f(name, x.a)),
    "savetxt": lambda f, x: _saved(lambda name: f(name, x.a), text=True),
    "savez": lambda f, x: _saved(lambda name: f(name, x.a)),
    "savez_compressed": lambda f, x: _saved(lambda name: f(name, x.a)),
    "unpackbits": lambda f, x: f(x.u),
    # ufuncs that cannot be called with floats alone
    "bitwise_and": lambda f, x: f(x.i, x.i[::-1]),
    "bitwise_count": lambda f, x: f(x.i),
    "bitwise_invert": lambda f, x: f(x.i),
    "bitwise_left_shift": lambda f, x: f(x.i, 2),
    "bitwise_not": lambda f, x: f(x.i),
    "bitwise_or": lambda f, x: f(x.i, x.i[::-1]),
    "bitwise_right_shift": lambda f, x: f(x.i, 2),
    "bitwise_xor": lambda f, x: f(x.i, x.i[::-1]),
    "gcd": lambda f, x: f(x.i, 6),
    "invert": lambda f, x: f(x.i),
    "isnat": lambda f, x: f(x.d),
    "lcm": lambda f, x: f(x.i, 6),
    "ldexp": lambda f, x: f(x.a, x.i),
    "left_shift": lambda f, x: f(x.i, 2),
    "right_shift": lambda f, x: f(x.i, 2),
    "matmul": lambda f, x: f(x.m, x.m.T),
    "matvec": lambda f, x: f(x.q, x.s[0]),
    "vecdot": lambda f, x: f(x.m, x.m),
    "vecmat": lambda f, x: f(x.s[0], x.q),
    # numpy.linalg
    "linalg.cholesky": lambda f, x: f(x.p),
    "linalg.cond": lambda f, x: f(x.s),
    "linalg.cross": lambda f, x: f(x.v, x.w),
    "linalg.det": lambda f, x: f(x.q),
    "linalg.diagonal": lambda f, x: f(x.q),
    "linalg.eig": lambda f, x: f(x.p),
    "linalg.eigh": lambda f, x: f(x.p)[0],
    "linalg.eigvals": lambda f, x: np.sort(f(x.p)),
    "linalg.eigvalsh": lambda f, x: f(x.p),
    "linalg.inv": lambda f, x: f(x.p),
    "linalg.lstsq": lambda f, x: f(x.v, x.ones)[0],
    "linalg.matmul": lambda f, x: f(x.m, x.m.T),
    "linalg.matrix_norm": lambda f, x: f(x.q),
    "linalg.matrix_power": lambda f, x: f(x.s, 3),
    "linalg.matrix_rank": lambda f, x: f(x.s),
    "linalg.matrix_transpose": lambda f, x: f(x.q),
    "linalg.multi_dot": lambda f, x: f([x.s, x.p, x.s]),
    "linalg.norm": (lambda f, x: f(x.a), lambda f, x: f(x.m, axis=1)),
    "linalg.outer": lambda f, x: f(x.a, x.b),
    "linalg.pinv": lambda f, x: f(x.s),
    "linalg.qr": lambda f, x: np.abs(f(x.s)[1]),
    "linalg.slogdet": lambda f, x: f(x.q),
    "linalg.solve": lambda f, x: f(x.p, x.s),
    "linalg.svd": lambda f, x: f(x.s)[1],
    "linalg.svdvals": lambda f, x: f(x.s),
    "linalg.tensordot": lambda f, x: f(x.s, x.q, axes=([1], [1])),
    "linalg.tensorinv": lambda f, x: f(x.s, ind=1),
    "linalg.tensorsolve": lambda f, x: f(x.p, x.s[0]),
    "linalg.trace": lambda f, x: f(x.q),
    "linalg.vecdot": lambda f, x: f(x.m, x.m),
    "linalg.vector_norm": lambda f, x: f(x.m, axis=0),
    # numpy.fft
    "fft.fftshift": lambda f, x: f(x.a),
    "fft.ifftshift": lambda f, x: f(x.a),
    # numpy.strings
    "strings.add": lambda f, x: f(x.c, "!"),
    "strings.center": lambda f, x: f(x.c, 30),
    "strings.count": lambda f, x: f(x.c, "o"),
    "strings.decode": lambda f, x: f(np.strings.encode(x.c)),
    "strings.endswith": lambda f, x: f(x.c, "e"),
    "strings.expandtabs": lambda f, x: f(x.c),
    "strings.find": lambda f, x: f(x.c, "o"),
    "strings.index": lambda f, x: f(x.c, "o"),
    "strings.ljust": lambda f, x: f(x.c, 30),
    "strings.mod": lambda f, x: f(x.c, 3),
    "strings.multiply": lambda f, x: f(x.c, 2),
    "strings.partition": lambda f, x: f(x.c, " "),
    "strings.replace": lambda f, x: f(x.c, "o", "0"),
    "strings.rjust": lambda f, x: f(x.c, 30),
    "strings.rpartition": lambda f, x: f(x.c, " "),
    "strings.startswith": lambda f, x: f(x.c, "w"),
    "strings.translate": lambda f, x: f(x.c, {111: "0"}),
    "strings.zfill": lambda f, x: f(x.c, 30),
}


def _saved(save: Callable[[str], None], text: bool = False) -> Any:
    with tempfile.TemporaryDirectory() as folder:
        save(os.path.join(folder, "file"))
        (name,) = os.listdir(folder)
        path = os.path.join(folder, name)
        loaded = np.loadtxt(path) if text else np.load(path)
        return loaded["arr_0"] if isinstance(loaded, np.lib.npyio.NpzFile) else loaded


def _ufunc_case(name: str, ufunc: np.ufunc) -> Case:
    """Elements of (0, 1), or words, in as many operands as there are."""
    if name.startswith("strings."):
        return lambda f, x: f(*(x.c,) * ufunc.nin)
    if name in ("arccosh", "acosh"):
        return lambda f, x: f(x.b + 1)
    return lambda f, x: f(*(x.b, x.b[::-1])[: ufunc.nin])


def functions() -> Iterator[tuple[str, Any, tuple[Case, ...]]]:
    """Every function of NumPy's that arrays take part in: its name without "numpy.", itself, and its cases."""
    dispatcher = type(np.sum)
    for module_name, module in MODULES.items():
        for name in sorted(dir(module)):
            function = getattr(module, name)
            if name.startswith("_") or not isinstance(function, (dispatcher, np.ufunc)):
                continue
            full = f"{module_name}.{name}".removeprefix("numpy.")
            if isinstance(function, np.ufunc) and full not in CASES:
                case: Any = _ufunc_case(full, function)
            elif full.startswith("fft.") and full not in CASES:
                case = (lambda f, x: f(x.m)) if full.endswith(("n", "2")) else (lambda f, x: f(x.m, axis=0))
            elif full.startswith("strings.") and full not in CASES:
                case = lambda f, x: f(x.c)
            else:
                case = CASES[full]
            yield full, function, case if isinstance(case, tuple) else (case,)


class Run:
    """What happened while one function ran on distributed arrays."""

    def __init__(self) -> None:
        self.told: list[bool] = []  # for each case, whether it fell back to NumPy
        self.silent: list[tuple[int, ...]] = []  # shapes of arrays that became ndarrays without a word
        self.results: list[tuple[Any, Any]] = []  # ours and NumPy's

    @property
    def status(self) -> str:
        return "distributed" if not any(self.told) else "NumPy" if all(self.told) else "partly"


def run(function: Any, cases: tuple[Case, ...], monkeypatch: Any) -> Run:
    """Call every case with scattered arrays and with ndarrays."""
    outcome = Run()
    told: list[str] = []
    to_ndarray = _arrays._Array.__array__

    def watched(self: Any, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        if self.size > FEW and not told:
            outcome.silent.append(self.shape)
        return to_ndarray(self, dtype, copy)

    for case in cases:
        local, scattered = arrays(), arrays()
        for name, value in vars(scattered).items():
            setattr(scattered, name, distob.scatter(value))
        told.clear()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            expected = case(function, local)
            with monkeypatch.context() as patched:
                patched.setattr(_arrays._Array, "__array__", watched)
                patched.setattr(_fallback, "tell", told.append)
                got = case(function, scattered)
        outcome.told.append(bool(told))
        outcome.results.append((got, expected))
        outcome.results.extend((getattr(scattered, name), value) for name, value in vars(local).items())
    return outcome


def as_local(value: Any) -> Any:
    """What a function returned, without arrays of ours."""
    if isinstance(value, _core.Array):
        return np.asarray(value)
    if isinstance(value, (tuple, list)):
        return [as_local(item) for item in value]
    return value
