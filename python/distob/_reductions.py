"""Reductions, running totals, means and variances with all of NumPy's arguments: from NumPy's signatures to the machine."""

from __future__ import annotations

import operator
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from distob import _core, _fallback

_NO_VALUE = np._NoValue
_NOT_GIVEN = ()  # what _core.reduce takes for no initial value; None means that there is no identity either


def _axes(axis: Any, ndim: int) -> list[int] | None:
    if axis is None:
        return None
    axes = [operator.index(a) for a in (axis if isinstance(axis, tuple) else (axis,))]
    if ndim == 0 and axes in ([0], [-1]):  # as NumPy, which takes a number for a vector of one here
        return []
    if len({normalize_axis_index(a, ndim) for a in axes}) < len(axes):
        raise ValueError("duplicate value in 'axis'")
    return axes


def _mask(where: Any, a: Any) -> Any:
    if where is True or where is _NO_VALUE:
        return None
    return _core.mask(where, type(a))


def _dtype_of(out: Any) -> Any:
    return None if out is None else out.dtype


def into(out: Any, result: Any, casting: str = "unsafe") -> Any:
    """`result`, or `out` (an array of ours or an ndarray) with its elements."""
    if out is None:
        return result
    if result.dtype != out.dtype and not np.can_cast(result.dtype, out.dtype, casting):  # type: ignore[arg-type]
        np.empty(0, out.dtype).__setitem__(slice(None), np.empty(0, result.dtype))
    if isinstance(out, _core.Array):
        _core.check_writeable(out)
        _core.assign(out, result)
    else:
        np.copyto(out, _core.snapshot(result), casting="unsafe")
    return out


def _check_out(out: Any, name: str, shape: tuple[int, ...], axes: list[int] | None, keepdims: bool) -> None:
    """What NumPy says of an `out` of another shape."""
    if out is None:
        return
    if isinstance(out, _core.Array):
        _core.check_writeable(out)
    gone = {a % len(shape) for a in axes} if axes is not None and shape else set(range(len(shape)))
    expected = tuple(1 if i in gone else n for i, n in enumerate(shape) if keepdims or i not in gone)
    if len(out.shape) != len(expected):
        raise ValueError(
            f"output parameter for reduction operation {name} has the wrong number of dimensions: "
            f"Found {len(out.shape)} but expected {len(expected)}"
            + (" (must match the operand's when keepdims=True)" if keepdims else "")
        )
    if out.shape != expected:
        raise ValueError(
            f"output parameter for reduction operation {name} has shape {out.shape} but {expected} is needed"
        )


def _is_array(value: Any) -> bool:
    return isinstance(value, (_core.Array, np.ndarray))


def _by_numpy(name: str, function: Callable[..., Any], a: Any, **kwargs: Any) -> Any:
    given = {
        key: value for key, value in kwargs.items() if value is not _NO_VALUE and (key != "where" or value is not True)
    }
    if given.get("dtype", 0) is None:
        del given["dtype"]
    if given.get("out", 0) is None:
        del given["out"]
    return _fallback.compute(name, function, a, **given)


# --- ufunc methods ---


def reduce(
    ufunc: np.ufunc,
    a: Any,
    axis: Any = 0,
    dtype: Any = None,
    out: Any = None,
    keepdims: Any = False,
    initial: Any = _NO_VALUE,
    where: Any = True,
) -> Any:
    """ufunc.reduce(a, ...)."""
    result = NotImplemented
    if out is None or _is_array(out):
        axes, keep = _axes(axis, a.ndim), False if keepdims is _NO_VALUE else bool(keepdims)
        wanted = None if dtype is None else np.dtype(dtype)
        start = _NOT_GIVEN if initial is _NO_VALUE else initial
        mask = _mask(where, a)
        if ufunc.nin == 2 and ufunc.nout == 1:
            result = _core.reduce(ufunc, a, axes, wanted, _dtype_of(out), keep, start, mask)
        if result is not NotImplemented:
            _check_out(out, ufunc.__name__, a.shape, axes, keep)
            return into(out, result)
    return _by_numpy(
        f"numpy.{ufunc.__name__}.reduce", ufunc.reduce, a,
        axis=axis, dtype=dtype, out=out, keepdims=keepdims, initial=initial, where=where,
    )  # fmt: skip


