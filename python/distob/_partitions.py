"""How arrays are cut into blocks."""

from __future__ import annotations

import operator
from typing import Any, NamedTuple

import numpy as np

from distob import _core


class Partition(NamedTuple):
    """How an array is cut into blocks: for each axis the cut points, and for each block, in C order, its engine's number."""

    cuts: tuple[tuple[int, ...], ...]
    slots: tuple[int, ...]

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the array."""
        return tuple(points[-1] for points in self.cuts)

    @property
    def grid(self) -> tuple[int, ...]:
        """The number of blocks along each axis."""
        return tuple(len(points) - 1 for points in self.cuts)


def partition_like(shape: tuple[int, ...], like: Any) -> Partition:
    """The partition for an array of `shape` that `like` describes.

    `like`: a Partition or an array, whose cuts are taken; or cut points for each axis (of a vector: the points), with or
    without the ends of the axis, None for an axis that is not cut. Raises ValueError where they do not fit the shape.
    """
    if isinstance(like, _core.Array):
        like = Partition(*_core.partition_of(like))
    if isinstance(like, Partition):
        if like.shape != tuple(shape):
            raise ValueError(f"a partition of shape {like.shape} cannot cut an array of shape {tuple(shape)}")
        return like
    axes = list(like)
    if len(shape) == 1 and all(np.ndim(point) == 0 and point is not None for point in axes):
        axes = [axes]
    if len(axes) != len(shape):
        raise ValueError(f"cut points for {len(axes)} axes cannot cut an array of shape {tuple(shape)}")
    return Partition(*_core.partition_at([_with_ends(n, points) for n, points in zip(shape, axes, strict=True)]))


def _with_ends(length: int, points: Any) -> tuple[int, ...]:
    inner = () if points is None else tuple(operator.index(point) for point in points)
    start = () if inner[:1] == (0,) else (0,)
    stop = () if inner[-1:] == (length,) and len(start + inner) > 1 else (length,)
    return (*start, *inner, *stop)


def partition_along(shape: tuple[int, ...], axis: Any, blocksize: int | None = None) -> Partition:
    """The partition with one block for each engine along `axis`, or a grid of them along several axes; None: one block."""
    if axis is None or not np.iterable(axis):
        return Partition(*_core.partition_along(shape, None if axis is None else operator.index(axis), blocksize))
    if blocksize is not None:
        raise ValueError("blocksize needs a single axis: give cut points for several")
    return Partition(*_core.partition_grid(shape, tuple(operator.index(one) for one in axis)))
