"""Products of matrices: the ufuncs of whole rows, and NumPy's functions that are made of them."""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy._core.einsumfunc import _parse_einsum_input  # type: ignore[attr-defined]
from numpy.lib.array_utils import normalize_axis_index, normalize_axis_tuple

from distob import _core, _fallback
from distob._functions.registry import as_ours, form_of

NATIVE: dict[np.ufunc, Callable[..., Any]] = {
    np.matmul: _core.matmul,
    np.vecdot: _core.vecdot,
    np.matvec: _core.matvec,
    np.vecmat: _core.vecmat,
}
# How many axes of each operand, and of the result, belong to one product.
_CORE: dict[np.ufunc, tuple[int, ...]] = {np.vecdot: (1, 1, 0), np.matvec: (2, 1, 1), np.vecmat: (1, 2, 1)}


# --- The generalized ufuncs -----------------------------------------------------------------------------------------


@functools.lru_cache(maxsize=256)
def _resolved(ufunc: np.ufunc, a: np.dtype, b: np.dtype, casting: str, signature: Any) -> tuple[np.dtype, ...]:
    given = {} if signature is None else {"signature": signature}
    return ufunc.resolve_dtypes((a, b, None), casting=casting, **given)  # type: ignore[arg-type]


def _shadow(x: Any) -> Any:
    """An ndarray of the shape and dtype of `x` that takes no memory: what NumPy needs to say what is wrong."""
    return np.broadcast_to(np.zeros((), x.dtype), x.shape)


def _says_numpy(ufunc: np.ufunc, a: Any, b: Any, out: Any, kwargs: dict[str, Any]) -> None:
    """Raise the error that NumPy raises for these operands."""
    target = None if out is None else np.empty(out.shape, out.dtype) if out.size < 1 << 20 else _shadow(out)
    ufunc(_shadow(a), _shadow(b), out=target, **kwargs)


def call(ufunc: np.ufunc, a: Any, b: Any, out: Any = None, **kwargs: Any) -> Any:
    """matmul, vecdot, matvec or vecmat with NumPy's arguments; NotImplemented where NumPy has to compute."""
    dtype, signature = kwargs.get("dtype"), kwargs.get("signature", kwargs.get("sig"))
    if dtype is not None and signature is None:
        signature = (None, None, np.dtype(dtype))
    face = _fallback.first_face(a, b, out)
    a, b = (x if isinstance(x, (_core.Array, np.ndarray)) else np.asarray(x) for x in (a, b))
    casting = kwargs.get("casting", "same_kind")
    if type(signature) is list:
        signature = tuple(signature)
    made = _resolved(ufunc, a.dtype, b.dtype, casting, signature)[2]
    if made.kind not in "biufc":
        return NotImplemented
    axes, axis, keepdims = kwargs.get("axes"), kwargs.get("axis"), kwargs.get("keepdims", False)
    if axes is not None or axis is not None or keepdims:
        if out is not None:
            return NotImplemented
        return _with_axes(ufunc, as_ours(a, face), as_ours(b, face), made, face, kwargs)
    if out is not None and not np.can_cast(made, out.dtype, casting):
        _says_numpy(ufunc, a, b, out, kwargs)
    try:
        result = NATIVE[ufunc](as_ours(a, face), as_ours(b, face), made, face)
    except ValueError:
        _says_numpy(ufunc, a, b, None, kwargs)
        raise
    if out is None:
        return result
    return _into(ufunc, a, b, out, result, kwargs)


def _into(ufunc: np.ufunc, a: Any, b: Any, out: Any, result: Any, kwargs: dict[str, Any]) -> Any:
    if out.ndim < result.ndim or out.shape[out.ndim - result.ndim :] != result.shape:
        _says_numpy(ufunc, a, b, out, kwargs)
    if isinstance(out, _core.Array):
        if not out._writeable:
            raise ValueError("output array is read-only")
        _core.assign(out, result)
    else:
        np.copyto(out, _core.snapshot(result), casting="unsafe")
    return out