def _one_axis(axis: Any, ndim: int, method: str) -> int:
    if isinstance(axis, tuple):
        if len(axis) != 1:
            raise ValueError(f"{method} does not allow multiple axes")
        axis = axis[0]
    if axis is None:
        if ndim != 1:
            raise ValueError(f"{method} does not allow multiple axes")
        axis = 0
    return normalize_axis_index(operator.index(axis), ndim)


def accumulate(ufunc: np.ufunc, a: Any, axis: Any = 0, dtype: Any = None, out: Any = None) -> Any:
    """ufunc.accumulate(a, ...)."""
    result = NotImplemented
    if a.ndim == 0:
        raise TypeError("cannot accumulate on a scalar")
    if ufunc.nin == 2 and ufunc.nout == 1 and (out is None or _is_array(out)):
        number = _one_axis(axis, a.ndim, "accumulate")
        result = _core.accumulate(ufunc, a, number, None if dtype is None else np.dtype(dtype), _dtype_of(out))
    if result is NotImplemented:
        return _by_numpy(f"numpy.{ufunc.__name__}.accumulate", ufunc.accumulate, a, axis=axis, dtype=dtype, out=out)
    return into(_of_shape(out, result.shape, ufunc.__name__), result)


def _of_shape(out: Any, shape: tuple[int, ...], name: str) -> Any:
    if out is not None and out.shape != shape:
        raise ValueError(f"output parameter of {name} has shape {out.shape} but {shape} is needed")
    return out


def reduceat(ufunc: np.ufunc, a: Any, indices: Any, axis: Any = 0, dtype: Any = None, out: Any = None) -> Any:
    """ufunc.reduceat(a, indices, ...)."""
    result = NotImplemented
    if a.ndim == 0:
        raise TypeError("cannot reduceat on a scalar")
    if ufunc.nin == 2 and ufunc.nout == 1 and (out is None or _is_array(out)):
        places = np.asarray(indices)
        if places.ndim == 1:
            number = _one_axis(axis, a.ndim, "reduceat")
            wanted = None if dtype is None else np.dtype(dtype)
            parts = places.astype(np.intp).tolist()
            result = _core.reduceat(ufunc, a, parts, number, wanted, _dtype_of(out))
    if result is NotImplemented:
        return _by_numpy(
            f"numpy.{ufunc.__name__}.reduceat", ufunc.reduceat, a,
            indices=_fallback.local(indices), axis=axis, dtype=dtype, out=out,
        )  # fmt: skip
    return into(_of_shape(out, result.shape, ufunc.__name__), result)


# --- The reductions that have names of their own ---


def _named(ufunc: np.ufunc, name: str, what: str, *, arithmetic: bool, truth: bool = False) -> Callable[..., Any]:
    """numpy.sum and its like: ufunc.reduce over all axes by default, each with the arguments it has in NumPy."""

    def with_dtype(
        self: Any, axis: Any = None, dtype: Any = None, out: Any = None, keepdims: Any = _NO_VALUE,
        initial: Any = _NO_VALUE, where: Any = True,
    ) -> Any:  # fmt: skip
        return reduce(ufunc, self, axis, dtype, out, keepdims, initial, where)

    def with_initial(
        self: Any, axis: Any = None, out: Any = None, keepdims: Any = _NO_VALUE, initial: Any = _NO_VALUE,
        where: Any = True,
    ) -> Any:  # fmt: skip
        return reduce(ufunc, self, axis, None, out, keepdims, initial, where)

    def of_truth(self: Any, axis: Any = None, out: Any = None, keepdims: Any = _NO_VALUE, *, where: Any = True) -> Any:
        return reduce(ufunc, self, axis, None, out, keepdims, _NO_VALUE, where)

    function = with_dtype if arithmetic else of_truth if truth else with_initial
    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"{what} over axes, as numpy.{name}."
    return function


