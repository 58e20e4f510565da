"""The elements of a distributed array in C order, as numpy.ndarray.flat gives them."""

from __future__ import annotations

from typing import Any

import numpy as np

from distob import _core, _fallback


class Flat:
    """An iterator over the elements in C order, which can also be read and written by index.

    Indices are integers, slices, boolean masks and lists of integers, as for numpy.flatiter. Reading gives copies, writing
    repeats the values as often as there are elements to write.
    """

    __slots__ = ("_array", "_at")
    __array_priority__ = 100.0
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, array: Any) -> None:
        self._array = array
        self._at = 0

    @property
    def base(self) -> Any:
        """The array."""
        return self._array

    @property
    def index(self) -> int:
        """The number of the element that comes next."""
        return self._at

    @property
    def coords(self) -> tuple[int, ...]:
        """The index of the element that comes next."""
        if self._at >= self._array.size:  # one past the end: NumPy's counts on in the first axis
            lengths = self._array.shape
            return (lengths[0], *(0 for _ in lengths[1:])) if lengths else ()
        return tuple(int(i) for i in np.unravel_index(self._at, self._array.shape))

    def copy(self) -> Any:
        """The elements as a new array with one axis."""
        return _core.flatten(self._array, "C")

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return np.array(_core.gathered(_core.flatten(self._array, "C")), dtype, copy=None)

    def __len__(self) -> int:
        return self._array.size

    def __iter__(self) -> Flat:
        return self

    def __next__(self) -> Any:
        if self._at >= self._array.size:
            raise StopIteration
        element = self[self._at]
        self._at += 1
        return element

    def _vector(self) -> Any:
        """The elements along one axis: a view, or None where that needs a copy."""
        return _core.reshape_view(self._array, (-1,))

    def _positions(self, index: Any) -> Any:
        """The numbers of the elements that `index` names: None for all, an int, a range, or an array of them."""
        size = self._array.size
        if index is Ellipsis or (isinstance(index, tuple) and not index):
            return None
        if isinstance(index, slice):
            return range(*index.indices(size))
        if type(index) is int and -size <= index < size:
            return index % size
        numbers = np.arange(size).flat[np.asarray(index) if isinstance(index, _core.Array) else index]
        return numbers if isinstance(numbers, np.ndarray) else int(numbers)

    def __getitem__(self, index: Any) -> Any:
        positions = self._positions(index)
        if positions is None:
            return self.copy()
        vector = self._vector()
        if isinstance(positions, int):
            if vector is not None:
                return vector[positions]
            return self._array[tuple(int(i) for i in np.unravel_index(positions, self._array.shape))]
        if vector is None:
            vector = self.copy()
        return vector[_as_slice(positions)].copy() if isinstance(positions, range) else vector[positions]

    def __setitem__(self, index: Any, value: Any) -> None:
        if isinstance(index, tuple) and not index:
            raise IndexError("Assigning to a flat iterator with a 0-D index is not supported")
        array = self._array
        if not array._writeable:
            raise ValueError("underlying array is read-only")
        positions = self._positions(index)
        vector = self._vector()
        if isinstance(positions, int):
            element = np.empty(1, array.dtype)
            element.flat[0] = _fallback.local(value)  # raises what NumPy raises for a value that does not fit
            value = element[0]
            if vector is not None:
                vector[positions] = value
            else:
                array[tuple(int(i) for i in np.unravel_index(positions, array.shape))] = value
            return
        count = array.size if positions is None else np.size(positions)
        values = np.asarray(value).astype(array.dtype).ravel()
        if count == 0 or values.size == 0:
            return
        values = np.resize(values, count) if values.size not in (1, count) else values[:count]
        if positions is None:
            array[...] = values.reshape(array.shape) if values.size == count else values[0]
        elif vector is not None:
            vector[_as_slice(positions) if isinstance(positions, range) else positions] = values
        else:
            array[np.unravel_index(np.asarray(positions), array.shape)] = values

    def __eq__(self, other: object) -> Any:
        return self.copy() == other

    def __ne__(self, other: object) -> Any:
        return self.copy() != other

    def __lt__(self, other: Any) -> Any:
        return self.copy() < other

    def __le__(self, other: Any) -> Any:
        return self.copy() <= other

    def __gt__(self, other: Any) -> Any:
        return self.copy() > other

    def __ge__(self, other: Any) -> Any:
        return self.copy() >= other


def _as_slice(positions: range) -> slice:
    if not len(positions):
        return slice(0, 0)
    last = positions[-1]
    if positions.step > 0:
        return slice(positions.start, last + 1, positions.step)
    return slice(positions.start, last - 1 if last > 0 else None, positions.step)