def _with_axes(ufunc: np.ufunc, a: Any, b: Any, dtype: np.dtype, face: type, kwargs: dict[str, Any]) -> Any:
    """The product over the axes that the caller names."""
    axes, axis, keepdims = kwargs.get("axes"), kwargs.get("axis"), kwargs.get("keepdims", False)
    if ufunc is not np.vecdot and (axis is not None or keepdims):
        _says_numpy(ufunc, a, b, None, kwargs)
    if axes is None:
        axes = [axis if axis is not None else -1] * 2
    if ufunc is np.matmul:
        core: tuple[int, ...] = (min(a.ndim, 2), min(b.ndim, 2), (a.ndim > 1) + (b.ndim > 1))
    else:
        core = _CORE[ufunc]
    places = [(entry,) if not isinstance(entry, tuple) else entry for entry in axes]
    if len(places) == 2 and core[2] == 0:
        places.append(())
    if [len(p) for p in places] != list(core):
        _says_numpy(ufunc, a, b, None, kwargs)
    a, b = (np.moveaxis(x, p, range(-len(p), 0)) if p else x for x, p in ((a, places[0]), (b, places[1])))
    result = NATIVE[ufunc](a, b, dtype, face)
    if keepdims:
        where = places[0][0]
        return np.expand_dims(result, normalize_axis_index(operator.index(where), result.ndim + 1))
    if places[2] and tuple(places[2]) != tuple(range(-len(places[2]), 0)):
        return np.moveaxis(result, range(-len(places[2]), 0), places[2])
    return result


# --- Sums of products -----------------------------------------------------------------------------------------------


def _common(a: Any, b: Any) -> tuple[Any, Any, np.dtype, type]:
    """Both operands as arrays of ours, the dtype they are multiplied in, and the face of the result."""
    face = _fallback.first_face(a, b)
    scalars = (int, float, complex)
    made = [x if isinstance(x, _core.Array) else np.asarray(x) for x in (a, b)]
    dtype = np.result_type(*(x if type(x) in scalars else m.dtype for x, m in zip((a, b), made, strict=True)))
    return as_ours(made[0], face), as_ours(made[1], face), dtype, face


def _given(result: Any, out: Any) -> Any:
    """`result`, in `out` if there is one: that has to be of the very dtype and shape."""
    if out is None:
        return result
    if out.dtype != result.dtype or out.shape != result.shape or not out.flags.c_contiguous:
        raise ValueError(
            "output array is not acceptable (must have the right datatype, number of dimensions, and be a C-Array)"
        )
    if isinstance(out, np.ndarray):
        out[...] = _core.snapshot(result)
    else:
        out[...] = result
    return out


@form_of(np.dot)
def dot(a: Any, b: Any, out: Any = None) -> Any:
    """Sums of products over the last axis of `a` and the last but one of `b`, as numpy.dot."""
    one, two, dtype, face = _common(a, b)
    if dtype.kind not in "biufc":
        return NotImplemented
    if one.ndim == 0 or two.ndim == 0:
        return _given(np.multiply(one, two, dtype=dtype), out)
    of_two = max(two.ndim - 2, 0)
    if one.shape[-1] != two.shape[of_two]:
        return np.dot(_shadow(one), _shadow(two))  # raises NumPy's error
    if one.ndim <= 2 and two.ndim <= 2:
        return _given(_core.dot(one, two, dtype, face), out)
    return _given(_core.tensordot(one, two, (-1,), (of_two,), dtype, face), out)


@form_of(np.vdot)
def _vdot(a: Any, b: Any, /) -> Any:
    one, two, dtype, face = _common(a, b)
    if dtype.kind not in "biufc":
        return NotImplemented
    if one.size != two.size:
        raise ValueError("vectors have different lengths")
    one = one.ravel()
    return _core.dot(np.conjugate(one) if dtype.kind == "c" else one, two.ravel(), dtype, face)


@form_of(np.inner)
def _inner(a: Any, b: Any, /) -> Any:
    one, two, dtype, face = _common(a, b)
    if dtype.kind not in "biufc":
        return NotImplemented
    if one.ndim == 0 or two.ndim == 0:
        return np.multiply(one, two, dtype=dtype)
    if one.shape[-1] != two.shape[-1]:
        return np.inner(_shadow(one), _shadow(two))  # raises NumPy's error
    return _core.tensordot(one, two, (-1,), (-1,), dtype, face)


@form_of(np.outer)
def _outer(a: Any, b: Any, out: Any = None) -> Any:
    face = _fallback.first_face(a, b)
    one, two = (as_ours(x, face).ravel() for x in (a, b))
    return np.multiply(one[:, np.newaxis], two[np.newaxis, :], out=out)


@form_of(np.linalg.outer)
def _linalg_outer(x1: Any, x2: Any, /) -> Any:
    one, two = (x if isinstance(x, _core.Array) else np.asarray(x) for x in (x1, x2))
    if one.ndim != 1 or two.ndim != 1:
        raise ValueError(
            f"Input arrays must be one-dimensional, but they are x1.ndim={one.ndim} and x2.ndim={two.ndim}."
        )
    return _outer(x1, x2)


