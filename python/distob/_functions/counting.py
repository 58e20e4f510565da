"""Histograms and counts, and interpolation between points."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import numpy as np

from distob import _core, _fallback
from distob._functions.composed import composed, in_place_of, names_of
from distob._functions.registry import FORMS, as_ours, form_of

_MODULE = "numpy.lib._histograms_impl"
_impl: Any = import_module(_MODULE)
# Integers that doubles hold exactly.
_EXACT = 2**53


@in_place_of(_MODULE, "_get_outer_edges")
def _outer_edges(a: Any, range: Any) -> Any:
    if isinstance(a, _core.Array) and range is None and a.size:
        a = np.array([_core.item(a.min()), _core.item(a.max())], a.dtype)
    return _impl._get_outer_edges(a, range)


@form_of(np.histogram)
def histogram(a: Any, bins: Any = 10, range: Any = None, density: Any = None, weights: Any = None) -> Any:
    """How many elements are in each bin, and the bins' edges, as numpy.histogram."""
    names = names_of(_MODULE)
    face = _fallback.first_face(a, weights)
    values, shares = names["_ravel_and_check_weights"](as_ours(a, face), weights)
    edges, even = names["_get_bin_edges"](values, _fallback.local(bins), range, shares)
    counts = _counts(values, edges, even, shares, face)
    if counts is None:
        return NotImplemented
    if density:
        widths = np.array(np.diff(edges), float)
        counts = np.asarray(counts)
        counts = counts / widths / counts.sum()
    return _fallback.ours(counts, face), _fallback.ours(edges, face)


def _counts(values: Any, edges: np.ndarray, even: Any, weights: Any, face: type) -> Any:
    """The contents of the bins, or None where only NumPy counts."""
    kinds = "biuf" if even is not None else "f"  # NumPy adds integers in uneven bins as integers
    if values.dtype.kind not in "biuf" or (weights is not None and weights.dtype.kind not in kinds):
        return None
    dtype = edges.dtype if even is not None else np.result_type(values.dtype, edges.dtype)
    if dtype not in (np.dtype(np.float32), np.dtype(np.float64), np.dtype(np.int64)):
        return None
    wide = values.dtype.kind in "iu" and values.dtype.itemsize == 8 and dtype.kind == "f"
    if wide and even is not None and not all(abs(edge) < _EXACT for edge in even[:2]):
        return None  # rounded, elements might enter the range
    distance = None
    if even is not None:
        distance = _impl._unsigned_subtract(even[1], even[0])
        if not np.isfinite(distance):
            return None
    shares = None if weights is None else as_ours(weights, face).astype(np.float64, copy=False)
    limits = as_ours(edges.astype(dtype, copy=False), face)
    counts = _core.histogram(values, limits, distance, shares, face)
    return counts if weights is None else counts.astype(weights.dtype, copy=False)


@form_of(np.bincount)
def bincount(x: Any, /, weights: Any = None, minlength: Any = 0) -> Any:
    """How often each integer from 0 on occurs, or the sums of weights, as numpy.bincount."""
    face = _fallback.first_face(x, weights)
    elements = as_ours(x, face)
    shares = None if weights is None else as_ours(weights, face)
    empty = [None if part is None else np.empty((0,) * part.ndim, part.dtype) for part in (elements, shares)]
    np.bincount(empty[0], empty[1], minlength)  # type: ignore[arg-type]  # judges types and axes
    if shares is not None:
        shares = shares.astype(np.float64, copy=False)
    return _core.bincount(elements.astype(np.intp, copy=False), shares, int(minlength), face)


def _interpolated(part: bool, x: Any, xp: Any, fp: Any, left: Any, right: Any) -> Any:
    face = _fallback.first_face(x, xp, fp)
    at, places, heights = (as_ours(one, face).astype(np.float64, copy=False) for one in (x, xp, fp))
    if heights.ndim == 1 and heights.size:
        left, right = (float(heights[end]) if v is None else v for v, end in ((left, 0), (right, -1)))
    else:
        left = right = 0.0  # the arrays are refused
    return _core.interp(at, places, heights, float(left), float(right), part, face)


@in_place_of("numpy.lib._function_base_impl", "compiled_interp")
def _interpolated_real(x: Any, xp: Any, fp: Any, left: Any = None, right: Any = None) -> Any:
    found = _interpolated(False, x, xp, fp, left, right)
    return _core.item(found) if found.ndim == 0 else found


@in_place_of("numpy.lib._function_base_impl", "compiled_interp_complex")
def _interpolated_complex(x: Any, xp: Any, fp: Any, left: Any = None, right: Any = None) -> Any:
    points = as_ours(fp, _fallback.first_face(x, xp, fp))
    ends = [None if end is None else complex(end) for end in (left, right)]
    real = _interpolated(True, x, xp, points.real, *(None if end is None else end.real for end in ends))
    result = _core.empty(real.shape, np.dtype(np.complex128), type(real))
    result.real = real
    result.imag = _interpolated(True, x, xp, points.imag, *(None if end is None else end.imag for end in ends))
    return _core.item(result) if result.ndim == 0 else result


for _function in (np.histogram_bin_edges, np.histogram2d, np.interp):
    FORMS[_function] = composed(_function)
