"""Arrays whose elements are references (Python objects, variable-width strings): their blocks live in engines.

The node's memory cannot hold such elements, so each block is an ndarray in an engine, and NumPy computes there, all blocks
at once. An ObjectArray is a view of blocks: slices of it are slices in the engines, so what is written through one view is
seen through all. Its elements come back as every value of an engine does: immutable ones as they are, others as proxies.
"""

from __future__ import annotations

import itertools
import operator
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index
from numpy.lib.mixins import NDArrayOperatorsMixin

from distob import _core, _fallback

_SHOWN = 1000  #: elements up to which repr() fetches them all, as NumPy's threshold


# --- In the engines --------------------------------------------------------------------------------------------------


class Block:
    """One block, where it lives."""

    def __init__(self, array: np.ndarray) -> None:
        self.array = array

    def view(self, index: Any) -> Block:
        """The block on the part that a basic index names, or on a copy for others."""
        return Block(self.array[index])

    def method(self, name: str, args: Any) -> Block:
        """The block on what a method of the ndarray returns: transpose(), reshape() ..."""
        return Block(getattr(self.array, name)(*args))

    def item(self, index: Any) -> Any:
        """One element."""
        return self.array[index]

    def items(self) -> list[Any]:
        """All elements of a block with one axis."""
        return list(self.array)

    def set(self, index: Any, value: Any) -> None:
        """Writes a part."""
        self.array[index] = value

    def elements(self) -> np.ndarray:
        """A copy of the ndarray, whose elements are copies or proxies."""
        return self.array.copy()


def _here(value: Any) -> Any:
    """What a function that runs in an engine gets for `value`: the ndarray of a block."""
    if isinstance(value, Block):
        return value.array if type(value) is Block else _copy_of(value)
    if type(value) in (list, tuple):
        return type(value)(_here(item) for item in value)
    if type(value) is dict:
        return {key: _here(item) for key, item in value.items()}
    if type(value) is _Whole:
        return value.joined()
    return value


def _copy_of(block: Any) -> np.ndarray:
    """The ndarray of a block in another engine."""
    from distob._calls import gather

    copied: np.ndarray = gather(block).array
    return copied


class _Whole:
    """An array on its way to the one engine that needs all of it."""

    def __init__(self, blocks: list[Any], axis: int | None) -> None:
        self.blocks = blocks
        self.axis = axis

    def joined(self) -> np.ndarray:
        parts = [_here(block) for block in self.blocks]
        return parts[0] if self.axis is None else np.concatenate(parts, self.axis)


def _run(f: Callable[..., Any], args: Any, kwargs: Any, out: Any) -> Any:
    """f in an engine. Arrays of objects stay there, as blocks; the shape and dtype of each come along."""
    kwargs = _here(kwargs)
    if out is not None:
        kwargs["out"] = tuple(_here(one) for one in out)
    return _kept(f(*_here(args), **kwargs))


def _kept(value: Any) -> Any:
    if isinstance(value, np.ndarray) and _holds_references(value.dtype):
        return _Kept(Block(value), value.shape, value.dtype)
    if type(value) in (list, tuple):
        return type(value)(_kept(item) for item in value)
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return type(value)(*(_kept(item) for item in value))
    return value


class _Kept:
    """A result that stayed in its engine."""

    def __init__(self, block: Any, shape: tuple[int, ...], dtype: np.dtype) -> None:
        self.block = block
        self.shape = shape
        self.dtype = dtype

    def __reduce__(self) -> Any:
        return _Kept, (self.block, self.shape, self.dtype)


def _holds_references(dtype: np.dtype) -> bool:
    return bool(dtype.hasobject) or dtype.char == "T"


# --- In the client ---------------------------------------------------------------------------------------------------