sum = _named(np.add, "sum", "Sum", arithmetic=True)
prod = _named(np.multiply, "prod", "Product", arithmetic=True)
min = _named(np.minimum, "min", "Smallest element", arithmetic=False)
max = _named(np.maximum, "max", "Largest element", arithmetic=False)
any = _named(np.logical_or, "any", "Whether any element is true", arithmetic=False, truth=True)
all = _named(np.logical_and, "all", "Whether all elements are true", arithmetic=False, truth=True)


def ptp(self: Any, axis: Any = None, out: Any = None, keepdims: Any = _NO_VALUE) -> Any:
    """Largest minus smallest element over axes, as numpy.ptp."""
    return np.subtract(max(self, axis, None, keepdims), min(self, axis, None, keepdims), out=out)


def count_nonzero(self: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    """How many elements are not zero, as numpy.count_nonzero."""
    counted = _core.count_nonzero(self, _axes(axis, self.ndim), keepdims)
    if counted is NotImplemented:
        return _fallback.compute("numpy.count_nonzero", np.count_nonzero, self, axis, keepdims=keepdims)
    return int(counted) if axis is None and not keepdims else counted


# --- Running totals ---


def _running(ufunc: np.ufunc, name: str, what: str) -> Callable[..., Any]:
    def running(self: Any, axis: Any = None, dtype: Any = None, out: Any = None) -> Any:
        if axis is None or self.ndim == 0:
            if axis is not None:
                normalize_axis_index(operator.index(axis), 1)
            return accumulate(ufunc, self.reshape(-1), 0, dtype, out)
        return accumulate(ufunc, self, normalize_axis_index(operator.index(axis), self.ndim), dtype, out)

    running.__name__ = running.__qualname__ = name
    running.__doc__ = f"{what} along an axis, or of all elements in C order, as numpy.{name}."
    return running


cumsum = _running(np.add, "cumsum", "Running sums")
cumprod = _running(np.multiply, "cumprod", "Running products")


# --- Where the extremes are ---


def _position(greatest: bool, name: str) -> Callable[..., Any]:
    def position(self: Any, axis: Any = None, out: Any = None, *, keepdims: Any = _NO_VALUE) -> Any:
        keep = False if keepdims is _NO_VALUE else bool(keepdims)
        number = None if axis is None else operator.index(axis)
        if self.ndim == 0 and number in (0, -1):
            number = None
        found = _core.arg_extreme(self, greatest, number, keep)
        if found is NotImplemented:
            given = {} if keepdims is _NO_VALUE else {"keepdims": keepdims}
            return _by_numpy(f"numpy.{name}", getattr(np, name), self, axis=axis, out=out, **given)
        if out is not None and out.shape != found.shape:
            raise ValueError(f"output array does not match result of np.{name}.")
        if out is not None and not np.can_cast(out.dtype, np.intp, "safe"):
            np.asarray(np.empty(0, out.dtype)).astype(np.intp, casting="safe")
        return into(out, found)

    position.__name__ = position.__qualname__ = name
    position.__doc__ = f"Position of the {'largest' if greatest else 'smallest'} element, as numpy.{name}."
    return position


argmax = _position(True, "argmax")
argmin = _position(False, "argmin")


# --- Means and variances ---


def _count(self: Any, axis: Any, where: Any) -> Any:
    """How many elements each result is made of: a number, or with a mask an array."""
    if where is True or where is _NO_VALUE:
        count = 1
        for a in _axes(axis, self.ndim) if axis is not None else range(self.ndim):  # type: ignore[union-attr]
            count *= self.shape[normalize_axis_index(a, self.ndim)]
        return count
    mask = np.broadcast_to(_core.mask(where, type(self)), self.shape)
    return sum(mask, axis, np.dtype(np.intp))


def _warn_where(empty: Any, text: str) -> None:
    if empty if isinstance(empty, bool) else bool(np.any(empty)):
        warnings.warn(text, RuntimeWarning, stacklevel=_fallback.line_of_user())


def _wide(dtype: np.dtype, out: Any) -> np.dtype:
    """What elements of `dtype` are added up in: bools and integers as doubles, others with the precision of `out`."""
    if dtype.kind in "biu":
        return np.dtype(np.float64)
    return dtype if out is None else np.promote_types(dtype, out.dtype)


def _finish(result: Any, dtype: np.dtype, out: Any) -> Any:
    if out is None and result.dtype != dtype:
        result = result.astype(dtype)
    return into(out, result)


def mean(
    self: Any, axis: Any = None, dtype: Any = None, out: Any = None, keepdims: Any = _NO_VALUE, *, where: Any = True
) -> Any:
    """Arithmetic mean over axes, as numpy.mean; float16 is added up in float32."""
    keep = False if keepdims is _NO_VALUE else bool(keepdims)
    native = self.dtype.kind in "biufc" and (out is None or _is_array(out))
    if not native:
        return _by_numpy("numpy.mean", np.mean, self, axis=axis, dtype=dtype, out=out, keepdims=keepdims, where=where)
    half = dtype is None and self.dtype == np.float16
    wide = np.dtype(dtype) if dtype is not None else np.dtype(np.float32) if half else _wide(self.dtype, out)
    _warn_where(_count(self, axis, where) == 0, "Mean of empty slice")
    axes = _axes(axis, self.ndim)
    result = _core.mean(self, axes, wide, keep, _mask(where, self))
    _check_out(out, "add", self.shape, axes, keep)
    return _finish(result, self.dtype if half else result.dtype, out)


_REAL: dict[str, np.dtype] = {"F": np.dtype("f"), "D": np.dtype("d"), "G": np.dtype("g")}


def var(
    self: Any,
    axis: Any = None,
    dtype: Any = None,
    out: Any = None,
    ddof: float = 0,
    keepdims: Any = _NO_VALUE,
    *,
    where: Any = True,
    mean: Any = _NO_VALUE,
    correction: Any = _NO_VALUE,
) -> Any:
    """Variance over axes, as numpy.var: the mean of the squared distances from the mean."""
    if correction is not _NO_VALUE:
        if ddof != 0:
            raise ValueError("ddof and correction can't be provided simultaneously.")
        ddof = correction
    keep = False if keepdims is _NO_VALUE else bool(keepdims)
    middle = None if mean is _NO_VALUE or mean is None else mean
    if self.dtype.kind not in "biufc" or not (out is None or _is_array(out)):
        return _by_numpy(
            "numpy.var", np.var, self,
            axis=axis, dtype=dtype, out=out, ddof=ddof, keepdims=keepdims, where=where, mean=mean,
        )  # fmt: skip
    if middle is not None and not isinstance(middle, _core.Array):
        middle = _core.from_ndarray(np.asarray(middle), -1, None, type(self))
    _warn_where(_count(self, axis, where) <= ddof, "Degrees of freedom <= 0 for slice")
    first = np.dtype(dtype) if dtype is not None else _wide(self.dtype, None)
    distance: np.dtype = np.promote_types(self.dtype, first if middle is None else middle.dtype)
    square: np.dtype = _REAL.get(distance.char, distance)
    added = np.dtype(dtype) if dtype is not None else square
    if dtype is None and out is not None:
        added = np.promote_types(square, out.dtype)
    axes = _axes(axis, self.ndim)
    result = _core.variance(self, axes, (first, distance, added), keep, float(ddof), _mask(where, self), middle)
    _check_out(out, "add", self.shape, axes, keep)
    return into(out, result)


def root(variance: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """The square root of what var(self, *args, **kwargs) gave, where that put it."""
    if variance is kwargs.get("out") or (len(args) > 2 and variance is args[2]):
        return np.sqrt(variance, out=variance)
    deviation = np.sqrt(variance)
    return deviation if deviation.dtype == variance.dtype else deviation.astype(variance.dtype)


def std(self: Any, *args: Any, **kwargs: Any) -> Any:
    """Standard deviation over axes, as numpy.std."""
    return root(var(self, *args, **kwargs), args, kwargs)
