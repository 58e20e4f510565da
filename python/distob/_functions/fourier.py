"""numpy.fft: NumPy's transforms, on all cores over the rows that are not transformed."""

from __future__ import annotations

import functools
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from typing import Any

import numpy as np

from distob import _core, _fallback
from distob._functions.composed import composed, in_place_of
from distob._functions.registry import FORMS

_MODULE = "numpy.fft._pocketfft"
_impl: Any = import_module(_MODULE)
# Elements up to which handing rows to other threads would cost more than it brings.
_FEW = 32768


@functools.cache
def _pool(threads: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(threads, thread_name_prefix="distob-fft")


def _in_parts(work: Callable[[slice], Any], length: int) -> None:
    """Call `work` for slices that make up range(length), on all cores: NumPy's transforms run without Python's lock."""
    threads = _core.threads()
    parts = min(length, 4 * threads)
    cuts = [length * i // parts for i in range(parts + 1)]
    list(_pool(threads).map(work, map(slice, cuts[:-1], cuts[1:])))


@in_place_of(_MODULE, "_raw_fft")
def _raw_fft(a: Any, n: int, axis: int, is_real: bool, is_forward: bool, norm: Any, out: Any = None) -> Any:
    if not isinstance(a, _core.Array):
        return _impl._raw_fft(a, n, axis, is_real, is_forward, norm, out)
    axis = np.lib.array_utils.normalize_axis_index(axis, a.ndim)
    others = [i for i in range(a.ndim) if i != axis]
    if not others or 0 in a.shape:
        name = "numpy.fft of a single vector"
        return _fallback.compute(name, _impl._raw_fft, a, n, axis, is_real, is_forward, norm, out=out)
    rows = max(others, key=lambda i: a.shape[i])

    def at(part: slice) -> tuple[slice, ...]:
        return tuple(part if i == rows else slice(None) for i in range(a.ndim))

    elements = _core.snapshot(a)
    made = _impl._raw_fft(elements[at(slice(0))], n, axis, is_real, is_forward, norm)  # judges, and tells the dtype
    shape = tuple(a.shape[i] if i == rows else length for i, length in enumerate(made.shape))
    if out is None:
        out = _core.empty(shape, made.dtype, type(a))
    elif out.shape != shape:
        return _fallback.compute("numpy.fft", _impl._raw_fft, a, n, axis, is_real, is_forward, norm, out=out)
    opened = _core.access(out) if isinstance(out, _core.Array) else out

    def transform(part: slice) -> None:
        _impl._raw_fft(elements[at(part)], n, axis, is_real, is_forward, norm, opened[at(part)])

    if a.size <= _FEW:
        transform(slice(None))
    else:
        _in_parts(transform, a.shape[rows])
    return out


for _name in (
    *("fft", "ifft", "rfft", "irfft", "hfft", "ihfft", "fft2", "ifft2", "rfft2", "irfft2"),
    *("fftn", "ifftn", "rfftn", "irfftn", "fftshift", "ifftshift"),
):
    _function = getattr(np.fft, _name)
    FORMS[_function] = composed(_function)