def scatter(elements: np.ndarray, axis: int | None, blocksize: int | None) -> ObjectArray:
    """`elements` over the engines, cut along `axis` into blocks of `blocksize`; with None whole on one of them."""
    from distob import _clusters
    from distob._calls import _place

    if axis is None or elements.ndim == 0:
        return ObjectArray(_place([Block(elements)]), None, (), elements.shape, elements.dtype, axis is None)
    axis = normalize_axis_index(axis, elements.ndim)
    length = elements.shape[axis]
    count = min(len(_clusters.current().engines), max(length, 1))
    points = [length * i // count for i in range(count + 1)]
    if blocksize is not None:
        points = [*range(0, length, blocksize), length] if length else [0, 0]
    parts = [
        Block(elements[(slice(None),) * axis + (slice(start, stop),)]) for start, stop in itertools.pairwise(points)
    ]
    return ObjectArray(_place(parts), axis, tuple(points), elements.shape, elements.dtype, False)


def join(parts: Sequence[ObjectArray], axis: int) -> ObjectArray:
    """The arrays end to end along `axis`; nothing is moved, so writes reach the parts."""
    if any(part._axis not in (None, axis) for part in parts):
        raise NotImplementedError("arrays of objects that are cut along another axis cannot be joined along this one")
    blocks = [block for part in parts for block in part._blocks]
    lengths: list[int] = []
    for part in parts:
        lengths += [part.shape[axis]] if part._axis is None else [b - a for a, b in itertools.pairwise(part._points)]
    points = (0, *itertools.accumulate(lengths))
    first = parts[0]
    shape = (*first.shape[:axis], points[-1], *first.shape[axis + 1 :])
    return ObjectArray(blocks, axis, points, shape, first.dtype, False)


def _read_only(elements: np.ndarray) -> np.ndarray:
    """What arrives of an ObjectArray that is pickled: a copy, which says so to whoever writes to it."""
    elements.flags.writeable = False
    return elements


class ObjectArray(NDArrayOperatorsMixin):
    """An array of Python objects or strings in engines, used like a numpy.ndarray: a DistArray, or whole a RemoteArray."""

    __slots__ = ("_axis", "_blocks", "_points", "_whole", "dtype", "shape")
    __array_priority__ = 101.0
    __hash__ = None  # type: ignore[assignment]

    def __init__(
        self,
        blocks: list[Any],
        axis: int | None,
        points: tuple[int, ...],
        shape: tuple[int, ...],
        dtype: np.dtype,
        whole: bool,
    ) -> None:
        self._blocks = blocks  #: proxies of Blocks
        self._axis = axis  #: along which they lie end to end; None: there is one
        self._points = points  #: where they begin and end on it
        self._whole = whole  #: a RemoteArray
        self.shape = shape
        self.dtype = dtype

    # --- What it is ---

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """The number of elements."""
        return int(np.prod(self.shape, dtype=np.int64))

    @property
    def itemsize(self) -> int:
        """Bytes of an element in its block: of the reference, not of the object."""
        return self.dtype.itemsize

    @property
    def nbytes(self) -> int:
        """Bytes of all elements in their blocks."""
        return self.size * self.itemsize

    @property
    def engines(self) -> list[int]:
        """The engine of each block."""
        return [block._distob_id[1] for block in self._blocks]

    def _is_face(self, name: str) -> bool:
        return name == ("RemoteArray" if self._whole else "DistArray")

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError("len() of unsized object")
        return self.shape[0]

    def __repr__(self) -> str:
        name = "RemoteArray" if self._whole else "DistArray"
        if any(block._distob_link.closed for block in self._blocks):
            return f"<{name} of {self.dtype} with shape {self.shape}, lost with its cluster>"
        if self.size <= _SHOWN:
            shown = repr(np.asarray(self))
            return name + shown.removeprefix("array").replace("\n     ", "\n" + " " * len(name))
        return f"<{name} of {self.dtype} with shape {self.shape}>"

    def __str__(self) -> str:
        return str(np.asarray(self)) if self.size <= _SHOWN else repr(self)

    # --- As a local array ---

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        if copy is False:
            raise ValueError("Unable to avoid copy while creating an array as requested.")
        gathered = self.__distob_gather__()
        return gathered if dtype is None else gathered.astype(dtype)

    def __distob_gather__(self) -> np.ndarray:
        from distob._calls import gather

        parts = [block.array for block in gather(self._blocks)]
        whole = parts[0] if self._axis is None else np.concatenate(parts, self._axis)
        return np.asarray(whole)

    def __distob_vectorize__(self, f: Callable[..., Any]) -> Callable[..., Any]:
        from distob._blocks import shared

        def over_blocks(array: ObjectArray, *args: Any, **kwargs: Any) -> Any:
            others, named = _sent(shared(args)), _sent(shared(kwargs))
            return array._assembled([(f, (block, *others), named, None) for block in array._blocks], like=array)

        return over_blocks

    def __distob_scatter__(self, axis: Any, destination: Any, blocksize: Any) -> ObjectArray:
        return self

    def __reduce__(self) -> Any:
        return _read_only, (np.asarray(self),)

    def __copy__(self) -> ObjectArray:
        return self.copy()

    def __deepcopy__(self, memo: Any) -> ObjectArray:
        return self.copy()

    def tolist(self) -> Any:
        """The elements as nested lists."""
        return np.asarray(self).tolist()

    def item(self, *args: Any) -> Any:
        """One element."""
        if not args:
            if self.size != 1:
                raise ValueError("can only convert an array of size 1 to a Python scalar")
            return self[(0,) * self.ndim] if self.ndim else self[()]
        at = args[0] if len(args) == 1 else args
        return self[at if isinstance(at, tuple) else np.unravel_index(operator.index(at) % self.size, self.shape)]

    def __iter__(self) -> Iterator[Any]:
        if not self.shape:
            raise TypeError("iteration over a 0-d array")
        if self.ndim > 1:
            return (self[i] for i in range(len(self)))
        return itertools.chain.from_iterable(block.items() for block in self._blocks)

    def __contains__(self, value: Any) -> bool:
        return bool(np.any(self == value))

    def __bool__(self) -> bool:
        return bool(np.asarray(self))

    def __int__(self) -> int:
        return int(np.asarray(self))

    def __float__(self) -> float:
        return float(np.asarray(self))

    # --- Indexing ---

    def __getitem__(self, index: Any) -> Any:
        index = _normal(index, self)
        if _basic(index):
            parts, shape, axis = self._pieces(index)
            if not shape and Ellipsis not in index:
                block, local, _ = parts[0]
                return block.item(local)
            return self._view_of(parts, shape, axis)
        return self._taken(index)

    def __setitem__(self, index: Any, value: Any) -> None:
        index = _normal(index, self)
        if _basic(index):
            parts, shape, axis = self._pieces(index)
        else:
            parts, shape, axis = self._chosen(index)
        if not shape and Ellipsis not in index:
            block, local, _ = parts[0]
            block.set(local, value)
            return
        value = np.asarray(value) if isinstance(value, (ObjectArray, _core.Array)) else value
        elements = np.broadcast_to(_leading_ones_dropped(np.asarray(value, self.dtype), len(shape)), shape)
        if axis is None:
            parts[0][0].set(parts[0][1], elements if shape else elements[()])
            return
        _wait(
            _submit(block, "set", local, elements[(slice(None),) * axis + (slice(start, start + count),)])
            for block, local, (start, count) in parts
        )

    def _view_of(self, parts: Any, shape: tuple[int, ...], axis: int | None) -> ObjectArray:
        blocks = _wait(_submit(block, "view", local) for block, local, _ in parts)
        points = () if axis is None else (*(start for *_, (start, _) in parts), shape[axis])
        return ObjectArray(blocks, axis, points, shape, self.dtype, self._whole)

    def _pieces(self, index: tuple[Any, ...]) -> tuple[list[Any], tuple[int, ...], int | None]:
        """(block, index in it, (start, count) on the result's cut axis) for each block that a basic index meets; the shape
        of the result; and its cut axis."""
        shape: list[int] = []
        cut: int | None = None
        at = cut_place = 0
        chosen: Any = None
        for place, item in enumerate(index):
            if item is None:
                shape.append(1)
                continue
            if item is Ellipsis:
                continue
            length = self.shape[at]
            if at == self._axis:
                chosen, cut_place = item, place
                cut = len(shape) if isinstance(item, slice) else None
            if isinstance(item, slice):
                shape.append(len(range(*item.indices(length))))
            elif not -length <= item < length:
                raise IndexError(f"index {item} is out of bounds for axis {at} with size {length}")
            at += 1
        if self._axis is None:
            return [(self._blocks[0], index, (0, 0))], tuple(shape), None
        parts = []
        length = self.shape[self._axis]
        for block, (low, high) in zip(self._blocks, itertools.pairwise(self._points), strict=True):
            local = _within(chosen, length, low, high)
            if local is not None:
                part, start, count = local
                parts.append((block, (*index[:cut_place], part, *index[cut_place + 1 :]), (start, count)))
        if not parts:  # an empty slice: of any block
            empty = (*index[:cut_place], slice(0, 0), *index[cut_place + 1 :])
            parts.append((self._blocks[0], empty, (0, 0)))
        parts.sort(key=lambda part: part[2])
        return parts, tuple(shape), cut

    def _chosen(self, index: tuple[Any, ...]) -> tuple[list[Any], tuple[int, ...], int | None]:
        """The same for an index with masks or integer arrays."""
        shape = np.empty(self.shape, np.bool_)[index].shape  # with NumPy's errors
        if self._axis is None:
            return [(self._blocks[0], index, (0, 0))], shape, None
        if len(index) == 1 and isinstance(index[0], np.ndarray) and index[0].dtype == np.bool_ and self._axis == 0:
            return self._masked(index[0]), shape, 0
        plain = tuple(item for item in index if item is not Ellipsis)
        arrays = [place for place, item in enumerate(plain) if not isinstance(item, slice)]
        if arrays == [self._axis] and isinstance(plain[self._axis], np.ndarray) and plain[self._axis].ndim == 1:
            return self._run_by_run(plain, self._axis), shape, self._axis
        raise NotImplementedError(
            "this index takes elements of several engines in an order of its own, which arrays of objects cannot do; index "
            "along the cut axis with one mask or one-dimensional integers, scatter with axis=None, or gather first"
        )

    def _masked(self, mask: np.ndarray) -> list[Any]:
        parts, start = [], 0
        for block, (low, high) in zip(self._blocks, itertools.pairwise(self._points), strict=True):
            count = int(np.count_nonzero(mask[low:high]))
            parts.append((block, (mask[low:high],), (start, count)))
            start += count
        return parts

    def _run_by_run(self, index: tuple[Any, ...], axis: int) -> list[Any]:
        """Neighbours of the integer array that lie in one block become a block of the result."""
        where = index[axis]
        if where.dtype == np.bool_:
            where = np.flatnonzero(where)
        where = np.where(where < 0, where + self.shape[axis], where)
        owner = np.searchsorted(self._points, where, side="right") - 1
        starts = [0, *(np.flatnonzero(np.diff(owner)) + 1).tolist()]
        parts = []
        for start, stop in itertools.pairwise([*starts, len(where)]):
            number = int(owner[start]) if len(where) else 0
            local = where[start:stop] - self._points[number]
            parts.append((self._blocks[number], (*index[:axis], local, *index[axis + 1 :]), (start, stop - start)))
        return parts

    def _taken(self, index: tuple[Any, ...]) -> Any:
        parts, shape, axis = self._chosen(index)
        return self._view_of(parts, shape, axis)

    # --- Computing ---

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, out: Any = None, **kwargs: Any) -> Any:
        if method != "__call__" or ufunc.signature is not None:
            if out is not None:
                return NotImplemented
            return _in_one_place(getattr(ufunc, method), inputs, kwargs, self)
        arrays = [x for x in (*inputs, *(out or ()), kwargs.get("where")) if _is_array(x)]
        shape = np.broadcast_shapes(*(_shape_of(x) for x in arrays))
        if out is not None:
            return self._into(ufunc, inputs, out, kwargs, shape)
        main = max((x for x in inputs if isinstance(x, ObjectArray)), key=lambda x: (x.shape == shape, x.size))
        if main.shape != shape or main._axis is None:
            return _in_one_place(ufunc, inputs, kwargs, main)
        jobs = [
            (ufunc, main._aligned(inputs, number), main._aligned(kwargs, number), None)
            for number in range(len(main._blocks))
        ]
        return main._assembled(jobs, like=main)

    def _into(self, ufunc: np.ufunc, inputs: Any, out: Any, kwargs: Any, shape: tuple[int, ...]) -> Any:
        main = out[0]
        if len(out) != 1 or not isinstance(main, ObjectArray):
            raise NotImplementedError("results of arrays of objects can be written to one array of objects only")
        if main.shape != shape:
            raise ValueError(
                f"non-broadcastable output operand with shape {main.shape} doesn't match the broadcast shape {shape}"
            )
        _wait(
            _compute(block, ufunc, main._aligned(inputs, number), main._aligned(kwargs, number), (block,))
            for number, block in enumerate(main._blocks)
        )
        return main

    def _aligned(self, value: Any, number: int) -> Any:
        """What belongs to block `number` of this array: of operands that broadcast with it their part."""
        if type(value) is tuple:
            return tuple(self._aligned(item, number) for item in value)
        if type(value) is dict:
            return {key: self._aligned(item, number) for key, item in value.items()}
        if value is self or (
            isinstance(value, ObjectArray)
            and (value.shape, value._axis, value._points) == (self.shape, self._axis, self._points)
        ):
            return value._blocks[number]
        if not _is_array(value) or not _shape_of(value):
            return np.asarray(value) if isinstance(value, (ObjectArray, _core.Array)) else value
        elements = np.asarray(value)
        axis = None if self._axis is None else self._axis - (self.ndim - elements.ndim)
        if axis is None or axis < 0 or elements.shape[axis] == 1:
            return elements
        return elements[(slice(None),) * axis + (slice(*self._points[number : number + 2]),)]

    def _assembled(self, jobs: list[Any], like: ObjectArray) -> Any:
        """The results of one job for each block of `like`, as one array where they fit together, else as a list."""
        results = _wait(_compute(block, *job) for block, job in zip(like._blocks, jobs, strict=True))
        if all(isinstance(result, tuple) for result in results) and len({len(r) for r in results}) == 1:
            return tuple(_joined(list(parts), like) for parts in zip(*results, strict=True))
        return _joined(results, like)

    def __array_function__(self, func: Any, types: Any, args: Any, kwargs: Any) -> Any:
        return _in_one_place(func, args, kwargs, self)

    def astype(
        self, dtype: Any, order: str = "K", casting: Any = "unsafe", subok: bool = True, copy: bool = True
    ) -> Any:
        """The elements as another dtype, converted in the engines."""
        return self._assembled([(_astype, (block, np.dtype(dtype), casting), {}, None) for block in self._blocks], self)

    def copy(self, order: str = "C") -> ObjectArray:
        """A new array of the same objects."""
        copied: ObjectArray = self._assembled([(np.array, (block,), {}, None) for block in self._blocks], self)
        return copied

    def fill(self, value: Any) -> None:
        """Set every element to `value`."""
        _wait(_submit(block, "set", Ellipsis, value) for block in self._blocks)

    @property
    def T(self) -> ObjectArray:
        """The view with the axes reversed."""
        return self.transpose()

    def transpose(self, *axes: Any) -> ObjectArray:
        """A view with the axes in another order."""
        order = axes[0] if len(axes) == 1 and (axes[0] is None or np.iterable(axes[0])) else axes
        order = (
            tuple(reversed(range(self.ndim))) if not order else tuple(normalize_axis_index(a, self.ndim) for a in order)
        )
        if sorted(order) != list(range(self.ndim)):
            raise ValueError("axes don't match array")
        blocks = _wait(_submit(block, "method", "transpose", order) for block in self._blocks)
        axis = None if self._axis is None else order.index(self._axis)
        return ObjectArray(blocks, axis, self._points, tuple(self.shape[a] for a in order), self.dtype, self._whole)

    def reshape(self, *shape: Any, order: str = "C", copy: bool | None = None) -> ObjectArray:
        """The elements under another shape: a view where NumPy's is one. Raises NotImplementedError if cut in several."""
        if self._axis is not None and len(self._blocks) > 1:
            raise NotImplementedError("an array of objects that is cut cannot be reshaped: scatter it with axis=None")
        wanted: Any = shape[0] if len(shape) == 1 and np.iterable(shape[0]) else shape
        new = np.empty(self.shape, np.bool_).reshape(wanted).shape
        block = self._blocks[0].method("reshape", (new,))
        return ObjectArray([block], None, (), new, self.dtype, self._whole)

    def ravel(self, order: str = "C") -> ObjectArray:
        """The elements on one axis."""
        return self.reshape(-1)

    def __getattr__(self, name: str) -> Any:
        """ndarray's other methods: NumPy runs them in one engine, on all blocks."""
        method = None if name.startswith("_") else getattr(np.ndarray, name, None)
        if not callable(method):
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        if name in _IN_PLACE and len(self._blocks) > 1:
            raise NotImplementedError(f"{name}() of an array of objects that is cut: scatter it with axis=None")

        def call(*args: Any, **kwargs: Any) -> Any:
            return _in_one_place(method, (self, *args), kwargs, self)

        call.__name__ = name
        return call


