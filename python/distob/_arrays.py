"""DistArray and RemoteArray: two faces of one kind of array, both computed by all cores.

The operators, indexing and reductions are slots of the C type `distob._core.Array`; what stands here translates the rest
of ndarray's methods to them.
"""

from __future__ import annotations

import operator
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.exceptions import AxisError
from numpy.lib.array_utils import normalize_axis_index

from distob import _core, _display, _fallback, _functions, _object_arrays, _reductions
from distob._flags import Flags
from distob._flat import Flat
from distob._functions import elementwise, picking, retype, sorting, structure
from distob._partitions import Partition, partition_along, partition_like

__all__ = ["DistArray", "Partition", "RemoteArray", "gather_array", "scatter_array"]


class _OwnPartition(Partition):
    """The partition of an array. NumPy has a method of this name, which sorts: calling the partition is calling that."""

    array: Any

    def __call__(self, kth: Any, axis: Any = -1, kind: str = "introselect", order: Any = None) -> None:
        """Move the elements that belong at `kth` there, smaller ones before and greater ones behind them."""
        if not self.array._writeable:
            raise ValueError("partition array is read-only")
        sorting.partition_in_place(self.array, kth, axis, kind, order)

    def __repr__(self) -> str:
        return repr(Partition(*self))

    def __reduce__(self) -> Any:
        return Partition, tuple(self)


