"""A function that knows only ndarrays, run on the blocks of an array, in parallel in the engines."""

import os

import numpy as np

import distob


def detrend(block: np.ndarray) -> np.ndarray:
    """Removes from each row its straight-line fit."""
    t = np.arange(block.shape[1])
    slope, offset = np.polynomial.polynomial.polyfit(t, block.T, 1)[::-1]
    return block - (slope[:, None] * t + offset[:, None])


random = np.random.default_rng(7)
signals = random.standard_normal((64, 2000)) + np.linspace(0, 5, 2000)

scattered = distob.scatter(signals, axis=0)
flat = distob.apply(detrend, scattered)  # a distributed array again
print("largest mean of a row afterwards:", f"{float(np.abs(flat.mean(axis=1)).max()):.1e}")
print(
    "the same as without distob:",
    np.array_equal(np.asarray(flat), detrend(signals)) or np.allclose(np.asarray(flat), detrend(signals)),
)

peak = distob.vectorize(lambda block: block.max(axis=1, keepdims=True))  # vectorize: apply with its function fixed
print("peaks:", np.round(np.asarray(peak(flat))[:5, 0], 2))

pids = distob.apply(lambda number: os.getpid(), list(range(8)))
print("ran in", len(set(pids)), "engines, not in this process:", os.getpid() not in pids)