@form_of(np.tensordot, np.linalg.tensordot)
def _tensordot(a: Any, b: Any, axes: Any = 2) -> Any:
    one, two, dtype, face = _common(a, b)
    if dtype.kind not in "biufc":
        return NotImplemented
    if np.iterable(axes):
        of_a, of_b = ([x] if not np.iterable(x) else list(x) for x in axes)
    else:
        of_a, of_b = list(range(-axes, 0)), list(range(axes))
    try:
        if len(of_a) != len(of_b) or any(one.shape[i] != two.shape[j] for i, j in zip(of_a, of_b, strict=True)):
            raise ValueError("shape-mismatch for sum")
    except IndexError:
        raise IndexError("tuple index out of range") from None
    return _core.tensordot(one, two, of_a, of_b, dtype, face)


@form_of(np.einsum)
def _einsum(*operands: Any, out: Any = None, optimize: Any = False, **kwargs: Any) -> Any:
    dtype, casting = kwargs.pop("dtype", None), kwargs.pop("casting", "safe")
    if kwargs.pop("order", "K") not in "KCA" or kwargs:
        return NotImplemented
    arrays_of_ours = [x for x in operands if isinstance(x, _core.Array)]
    face = _fallback.first_face(arrays_of_ours)
    real: list[Any] = []
    shadows: list[Any] = []
    for x in operands:
        if isinstance(x, (str, list, tuple)) and not (shadows and isinstance(operands[0], str)):
            shadows.append(x)
            continue
        real.append(x if isinstance(x, _core.Array) else np.asarray(x))
        shadows.append(_shadow(real[-1]))
    inputs, result, checked = _parse_einsum_input(shadows)
    labels = [[ord(c) for c in term] for term in inputs.split(",")]
    if len(labels) != len(checked) or any(len(one) != x.ndim for one, x in zip(labels, checked, strict=True)):
        return np.einsum(*shadows, optimize=False)  # NumPy's own error
    common = np.result_type(*(x.dtype for x in real))
    target = np.dtype(dtype) if dtype is not None else common
    if target.kind not in "biufc" or len(set(result)) != len(result):
        return NotImplemented
    if not all(np.can_cast(x.dtype, target, casting) for x in real):
        return NotImplemented
    made = _contract([as_ours(x, face) for x in real], labels, [ord(c) for c in result], target, face, optimize)
    if out is None:
        return made
    if out.shape != made.shape or not np.can_cast(target, out.dtype, casting):
        return NotImplemented
    out[...] = made if isinstance(out, _core.Array) else _core.snapshot(made)
    return out


def _contract(
    parts: list[Any], labels: list[list[int]], result: list[int], dtype: np.dtype, face: type, how: Any
) -> Any:
    """Two operands at a time, in the order that einsum_path finds for them."""
    if len(parts) > 2:
        terms = ",".join("".join(map(chr, one)) for one in labels) + "->" + "".join(map(chr, result))
        path = np.einsum_path(terms, *map(_shadow, parts), optimize=how if how not in (False, None) else "greedy")[0][
            1:
        ]
    else:
        path = [tuple(range(len(parts)))]
    parts, labels = list(parts), list(labels)
    for step in path:
        while True:
            chosen = sorted(step, reverse=True)[:2]
            pair = [(parts.pop(i), labels.pop(i)) for i in chosen]
            rest = {label for one in labels for label in one}
            last = not parts
            keep = (
                result
                if last
                else [c for c in dict.fromkeys(c for p in pair for c in p[1]) if c in rest or c in result]
            )
            made = _core.einsum([p[0] for p in pair], [p[1] for p in pair], keep, dtype, face)
            parts.append(made)
            labels.append(keep)
            if len(step) <= 2:
                break
            step = (*sorted(step)[:-2], len(parts) - 1)
    return parts[0]


@form_of(np.kron)
def _kron(a: Any, b: Any) -> Any:
    face = _fallback.first_face(a, b)
    one, two = (x if isinstance(x, _core.Array) else np.asarray(x) for x in (a, b))
    if one.ndim == 0 or two.ndim == 0:
        return np.multiply(one, two)
    one, two = as_ours(one, face), as_ours(two, face)
    ndim = max(one.ndim, two.ndim)
    ones, twos = ((1,) * (ndim - x.ndim) + x.shape for x in (one, two))
    left = one.reshape(tuple(n for pair in zip(ones, (1,) * ndim, strict=True) for n in pair))
    right = two.reshape(tuple(n for pair in zip((1,) * ndim, twos, strict=True) for n in pair))
    return np.multiply(left, right).reshape(tuple(n * m for n, m in zip(ones, twos, strict=True)))


