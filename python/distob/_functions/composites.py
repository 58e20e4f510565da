"""More functions that NumPy composes of others, with its own programs; and those written in C that are arithmetic."""

from __future__ import annotations

import math
import operator
from typing import Any

import numpy as np

from distob import _core, _fallback
from distob._functions.composed import composed, in_place_of
from distob._functions.registry import FORMS, as_ours, form_of


@in_place_of("numpy.lib._function_base_impl", "_monotonicity")
def _monotonicity(bins: Any) -> int:
    """1 where bins never fall, -1 where they never rise, else 0."""
    if not isinstance(bins, _core.Array):
        bins = np.asarray(bins)
    before, after = bins[:-1], bins[1:]
    if not (after < before).any():
        return 1
    return 0 if (after > before).any() else -1


@form_of(np.histogramdd)
def histogramdd(sample: Any, bins: Any = 10, range: Any = None, density: Any = None, weights: Any = None) -> Any:
    """Counts in a grid of bins, as numpy.histogramdd."""
    if isinstance(sample, (list, tuple)):  # coordinates, one after the other
        sample = np.stack([as_ours(x) for x in sample], axis=-1)
    return _composed_histogramdd(sample, _fallback.local(bins), range, density, weights)


_composed_histogramdd = composed(np.histogramdd)


@form_of(np.ravel_multi_index)
def ravel_multi_index(multi_index: Any, dims: Any, mode: Any = "raise", order: str = "C") -> Any:
    """Indices of several axes as indices into the flat array, as numpy.ravel_multi_index."""
    lengths = [operator.index(n) for n in (dims if np.iterable(dims) else (dims,))]
    modes = [mode] * len(lengths) if isinstance(mode, str) else list(mode)
    parts = list(multi_index)
    if len(parts) != len(lengths) or len(modes) != len(lengths) or math.prod(lengths) > np.iinfo(np.intp).max:
        return NotImplemented
    if any(np.result_type(part).kind not in "iu" for part in parts) or order not in ("C", "F"):
        return NotImplemented
    flat: Any = 0
    steps = [math.prod(lengths[i + 1 :] if order == "C" else lengths[:i]) for i in range(len(lengths))]
    for part, length, how, step in zip(parts, lengths, modes, steps, strict=True):
        index = part.astype(np.intp, copy=False) if isinstance(part, _core.Array) else np.asarray(part, np.intp)
        if how == "wrap":
            index = index % length
        elif how == "clip":
            index = np.clip(index, 0, length - 1)
        elif how != "raise":
            return NotImplemented
        elif index.size and (index.min() < 0 or index.max() >= length):
            raise ValueError("invalid entry in coordinates array")
        flat = flat + index * step
    return flat


@form_of(np.unravel_index)
def unravel_index(indices: Any, shape: Any, order: str = "C") -> Any:
    """Indices into the flat array as indices of several axes, as numpy.unravel_index."""
    lengths = [operator.index(n) for n in (shape if np.iterable(shape) else (shape,))]
    if indices.dtype.kind not in "iu" or order not in ("C", "F") or not lengths:
        return NotImplemented
    flat = indices.astype(np.intp, copy=False)
    size = math.prod(lengths)
    if flat.size and (flat.min() < 0 or flat.max() >= size):
        return NotImplemented  # NumPy names the one that is out of bounds
    parts = []
    for length in reversed(lengths) if order == "C" else lengths:
        parts.append(flat % length)
        flat = flat // length
    return tuple(reversed(parts) if order == "C" else parts)


@form_of(np.meshgrid)
def meshgrid(*xi: Any, copy: bool = True, sparse: bool = False, indexing: str = "xy") -> Any:
    """Coordinate arrays of a grid, as numpy.meshgrid."""
    if indexing not in ("xy", "ij"):
        raise ValueError("Valid values for `indexing` are 'xy' and 'ij'.")
    count = len(xi)
    face = _fallback.first_face(*xi)
    parts = []
    for i, x in enumerate(xi):
        axis = 1 - i if indexing == "xy" and count > 1 and i < 2 else i
        parts.append(as_ours(x, face).reshape((1,) * axis + (-1,) + (1,) * (count - 1 - axis)))
    if not sparse:
        shape = np.broadcast_shapes(*(part.shape for part in parts))
        parts = [np.broadcast_to(part, shape) for part in parts]
    return tuple(part.copy() for part in parts) if copy else tuple(parts)


@form_of(np.array_equiv)
def array_equiv(a1: Any, a2: Any) -> bool:
    """Whether one is the other, repeated along axes, as numpy.array_equiv."""
    one, two = (x if isinstance(x, _core.Array) else np.asarray(x) for x in (a1, a2))
    try:
        np.broadcast_shapes(one.shape, two.shape)
    except ValueError:
        return False
    return bool((one == two).all())


def _coefficients(a: Any) -> Any:
    """The coefficients of a polynomial without leading zeros."""
    given = np.asarray(a) if not isinstance(a, _core.Array) else a
    if given.ndim > 1:
        raise ValueError("Polynomial must be 1d only.")
    trimmed = np.trim_zeros(given.reshape(-1), "f")
    return trimmed if len(trimmed) else np.zeros(1, given.dtype)