class _Array(_core.Array):
    """What both faces have in common: the methods and attributes of numpy.ndarray."""

    __slots__ = ()
    __array_priority__ = 100.0

    # --- NumPy's protocols ---

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        """A read-only snapshot without a copy, or with `copy=True` a writable copy."""
        if dtype is not None and np.dtype(dtype) != self.dtype:
            if copy is False:
                raise ValueError("Unable to avoid copy while creating an array as requested.")
            return _core.snapshot(self).astype(dtype)
        return _core.gathered(self) if copy else _core.snapshot(self)

    def __array_namespace__(self, *, api_version: str | None = None) -> Any:
        """The array API namespace of distributed arrays: distob.numpy."""
        np.empty(0).__array_namespace__(api_version=api_version)  # type: ignore[arg-type]  # raises for a version NumPy does not know
        import distob.numpy

        return distob.numpy

    def __array_function__(self, func: Any, types: Any, args: Any, kwargs: Any) -> Any:
        return _functions.dispatch(func, types, args, kwargs)

    def __dlpack__(
        self, *, stream: Any = None, max_version: Any = None, dl_device: Any = None, copy: bool | None = None
    ) -> Any:
        """A snapshot, read-only and without a copy, or with `copy=True` (or a protocol without read-only) a copy."""
        read_only = max_version is not None and max_version[0] >= 1
        elements = _core.gathered(self) if copy or (copy is None and not read_only) else _core.snapshot(self)
        return elements.__dlpack__(stream=stream, max_version=max_version, dl_device=dl_device)

    def __dlpack_device__(self) -> tuple[int, int]:
        """The memory of the processor."""
        return np.empty(0).__dlpack_device__()

    def __reduce__(self) -> Any:
        if self._is_scalar:
            return _rebuild_scalar, (type(self) is RemoteArray, _core.item(self))
        return _rebuild, (type(self) is RemoteArray, _core.gathered(self), *_core.partition_of(self))

    def __copy__(self) -> Any:
        return _core.copy(self, "K")

    def __deepcopy__(self, memo: Any) -> Any:
        copied = _core.copy(self, "K")
        memo[id(self)] = copied
        return copied

    def __bytes__(self) -> bytes:
        return self.tobytes()

    def tobytes(self, order: str | None = "C") -> bytes:
        """The elements as bytes, copied by all cores."""
        if order in ("C", "c", None) or (order in ("A", "a") and not self.flags.fnc):
            return _core.to_bytes(self, False)
        if order in ("F", "f", "A", "a"):
            return _core.to_bytes(self, True)
        return _core.snapshot(self).tobytes(order)

    def tofile(self, fid: Any, sep: str = "", format: str = "%s") -> None:
        """Write the elements to a file, as numpy.ndarray.tofile."""
        _core.snapshot(self).tofile(fid, sep, format)

    def dump(self, file: Any) -> None:
        """Pickle the elements, as an ndarray, to a file."""
        _core.snapshot(self).dump(file)

    def dumps(self) -> bytes:
        """The elements, as an ndarray, pickled."""
        return _core.snapshot(self).dumps()

    # --- distob's own protocols ---

    def __distob_scatter__(
        self, axis: int | None = -1, destination: Any = None, blocksize: int | None = None, partition: Any = None
    ) -> Any:
        """This array already is where it is computed; cut like `partition` if there is one."""
        return self if partition is None else self.redistribute(partition)

    def __distob_gather__(self) -> Any:
        """An ordinary ndarray with a copy of the elements, made by all cores at once."""
        return gather_array(self)

    def __distob_vectorize__(self, f: Any) -> Any:
        """`f` for an array: it gets each block as an ordinary ndarray, in the engine of the block, all in parallel."""
        from distob import _blocks

        return _blocks.over_blocks(f)

    # --- Printing ---

    def __repr__(self) -> str:
        if self._is_scalar:
            return repr(_core.item(self))
        return _display.array_repr(self)

    def __str__(self) -> str:
        return _display.array_str(self)

    def __format__(self, spec: str) -> str:
        if self.ndim == 0:
            return format(_core.item(self), spec)
        if spec:
            raise TypeError("unsupported format string passed to numpy.ndarray.__format__")
        return str(self)

    def _repr_html_(self) -> str:
        return _display.array_html(self)

    # --- Where the elements are ---

    @property
    def partition(self) -> Partition:
        """How the array is cut into blocks; called with arguments, it is numpy.ndarray.partition."""
        own = _OwnPartition(*_core.partition_of(self))
        own.array = self
        return own

    def redistribute(self, partition: Any = None, *, axis: Any = None, blocksize: int | None = None) -> Any:
        """The same elements cut another way: a view.

        `partition`: a Partition, an array to be cut like, or cut points (see `scatter`). Else one block for each engine
        along `axis` or blocks of `blocksize` indices, a grid of blocks for a tuple of axes, or a single block. Raises
        ValueError where a partition does not fit the shape, AxisError for an axis that is not there.
        """
        if partition is None:
            wanted = partition_along(self.shape, axis, blocksize)
        elif axis is not None or blocksize is not None:
            raise TypeError("give a partition or an axis, not both")
        else:
            wanted = partition_like(self.shape, partition)
        return _core.with_partition(self, *wanted)

    @property
    def engines(self) -> tuple[int, ...]:
        """The numbers of the engines that run user functions on the blocks, bound to living engines modulo their number."""
        return tuple(sorted(set(_core.partition_of(self)[1])))

    @property
    def blocks(self) -> list[RemoteArray]:
        """The blocks in C order, as views."""
        return [_core.view_as(self[(*box, ...)], RemoteArray) for box in _boxes(self)]

    def explain(self) -> str:
        """Text for people: where the elements lie, what waits to be computed, and the passes over memory that ran last."""
        return _core.explain_array(self)

    @property
    def base(self) -> None:
        """Always None: storages, not arrays, are what views refer to."""
        return None

    @property
    def flags(self) -> Flags:
        """Whether this array may be written, and the layout that its strides tell."""
        return Flags(self)

    def setflags(self, write: bool | None = None, align: bool | None = None, uic: bool | None = None) -> None:
        """Set flags.writeable; the other flags can only be set to what they are, else ValueError is raised."""
        flags = self.flags
        for name, value in (("aligned", align), ("writebackifcopy", uic), ("writeable", write)):
            if value is not None:
                setattr(flags, name, value)

    # --- Parts of complex numbers, elements ---

    @property
    def real(self) -> Any:
        """The real parts: a view."""
        return self if self.dtype.kind != "c" else _core.real_part(self)

    @real.setter
    def real(self, value: Any) -> None:
        self.real[...] = value

    @property
    def imag(self) -> Any:
        """The imaginary parts: a view; of elements that have none, read-only zeros."""
        if self.dtype.kind == "c":
            return _core.imaginary_part(self)
        zeros = _core.empty_like(self, self.shape, self.dtype, "A")
        zeros[...] = np.zeros((), self.dtype)
        zeros._is_scalar = self._is_scalar
        zeros._writeable = False
        return zeros

    @imag.setter
    def imag(self, value: Any) -> None:
        if self.dtype.kind != "c":
            raise TypeError("array does not have imaginary part to set")
        self.imag[...] = value

    @property
    def mT(self) -> Any:
        """The view with the last two axes exchanged."""
        if self.ndim < 2:
            raise ValueError("matrix transpose with ndim < 2 is undefined")
        return _core.swapaxes(self, -2, -1)

    @property
    def flat(self) -> Flat:
        """The elements in C order, to walk, read and write like numpy.ndarray.flat."""
        return Flat(self)

    @flat.setter
    def flat(self, value: Any) -> None:
        Flat(self)[...] = value

    def view(self, dtype: Any = None, type: Any = None) -> Any:
        """The same bytes as elements of another dtype: a view, with numpy.ndarray.view's rules and errors."""
        return retype.view(self, dtype, type)

    def getfield(self, dtype: Any, offset: int = 0) -> Any:
        """The bytes of each element from `offset` on, as `dtype`: a view."""
        return retype.getfield(self, dtype, offset)

    def setfield(self, val: Any, dtype: Any, offset: int = 0) -> None:
        """Write to the bytes of each element from `offset` on."""
        retype.getfield(self, dtype, offset)[...] = val

    def byteswap(self, inplace: bool = False) -> Any:
        """The elements with their bytes in the other order, the dtype being the same."""
        return retype.byteswap(self, inplace)

    def item(self, *args: Any) -> Any:
        """One element as a Python scalar."""
        if not args and self.size == 1:
            return _core.item(self).item()
        return _core.snapshot(self).item(*args)

    def tolist(self) -> Any:
        """The elements as nested lists of Python scalars."""
        return _core.snapshot(self).tolist()

    def fill(self, value: Any) -> None:
        """Set every element to `value`."""
        if not self._is_scalar:  # NumPy's scalars ignore it
            _core.assign(self, value)

    # --- Copies ---

    def astype(
        self, dtype: Any, order: str = "K", casting: str = "unsafe", subok: bool = True, copy: bool = True
    ) -> Any:
        """A copy with another dtype, as numpy.ndarray.astype."""
        return retype.astype(self, dtype, order, casting, copy)

    def copy(self, order: str = "C") -> Any:
        """A new array with the same elements."""
        return _core.copy(self, order)

    def flatten(self, order: str = "C") -> Any:
        """A copy with one axis."""
        return _core.flatten(self, order)

    # --- Shape ---

    def transpose(self, *axes: Any) -> Any:
        """The view with axes in another order; reversed without arguments."""
        if len(axes) == 1 and (axes[0] is None or not isinstance(axes[0], (int, np.integer))):
            if axes[0] is None:
                return self.T
            axes = tuple(axes[0])
        elif not axes:
            return self.T
        return _core.transpose(self, tuple(operator.index(a) for a in axes))

    def reshape(self, *shape: Any, order: str = "C", copy: bool | None = None) -> Any:
        """The elements under another shape: a view where NumPy gives one."""
        if len(shape) == 1 and not isinstance(shape[0], (int, np.integer)):
            shape = shape[0]
        lengths = tuple(operator.index(n) for n in (shape if isinstance(shape, Iterable) else (shape,)))
        if copy:
            return _core.reshape(_core.copy(self), lengths, order)
        if copy is False:
            view = _core.reshape_view(self, lengths, order)
            if view is None:
                raise ValueError("Unable to avoid creating a copy while reshaping.")
            return view
        return _core.reshape(self, lengths, order)

    def ravel(self, order: str = "C") -> Any:
        """The elements along one axis: a view where NumPy gives one."""
        return _core.ravel(self, order)

    def squeeze(self, axis: Any = None) -> Any:
        """The view without axes of length one."""
        axes = None if axis is None else tuple(map(operator.index, axis if isinstance(axis, tuple) else (axis,)))
        if self.ndim == 0 and axes in ((0,), (-1,)):  # which NumPy lets pass
            axes = None
        return _core.squeeze(self, axes)

    def swapaxes(self, axis1: int, axis2: int) -> Any:
        """The view with two axes exchanged."""
        one = normalize_axis_index(operator.index(axis1), self.ndim, "axis1")
        return _core.swapaxes(self, one, normalize_axis_index(operator.index(axis2), self.ndim, "axis2"))

    def expand_dims(self, axis: Any) -> Any:
        """The view with a new axis at position `axis`."""
        return np.expand_dims(self, axis)

    def repeat(self, repeats: Any, axis: Any = None) -> Any:
        """Every element several times, side by side."""
        return structure.repeat(self, repeats, axis)

    # --- Elements that are picked ---

    def take(self, indices: Any, axis: Any = None, out: Any = None, mode: str = "raise") -> Any:
        """The elements along `axis` that `indices` name."""
        return picking.take(self, indices, axis, out, mode)

    def put(self, indices: Any, values: Any, mode: str = "raise") -> None:
        """Set the elements with the numbers `indices` to `values`, over and over."""
        picking.put(self, indices, values, mode)

    def compress(self, condition: Any, axis: Any = None, out: Any = None) -> Any:
        """The slices along `axis` for which the condition is true."""
        return picking.compress(condition, self, axis, out)

    def choose(self, choices: Any, out: Any = None, mode: str = "raise") -> Any:
        """Each element from the choice that its index here names."""
        return picking.choose(self, choices, out, mode)

    def nonzero(self) -> tuple[Any, ...]:
        """The indices of elements that are not zero, an array for each axis."""
        return picking.nonzero(self)

    def diagonal(self, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
        """The diagonals of two axes, as a read-only view."""
        return picking.diagonal(self, offset, axis1, axis2)

    # --- Reductions that are composed ---

    mean = _reductions.mean
    var = _reductions.var
    std = _reductions.std
    cumsum = _reductions.cumsum
    cumprod = _reductions.cumprod
    argmin = _reductions.argmin
    argmax = _reductions.argmax

    # --- Elementwise ---

    def round(self, decimals: int = 0, out: Any = None) -> Any:
        """Rounded to `decimals`, half to even."""
        return elementwise.round_(self, decimals, out)

    def __round__(self, ndigits: int | None = None) -> Any:
        return round(self.item(), ndigits) if self.ndim == 0 else self.round(ndigits or 0)

    def clip(self, min: Any = None, max: Any = None, out: Any = None, **kwargs: Any) -> Any:
        """Values limited to an interval."""
        return elementwise.clip(self, min, max, out, **kwargs)

    def conj(self) -> Any:
        """The complex conjugate."""
        return np.conjugate(self) if self.dtype.kind == "c" else self

    conjugate = conj

    # --- Order ---

    def sort(self, axis: Any = -1, kind: Any = None, order: Any = None, *, stable: bool | None = None) -> None:
        """Sort the elements in place, equal ones in their order."""
        if not self._writeable:
            raise ValueError("sort array is read-only")
        sorting.sort_in_place(self, axis, kind, order, stable)

    def argsort(self, axis: Any = -1, kind: Any = None, order: Any = None, *, stable: bool | None = None) -> Any:
        """The indices that sort the elements, equal ones in their order."""
        return np.argsort(self, axis, kind, order, stable=stable)

    def argpartition(self, kth: Any, axis: Any = -1, kind: str = "introselect", order: Any = None) -> Any:
        """The indices that partition the elements."""
        return np.argpartition(self, kth, axis, kind, order)  # type: ignore[arg-type]

    def searchsorted(self, v: Any, side: Any = "left", sorter: Any = None) -> Any:
        """Where the values would have to stand in this sorted vector."""
        return np.searchsorted(self, v, side, sorter)

    def dot(self, other: Any, out: Any = None) -> Any:
        """Dot product."""
        return np.dot(self, other) if out is None else np.dot(self, other, out)

    def __getattr__(self, name: str) -> Any:
        """The rest of ndarray's methods: NumPy computes them on a snapshot, with a PerformanceWarning."""
        if self._is_scalar and not name.startswith("_"):  # NumPy's scalar answers itself
            return getattr(_core.item(self), name)
        if name.startswith("_") or not hasattr(np.ndarray, name):
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        method = getattr(np.ndarray, name)
        if not callable(method):
            return getattr(_core.snapshot(self), name)

        def call(*args: Any, **kwargs: Any) -> Any:
            return _fallback.compute(f"numpy.ndarray.{name}", method, self, *args, **kwargs)

        call.__name__ = name
        return call

    def __dir__(self) -> list[str]:
        return sorted({*object.__dir__(self), *(n for n in dir(np.ndarray) if not n.startswith("_"))})


class _Face(type):
    """Arrays of Python objects, whose class is another one, are instances of the faces, too."""

    def __instancecheck__(cls, instance: Any) -> bool:
        if super().__instancecheck__(instance):
            return True
        is_face = getattr(type(instance), "_is_face", None)
        return is_face is not None and bool(is_face(instance, cls.__name__))


class DistArray(_Array, metaclass=_Face):
    """An array cut into blocks over the engines, used like a numpy.ndarray.

    DistArray(subarrays, axis=None) joins RemoteArrays (or ndarrays, or Refs to them) end to end along `axis`, the last one
    by default; they must have one dtype and agree in the other axes. Nothing is moved: writes reach the parts.
    """

    __slots__ = ()

    def __new__(cls, subarrays: Sequence[Any], axis: int | None = None) -> Any:
        """Join `subarrays`. Raises ValueError where dtypes or shapes do not fit, AxisError for an axis that is not there."""
        parts = [_as_part(part) for part in subarrays]
        if not parts:
            raise ValueError("at least one subarray is needed")
        first = parts[0]
        where = first.ndim - 1 if axis is None else operator.index(axis)
        if where == first.ndim:  # one past the last: an axis of their own
            parts = [part[..., np.newaxis] for part in parts]
            first = parts[0]
        where = normalize_axis_index(where, first.ndim)
        for part in parts:
            if part.dtype != first.dtype:
                raise ValueError("subarrays must have the same dtype")
            if part.shape[:where] + part.shape[where + 1 :] != first.shape[:where] + first.shape[where + 1 :]:
                raise ValueError("subarrays must have the same shape except along the axis that joins them")
        if isinstance(first, _object_arrays.ObjectArray):
            return _object_arrays.join(parts, where)
        return _core.join(parts, where, DistArray)


class RemoteArray(_Array, metaclass=_Face):
    """An array of one block, used like a numpy.ndarray."""

    __slots__ = ()

    def __new__(cls, obj: Any) -> Any:
        """A remote copy of an ndarray-like object, or the RemoteArray itself."""
        part = _as_part(obj)
        return part if isinstance(part, _object_arrays.ObjectArray) else _core.view_as(part, RemoteArray)


def _as_part(obj: Any) -> Any:
    if isinstance(obj, _core.Array):
        return obj
    if isinstance(obj, _object_arrays.ObjectArray):
        return obj
    target = getattr(obj, "_distob_array", None)  # a Ref to an array
    if isinstance(target, _core.Array):
        return target
    return scatter_array(obj, axis=None)


def _boxes(array: Any) -> Iterable[tuple[slice, ...]]:
    """The index of every block, in C order."""
    cuts, _ = _core.partition_of(array)
    for at in np.ndindex(*(len(points) - 1 for points in cuts)):
        yield tuple(slice(points[i], points[i + 1]) for i, points in zip(at, cuts, strict=True))


def _rebuild(remote: bool, elements: np.ndarray, cuts: Any, slots: Any) -> Any:
    if getattr(_core, "engine_link", lambda: None)() is not None:
        return elements  # user code in an engine gets arrays as ordinary ndarrays
    array = _core.from_ndarray(elements, None, None, RemoteArray if remote else DistArray)
    return array if remote else _core.with_partition(array, cuts, slots)


def _rebuild_scalar(remote: bool, value: np.generic) -> Any:
    if getattr(_core, "engine_link", lambda: None)() is not None:
        return value
    scalar = _core.from_ndarray(np.asarray(value), None, None, RemoteArray if remote else DistArray)
    scalar._is_scalar = True
    return scalar


def scatter_array(array: Any, axis: Any = -1, blocksize: int | None = None, partition: Any = None) -> Any:
    """An ndarray-like object as a DistArray cut along `axis`, or with `axis=None` whole as a RemoteArray.

    A tuple of axes gives a grid of blocks; `partition` cuts as `redistribute` does. `blocksize`: indices per block; by default one block for each engine. Raises AxisError for an axis that is not there,
    ValueError for a blocksize below 1. An array of Python objects or variable-width strings lives in engines (see _object_arrays).
    """
    if isinstance(array, np.ma.MaskedArray):
        raise TypeError("a masked array would lose its mask: scatter its data and its mask")
    elements = np.asarray(array)
    several = axis is not None and bool(np.iterable(axis))
    if axis is not None and not several:
        axis = operator.index(axis)
        if elements.ndim and not -elements.ndim <= axis < elements.ndim:
            raise AxisError(axis, elements.ndim)
        if elements.ndim == 0 and axis not in (-1, 0):
            raise AxisError(axis, 0)
    if blocksize is not None and operator.index(blocksize) < 1:
        raise ValueError(f"blocksize must be at least 1, not {blocksize}")
    if elements.dtype.hasobject or elements.dtype.char == "T":
        if several or partition is not None:
            raise NotImplementedError("arrays of Python objects and strings are cut along one axis only")
        return _object_arrays.scatter(elements, axis, blocksize)
    if partition is None and not several:
        return _core.from_ndarray(elements, axis, blocksize, RemoteArray if axis is None else DistArray)
    cut = (
        partition_along(elements.shape, axis, blocksize)
        if partition is None
        else partition_like(elements.shape, partition)
    )
    return _core.with_partition(_core.from_ndarray(elements, None, None, DistArray), *cut)


def gather_array(array: Any) -> np.ndarray:
    """The elements as an ordinary ndarray that belongs to the caller, copied by all cores at once."""
    return _core.item(array) if array._is_scalar else _core.gathered(array)


_core.set_array_types(DistArray, RemoteArray)