# --- Traces, powers, norms ------------------------------------------------------------------------------------------


@form_of(np.trace)
def trace(a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1, dtype: Any = None, out: Any = None) -> Any:
    """The sum of a diagonal, as numpy.trace."""
    if a.ndim < 2:
        raise ValueError("diag requires an array of at least two dimensions")
    return np.sum(_core.diagonal(a, operator.index(offset), axis1, axis2), axis=-1, dtype=dtype, out=out)


@form_of(np.linalg.trace)
def _linalg_trace(x: Any, /, *, offset: int = 0, dtype: Any = None) -> Any:
    return trace(x, offset, -2, -1, dtype)


@form_of(np.linalg.matmul)
def _linalg_matmul(x1: Any, x2: Any, /) -> Any:
    return np.matmul(x1, x2)


@form_of(np.linalg.vecdot)
def _linalg_vecdot(x1: Any, x2: Any, /, *, axis: int = -1) -> Any:
    return np.vecdot(x1, x2, axis=axis)  # type: ignore[call-overload]


@form_of(np.linalg.matrix_transpose)
def _matrix_transpose(x: Any, /) -> Any:
    if x.ndim < 2:
        raise ValueError(f"Input array must be at least 2-dimensional, but it is {x.ndim}")
    return np.swapaxes(x, -1, -2)


@form_of(np.linalg.multi_dot)
def _multi_dot(arrays: Any, *, out: Any = None) -> Any:
    from numpy.linalg import _linalg as numpys

    parts = [x if isinstance(x, _core.Array) else np.asarray(x) for x in arrays]
    if len(parts) < 2:
        raise ValueError("Expecting at least two arrays.")
    if len(parts) == 2:
        return dot(parts[0], parts[1], out)
    first, last = parts[0].ndim, parts[-1].ndim
    if first == 1:
        parts[0] = parts[0][np.newaxis, :]
    if last == 1:
        parts[-1] = parts[-1][:, np.newaxis]
    for x in parts:
        if x.ndim != 2:
            raise np.linalg.LinAlgError(f"{x.ndim}-dimensional array given. Array must be two-dimensional")
    order = numpys._multi_dot_matrix_chain_order([_shadow(x) for x in parts])  # type: ignore[attr-defined]

    def product(i: int, j: int) -> Any:
        return parts[i] if i == j else dot(product(i, order[i, j]), product(order[i, j] + 1, j))

    result = product(0, len(parts) - 1)
    if first == 1 or last == 1:
        result = result[0 if first == 1 else slice(None), 0 if last == 1 else slice(None)]
        if out is None:
            return result
    return _given(result, out)


@form_of(np.linalg.matrix_power)
def _matrix_power(a: Any, n: Any) -> Any:
    if a.ndim < 2:
        raise np.linalg.LinAlgError(f"{a.ndim}-dimensional array given. Array must be at least two-dimensional")
    if a.shape[-1] != a.shape[-2]:
        raise np.linalg.LinAlgError("Last 2 dimensions of the array must be square")
    try:
        n = operator.index(n)
    except TypeError as e:
        raise TypeError("exponent must be an integer") from e
    if n == 0:
        result = np.empty_like(a)
        result[...] = np.eye(a.shape[-2], dtype=a.dtype)
        return result
    if n < 0:
        a, n = np.linalg.inv(a), -n
    result = None
    while n > 0:
        n, bit = divmod(n, 2)
        if bit:
            result = a if result is None else np.matmul(result, a)
        if n:
            a = np.matmul(a, a)
    return result


def _as_float(x: Any) -> Any:
    return x if x.dtype.kind in "fc" else x.astype(np.float64)


def _vector_norm(x: Any, order: Any, axis: Any, keepdims: bool) -> Any:
    if order == np.inf:
        return abs(x).max(axis=axis, keepdims=keepdims)
    if order == -np.inf:
        return abs(x).min(axis=axis, keepdims=keepdims)
    if order == 0:
        return (x != 0).astype(x.real.dtype).sum(axis=axis, keepdims=keepdims)
    if order == 1:
        return np.sum(abs(x), axis=axis, keepdims=keepdims)
    if order is None or order == 2:
        squares = np.square(x.real) + np.square(x.imag) if x.dtype.kind == "c" else np.square(x)
        return np.sqrt(np.sum(squares, axis=axis, keepdims=keepdims))
    if isinstance(order, str):
        raise ValueError(f"Invalid norm order '{order}' for vectors")
    powers = abs(x)
    powers = powers**order
    total = np.sum(powers, axis=axis, keepdims=keepdims)
    return np.power(total, np.reciprocal(np.asarray(order, dtype=total.dtype))[()])


