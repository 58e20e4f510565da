"""NumPy's names, with arrays that are made where they will live: `import distob.numpy as np`.

Functions that make arrays give DistArrays, and take `partition=`: whatever `DistArray.redistribute` takes, or the number of
an axis. Every other name is NumPy's own, which computes on distributed arrays through its protocols and on ordinary
ndarrays as always. `distob.numpy.random` draws by index: the same numbers on any number of threads.
"""

from __future__ import annotations

from typing import Any

import numpy as _numpy

from distob.numpy import fft, linalg, random
from distob.numpy._creation import (
    arange,
    array,
    asanyarray,
    asarray,
    ascontiguousarray,
    asfortranarray,
    copy,
    diag,
    empty,
    empty_like,
    eye,
    from_dlpack,
    frombuffer,
    fromfile,
    fromfunction,
    fromiter,
    fromstring,
    full,
    full_like,
    genfromtxt,
    geomspace,
    identity,
    indices,
    linspace,
    load,
    loadtxt,
    logspace,
    meshgrid,
    mgrid,
    ogrid,
    ones,
    ones_like,
    tri,
    vander,
    zeros,
    zeros_like,
)

__all__ = [
    "arange", "array", "asanyarray", "asarray", "ascontiguousarray", "asfortranarray", "copy", "diag", "empty", "empty_like",
    "eye", "fft", "from_dlpack", "frombuffer", "fromfile", "fromfunction", "fromiter", "fromstring", "full", "full_like", "genfromtxt",
    "geomspace", "identity", "indices", "linalg", "linspace", "load", "loadtxt", "logspace", "meshgrid", "mgrid", "ogrid",
    "ones", "ones_like", "random", "tri", "vander", "zeros", "zeros_like",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    return getattr(_numpy, name)


def __dir__() -> list[str]:
    return sorted({*globals(), *dir(_numpy)})
