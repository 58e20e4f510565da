"""Arrays to files and back."""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from distob import _core, _fallback
from distob._functions.registry import FORMS


def _on_snapshots(function: Any) -> None:
    """NumPy writes the elements as they lie in memory: nothing is computed."""

    def form(*args: Any, **kwargs: Any) -> Any:
        return function(*_fallback.local(args), **_fallback.local(kwargs))

    FORMS[function] = form


for _function in (np.save, np.savez, np.savez_compressed, np.savetxt):
    _on_snapshots(_function)


def save(file: str | os.PathLike[str], array: Any) -> None:
    """Write an array to a file in NumPy's .npy format, by all cores.

    The file is what numpy.save writes, under the very name that is given. Raises ValueError for arrays of objects.
    """
    elements = array if isinstance(array, _core.Array) else np.asanyarray(array)
    if elements.dtype.hasobject:
        raise ValueError("arrays of objects are saved with numpy.save")
    order = elements.flags.fnc
    if elements.size == 0 or elements.ndim == 0:
        with open(file, "wb") as stream:
            np.lib.format.write_array(stream, _fallback.local(elements), allow_pickle=False)
        return
    mapped = np.lib.format.open_memmap(file, "w+", elements.dtype, elements.shape, order)
    if isinstance(elements, _core.Array):
        _core.gather_to(elements, mapped)
    else:
        mapped[...] = elements
    mapped.flush()


def load(file: str | os.PathLike[str], axis: Any = -1, blocksize: int | None = None, *, partition: Any = None) -> Any:
    """A distributed array with the elements of a .npy file, cut as `scatter` cuts.

    All cores copy from the page cache into the array's memory: nothing passes through the memory of Python. Raises what
    numpy.load raises, and ValueError for files of objects or of several arrays.
    """
    from distob._arrays import scatter_array

    elements = np.load(file, mmap_mode="r", allow_pickle=False)
    if not isinstance(elements, np.ndarray):
        elements.close()
        raise ValueError(f"{os.fspath(file)!r} holds several arrays: scatter those of numpy.load")
    return scatter_array(elements, axis, blocksize, partition)