@form_of(np.polymul)
def polymul(a1: Any, a2: Any) -> Any:
    """The product of two polynomials, as numpy.polymul."""
    if isinstance(a1, np.poly1d) or isinstance(a2, np.poly1d):
        return NotImplemented
    return np.convolve(_coefficients(a1), _coefficients(a2))


_OVERLAPS = {"full": 0, "same": 1, "valid": 2}
_SUMMED = {"i": np.int64, "u": np.uint64}


def _sliding(a: Any, v: Any, mode: Any) -> Any:
    """The sums of products of a and v, v against a; NotImplemented where only NumPy can."""
    dtype = np.result_type(a.dtype, v.dtype)
    if dtype.kind not in "iufc" or dtype.char in "eG" or mode not in _OVERLAPS:
        return NotImplemented
    face = _fallback.first_face(a, v)
    wide = np.dtype(_SUMMED.get(dtype.kind, dtype))
    values, factors = (as_ours(x, face).astype(wide, copy=False) for x in (a, v))
    return _core.correlate(values, factors, _OVERLAPS[mode], face).astype(dtype, copy=False)


def _vectors(a: Any, v: Any) -> tuple[Any, Any] | None:
    """Both as vectors that are not empty, or None."""
    one, two = (x if isinstance(x, _core.Array) else np.asarray(x) for x in (a, v))
    one, two = (x.reshape(1) if x.ndim == 0 else x for x in (one, two))
    return (one, two) if one.ndim == two.ndim == 1 and len(one) and len(two) else None


@form_of(np.convolve)
def convolve(a: Any, v: Any, mode: Any = "full") -> Any:
    """The convolution of two vectors, as numpy.convolve within rounding."""
    vectors = _vectors(a, v)
    if vectors is None:
        return NotImplemented
    one, two = vectors if len(vectors[0]) >= len(vectors[1]) else vectors[::-1]
    return _sliding(one, two[::-1], mode)


@form_of(np.correlate)
def correlate(a: Any, v: Any, mode: Any = "valid") -> Any:
    """The correlation of two vectors, as numpy.correlate within rounding."""
    vectors = _vectors(a, v)
    if vectors is None:
        return NotImplemented
    one, two = vectors[0], np.conjugate(vectors[1])
    if len(one) >= len(two):
        return _sliding(one, two, mode)
    result = _sliding(two, one, mode)
    return result if result is NotImplemented else result[::-1].copy()


_WEIGHTS_OF_BITS = np.array([128, 64, 32, 16, 8, 4, 2, 1], np.uint8)


@form_of(np.unpackbits)
def unpackbits(a: Any, /, axis: Any = None, count: Any = None, bitorder: str = "big") -> Any:
    """The bits of bytes, as numpy.unpackbits."""
    if a.dtype != np.uint8 or a.ndim == 0 or bitorder not in ("big", "little"):
        return NotImplemented
    if axis is None:
        a, axis = a.ravel(), 0
    axis = np.lib.array_utils.normalize_axis_index(axis, a.ndim)
    weights = _WEIGHTS_OF_BITS if bitorder == "big" else _WEIGHTS_OF_BITS[::-1]
    spread = weights.reshape((8,) + (1,) * (a.ndim - axis - 1))
    bits = ((a.reshape((*a.shape[: axis + 1], 1, *a.shape[axis + 1 :])) & spread) != 0).astype(np.uint8)
    bits = bits.reshape((*a.shape[:axis], a.shape[axis] * 8, *a.shape[axis + 1 :]))
    length = bits.shape[axis]
    if count is None or count == length:
        return bits
    count = operator.index(count)
    if count > length:
        return NotImplemented
    return bits[(slice(None),) * axis + (slice(0, count),)].copy()


@form_of(np.packbits)
def packbits(a: Any, /, axis: Any = None, bitorder: str = "big") -> Any:
    """Truths as bits of bytes, as numpy.packbits."""
    if a.dtype.kind not in "biu" or a.ndim == 0 or bitorder not in ("big", "little"):
        return NotImplemented
    if axis is None:
        a, axis = a.ravel(), 0
    axis = np.lib.array_utils.normalize_axis_index(axis, a.ndim)
    truths = (a != 0).astype(np.uint8)
    missing = -a.shape[axis] % 8
    if missing:
        truths = np.pad(truths, [(0, missing if i == axis else 0) for i in range(a.ndim)])
    shape = truths.shape
    truths = truths.reshape((*shape[:axis], shape[axis] // 8, 8, *shape[axis + 1 :]))
    weights = _WEIGHTS_OF_BITS if bitorder == "big" else _WEIGHTS_OF_BITS[::-1]
    return (truths * weights.reshape((8,) + (1,) * (a.ndim - axis - 1))).sum(axis=axis + 1, dtype=np.uint8)


for _function in (
    np.allclose, np.angle, np.corrcoef, np.cov, np.fix, np.i0,
    np.isclose, np.iscomplex, np.isneginf, np.isposinf, np.isreal, np.nan_to_num, np.poly, np.polyadd, np.polyder,
    np.polydiv, np.polyfit, np.polyint, np.polysub, np.polyval, np.real_if_close, np.roots,
    np.sinc, np.vander,
):  # fmt: skip
    FORMS.setdefault(_function, composed(_function))
