"""User functions over the blocks of an array, in the engines.

A block is lent: the engine maps the memory it lies in, and the function gets an ordinary writable ndarray on it. What the
function writes is in the array afterwards. An ndarray that it keeps is a copy from then on: the array moves away from it.
"""

from __future__ import annotations

import functools
import gc
import itertools
import pickle
import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from distob import _core, _fallback


class _Lent:
    """A loan on its way to an engine, where it arrives as a `_Borrowed`."""

    def __init__(self, loan: Any) -> None:
        self.loan = loan

    def __reduce_ex__(self, protocol: Any) -> Any:
        loan = self.loan
        return _Borrowed, (pickle.PickleBuffer(loan), loan.shape, loan.strides, loan.dtype, loan.start)


class _Borrowed:
    """A lent block in the engine: the one reference to the ndarray on it, so that references of others can be counted."""

    def __init__(self, memory: Any, shape: Any, strides: Any, dtype: np.dtype, start: int) -> None:
        self.block = np.ndarray(shape, dtype, memory, start, strides)


class _Copied:
    """A block without bytes, or of an array that cannot be lent, on its way to an engine."""

    def __init__(self, block: np.ndarray) -> None:
        self.block = block


def run_on_block(f: Callable[..., Any], holder: Any, *args: Any, **kwargs: Any) -> tuple[Any, bool]:
    """f(block, *args, **kwargs) in the engine, and whether an ndarray on the block survives the call."""
    before = sys.getrefcount(holder.block), sys.getrefcount(holder.block.base)
    result = _detached(f(holder.block, *args, **kwargs), holder.block)
    after = sys.getrefcount(holder.block), sys.getrefcount(holder.block.base)
    if after != before:
        gc.collect(0)  # young garbage is not "held"
        after = sys.getrefcount(holder.block), sys.getrefcount(holder.block.base)
    return result, after > before


def _detached(result: Any, block: np.ndarray) -> Any:
    """`result`, copied where it is the block itself or a view of it."""
    if isinstance(result, np.ndarray):
        return result.copy() if np.may_share_memory(result, block) else result
    if type(result) in (tuple, list):
        return type(result)(_detached(item, block) for item in result)
    return result


def over_blocks(f: Callable[..., Any]) -> Callable[..., Any]:
    """What vectorize(f) does to an array: f(block, *args, **kwargs) for every block, in parallel over the engines.

    Results that are ndarrays and fit together like the blocks make a DistArray; others are a list in the blocks' order.
    """

    @functools.wraps(f)
    def vectorized(array: Any, *args: Any, **kwargs: Any) -> Any:
        from distob import _clusters
        from distob._calls import _results

        cluster = _clusters.current()
        engines = cluster.engines
        args, kwargs = _fallback.local(args), _fallback.local(kwargs)
        cuts, slots = _core.partition_of(array)
        futures = []
        for number, slot in enumerate(slots):
            holder, loan = _lend(array, cuts, number)
            engine = engines[slot % len(engines)]
            future = _core.call_function(cluster._link, engine, False, run_on_block, f, holder, *args, **kwargs)
            futures.append(_GivenBack(future, loan))
        parts = _results(futures, f"{getattr(f, '__name__', f)} failed on several blocks")
        return _assembled(parts, cuts, slots, type(array))

    return vectorized


def _lend(array: Any, cuts: Any, number: int) -> tuple[Any, Any]:
    grid = [len(points) - 1 for points in cuts]
    at = np.unravel_index(number, grid) if grid else ()
    box = tuple(slice(points[i], points[i + 1]) for i, points in zip(at, cuts, strict=True))
    if any(piece.start == piece.stop for piece in box):
        return _Copied(np.empty([piece.stop - piece.start for piece in box], array.dtype)), None
    loan = _core.lend(array, number, array._writeable)
    return _Lent(loan), loan


class _GivenBack:
    """The future of a call on a lent block: its result gives the block back, however the call ended."""

    def __init__(self, future: Any, loan: Any) -> None:
        self._future = future
        self._loan = loan

    def result(self) -> Any:
        kept = True  # what failed may have left its arguments anywhere
        try:
            result, kept = self._future.result()
            return result
        finally:
            if self._loan is not None:
                self._loan.give_back(kept)

    def cancel(self) -> bool:
        return bool(self._future.cancel())


def _assembled(parts: list[Any], cuts: Any, slots: Any, face: type) -> Any:
    """The parts as one array if they fit together on the grid of the blocks, else the list."""
    grid = [len(points) - 1 for points in cuts]
    if not all(isinstance(p, np.ndarray) and p.ndim == len(grid) and not p.dtype.hasobject for p in parts):
        return parts
    if len({p.dtype for p in parts}) != 1:
        return parts
    if not grid:
        return _core.adopt(parts[0], face)
    index = np.arange(len(parts)).reshape(grid)
    ends = []
    for axis in range(len(grid)):
        rows = np.moveaxis(index, axis, -1).reshape(-1, grid[axis])
        lengths = {tuple(parts[i].shape[axis] for i in row) for row in rows}
        if len(lengths) != 1:
            return parts
        ends.append((0, *itertools.accumulate(lengths.pop())))
    joined = [_core.adopt(part, face) for part in parts]
    for axis in reversed(range(len(grid))):  # rows along the last axis first
        width = grid[axis]
        joined = [_core.join(joined[i : i + width], axis, face) for i in range(0, len(joined), width)]
    return _core.with_partition(joined[0], ends, slots)
