"""User functions over the blocks of an array, in the engines.

A block is lent: the engine maps the memory it lies in, and the function gets an ordinary writable ndarray on it. What the
function writes is in the array afterwards. An ndarray that it keeps is a copy from then on: the array moves away from it.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable
from typing import Any

import numpy as np

from distob import _core


def _on_block(f: Callable[..., Any], block: np.ndarray, *args: Any, **kwargs: Any) -> Any:
    """f(block, *args, **kwargs), with ndarrays in the result copied where they are the block or views of it."""
    return _detached(f(block, *args, **kwargs), block)


def _detached(result: Any, block: np.ndarray) -> Any:
    if isinstance(result, np.ndarray):
        return result.copy() if np.may_share_memory(result, block) else result
    if type(result) in (tuple, list):
        return type(result)(_detached(item, block) for item in result)
    return result


def shared(value: Any, written: Any = None) -> Any:
    """`value` for several commands at once: distributed arrays in it, also inside lists, tuples and dicts, for reading only.

    Those that share memory with `written`, which the same commands may change, as copies of what they are now.
    """
    if isinstance(value, _core.Array):
        if value._is_scalar:
            return value
        if written is not None and _core.may_share_memory(value, written):
            value = value.copy()
        view = value[...]
        view._writeable = False
        return view
    if type(value) in (list, tuple):
        return type(value)(shared(item, written) for item in value)
    if type(value) is dict:
        return {key: shared(item, written) for key, item in value.items()}
    return value


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
        args, kwargs = shared(args, array), shared(kwargs, array)
        cuts, slots = _core.partition_of(array)
        futures = [
            _core.call_function(
                cluster._link,
                engines[slot % len(engines)],
                False,
                _on_block,
                f,
                _block(array, cuts, i),
                *args,
                **kwargs,
            )
            for i, slot in enumerate(slots)
        ]
        parts = _results(futures, f"{getattr(f, '__name__', f)} failed on several blocks")
        return _assembled(parts, cuts, slots, type(array))

    return vectorized


def _block(array: Any, cuts: Any, number: int) -> Any:
    grid = [len(points) - 1 for points in cuts]
    at = np.unravel_index(number, grid) if grid else ()
    return array[(*(slice(points[i], points[i + 1]) for i, points in zip(at, cuts, strict=True)), ...)]


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