_IN_PLACE = {"sort", "partition", "put", "resize", "setfield", "byteswap", "setflags"}


def _astype(array: np.ndarray, dtype: np.dtype, casting: Any) -> np.ndarray:
    return array.astype(dtype, casting=casting)


def _shape_of(value: Any) -> tuple[int, ...]:
    return tuple(value.shape) if hasattr(value, "shape") else np.shape(value)


def _is_array(value: Any) -> bool:
    return isinstance(value, (ObjectArray, _core.Array, np.ndarray, list, tuple))


def _normal(index: Any, array: ObjectArray) -> tuple[Any, ...]:
    """`index` as a tuple that speaks of every axis: integers, slices, None, ndarrays, and an Ellipsis where there was one or
    where the result of a number for each axis is an array."""
    items: list[Any] = list(index) if isinstance(index, tuple) else [index]
    for i, item in enumerate(items):
        if isinstance(item, list):
            items[i] = np.asarray(item) if item else np.empty(0, np.intp)
        elif hasattr(item, "__distob_gather__") or isinstance(item, (bool, np.bool_)):
            items[i] = np.asarray(item)
        elif item is not None and item is not Ellipsis and not isinstance(item, (slice, np.ndarray)):
            try:
                items[i] = operator.index(item)
            except TypeError:
                raise IndexError(
                    "only integers, slices (`:`), ellipsis (`...`), numpy.newaxis (`None`) and integer or boolean arrays "
                    "are valid indices"
                ) from None
    spoken = sum(
        item.ndim if isinstance(item, np.ndarray) and item.dtype == np.bool_ else 1
        for item in items
        if item is not None and item is not Ellipsis
    )
    if spoken > array.ndim:
        raise IndexError(f"too many indices for array: array is {array.ndim}-dimensional, but {spoken} were indexed")
    if sum(item is Ellipsis for item in items) > 1:
        raise IndexError("an index can only have a single ellipsis ('...')")
    dots = next((i for i, item in enumerate(items) if item is Ellipsis), None)
    rest = [slice(None)] * (array.ndim - spoken)
    if dots is not None:
        items[dots : dots + 1] = [*rest, Ellipsis]
    else:
        items += rest
    return tuple(items)