def _matrix_norm(x: Any, order: Any, rows: int, columns: int) -> Any:
    if rows == columns:
        raise ValueError("Duplicate axes given.")
    if order in (None, "fro", "f"):
        return _vector_norm(x, 2, (rows, columns), False)
    sums, of_sums = (rows, columns) if order in (1, -1) else (columns, rows)
    of_sums = of_sums - (of_sums > sums)
    added = np.sum(abs(x), axis=sums)
    return added.max(axis=of_sums) if order in (1, np.inf) else added.min(axis=of_sums)


@form_of(np.linalg.norm)
def norm(x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Any:
    """The norm of vectors or matrices, as numpy.linalg.norm; those made of singular values are computed by NumPy."""
    if x.dtype.kind not in "biufc" or x.dtype == np.float16:
        return NotImplemented
    x = _as_float(x)
    if axis is None:
        if ord is None or (ord in ("f", "fro") and x.ndim == 2) or (ord == 2 and x.ndim == 1):
            flat = _vector_norm(x.ravel(), 2, None, False)
            return flat.reshape(x.ndim * [1]) if keepdims else flat
        axis = tuple(range(x.ndim))
    elif not isinstance(axis, tuple):
        try:
            axis = (int(axis),)
        except Exception as e:
            raise TypeError("'axis' must be None, an integer or a tuple of integers") from e
    if len(axis) == 1:
        return _vector_norm(x, ord, axis[0], keepdims)
    if len(axis) != 2:
        raise ValueError("Improper number of dimensions to norm.")
    rows, columns = (normalize_axis_index(i, x.ndim) for i in axis)
    if ord in (2, -2, "nuc"):
        return NotImplemented
    if ord not in (None, "fro", "f", 1, -1, np.inf, -np.inf):
        raise ValueError("Invalid norm order for matrices.")
    result = _matrix_norm(x, ord, rows, columns)
    if keepdims:
        shape = list(x.shape)
        shape[rows] = shape[columns] = 1
        result = result.reshape(shape)
        result._is_scalar = False
    return result


@form_of(np.linalg.matrix_norm)
def _linalg_matrix_norm(x: Any, /, *, keepdims: bool = False, ord: Any = "fro") -> Any:
    return norm(x, ord, (-2, -1), keepdims)


@form_of(np.linalg.vector_norm)
def _linalg_vector_norm(x: Any, /, *, axis: Any = None, keepdims: bool = False, ord: Any = 2) -> Any:
    if x.dtype.kind not in "biufc" or x.dtype == np.float16:
        return NotImplemented
    x = _as_float(x)
    axes = tuple(range(x.ndim)) if axis is None else normalize_axis_tuple(axis, x.ndim)
    return _vector_norm(x, ord, axes, keepdims)


@form_of(np.cross)
def _cross(a: Any, b: Any, axisa: int = -1, axisb: int = -1, axisc: int = -1, axis: int | None = None) -> Any:
    if axis is not None:
        axisa = axisb = axisc = axis
    face = _fallback.first_face(a, b)
    one, two = as_ours(a, face), as_ours(b, face)
    if one.ndim < 1 or two.ndim < 1:
        raise ValueError("At least one array has zero dimension")
    one = np.moveaxis(one, normalize_axis_index(axisa, one.ndim, "axisa"), -1)
    two = np.moveaxis(two, normalize_axis_index(axisb, two.ndim, "axisb"), -1)
    if one.shape[-1] != 3 or two.shape[-1] != 3:
        return NotImplemented  # vectors of two are on their way out of NumPy, or an error
    shape = (*np.broadcast_shapes(one[..., 0].shape, two[..., 0].shape), 3)
    axisc = normalize_axis_index(axisc, len(shape), "axisc")
    result = _core.empty(shape, np.result_type(one.dtype, two.dtype), face)
    for i in range(3):
        j, k = (i + 1) % 3, (i + 2) % 3
        result[..., i] = one[..., j] * two[..., k] - one[..., k] * two[..., j]
    return np.moveaxis(result, -1, axisc)


@form_of(np.linalg.cross)
def _linalg_cross(x1: Any, x2: Any, /, *, axis: int = -1) -> Any:
    one, two = (x if isinstance(x, _core.Array) else np.asarray(x) for x in (x1, x2))
    if one.shape[axis] != 3 or two.shape[axis] != 3:
        raise ValueError(
            "Both input arrays must be (arrays of) 3-dimensional vectors, "
            f"but they are {one.shape[axis]} and {two.shape[axis]} dimensional instead."
        )
    return _cross(one, two, axis=axis)