def _basic(index: tuple[Any, ...]) -> bool:
    return not any(isinstance(item, np.ndarray) for item in index)


def _within(item: Any, length: int, low: int, high: int) -> tuple[Any, int, int] | None:
    """What an index of an axis takes of [low, high): the index in there, and the (start, count) of what it makes."""
    if not isinstance(item, slice):
        at = item + length if item < 0 else item
        return (at - low, 0, 1) if low <= at < high else None
    taken = range(*item.indices(length))
    step = taken.step
    if step > 0:
        first, end = -((taken.start - low) // step), -((taken.start - high) // step)
    else:
        first, end = -((high - 1 - taken.start) // -step), -((low - 1 - taken.start) // -step)
    first, end = max(first, 0), min(max(end, 0), len(taken))
    if first >= end:
        return None
    start, last = taken[first] - low, taken[end - 1] - low
    stop = last + (1 if step > 0 else -1)
    return slice(start, None if stop < 0 else stop, step), first, end - first


def _leading_ones_dropped(elements: np.ndarray, ndim: int) -> np.ndarray:
    """As assignment allows it: [[1, 2]] may be written to two elements."""
    while elements.ndim > ndim and elements.shape[0] == 1:
        elements = elements[0]
    return elements


def _submit(block: Any, method: str, *args: Any) -> Any:
    return _core.submit_method(block, method, *args)


def _compute(block: Any, f: Callable[..., Any], args: Any, kwargs: Any, out: Any) -> Any:
    """_run on the engine of `block`, as a future."""
    return _core.call_function(block._distob_link, block._distob_id[1], False, _run, f, args, kwargs, out)


def _wait(futures: Any) -> list[Any]:
    from distob._calls import _results

    return _results(list(futures), "some blocks of an array failed")


def _joined(results: list[Any], like: ObjectArray) -> Any:
    """One result for each block of `like`, end to end along its cut axis if they fit, else the list."""
    kept = [result for result in results if isinstance(result, _Kept)]
    arrays = [result for result in results if isinstance(result, np.ndarray)]
    axis = like._axis
    if len(kept) == len(results) and len({part.dtype for part in kept}) == 1:
        if axis is None:
            return ObjectArray([kept[0].block], None, (), kept[0].shape, kept[0].dtype, like._whole)
        if _fit([part.shape for part in kept], axis):
            points = (0, *itertools.accumulate(part.shape[axis] for part in kept))
            shape = (*kept[0].shape[:axis], points[-1], *kept[0].shape[axis + 1 :])
            return ObjectArray([part.block for part in kept], axis, points, shape, kept[0].dtype, like._whole)
    elif len(arrays) == len(results) and len({part.dtype for part in arrays}) == 1:
        if axis is None:
            return _fallback.ours(arrays[0], _face(like))
        if _fit([part.shape for part in arrays], axis):
            return _core.from_ndarray(np.concatenate(arrays, axis), axis, None, _face(like))
    elif axis is None and len(results) == 1:
        return _alone(results[0], like)
    return [_alone(result, like) for result in results]


def _fit(shapes: Sequence[tuple[int, ...]], axis: int) -> bool:
    return all(len(shape) > axis for shape in shapes) and len({(*s[:axis], *s[axis + 1 :]) for s in shapes}) == 1


def _alone(result: Any, like: ObjectArray) -> Any:
    if isinstance(result, _Kept):
        return ObjectArray([result.block], None, (), result.shape, result.dtype, True)
    return _fallback.ours(result, _face(like))


def _face(like: ObjectArray) -> type:
    from distob._arrays import DistArray, RemoteArray

    return RemoteArray if like._whole else DistArray


def _sent(value: Any) -> Any:
    """Arguments of a function that runs in an engine: arrays of objects on their way there."""
    if isinstance(value, ObjectArray):
        return _Whole(value._blocks, value._axis)
    if isinstance(value, _core.Array):
        return np.asarray(value)
    if type(value) in (list, tuple):
        return type(value)(_sent(item) for item in value)
    if type(value) is dict:
        return {key: _sent(item) for key, item in value.items()}
    return value


def _in_one_place(f: Callable[..., Any], args: Any, kwargs: Any, where: ObjectArray) -> Any:
    """f by NumPy in the engine of the first block of `where`, which fetches the others."""
    if len(where._blocks) > 1:
        _fallback.tell(f"{getattr(f, '__name__', f)} of an array of objects in several engines")

    result = _compute(where._blocks[0], f, _sent(tuple(args)), _sent(kwargs), None).result()

    def received(value: Any) -> Any:
        if type(value) in (list, tuple):
            return type(value)(received(item) for item in value)
        return _alone(value, where)

    return received(result)
