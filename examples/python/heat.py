"""Heat spreading over a plate: NumPy code that runs on all cores because its array was scattered."""

import numpy as np

import distob


def relax(plate, steps: int):
    """Jacobi's method for Laplace's equation, in place; `plate` is a NumPy or a distob array."""
    for _ in range(steps):
        plate[1:-1, 1:-1] = 0.25 * (plate[:-2, 1:-1] + plate[2:, 1:-1] + plate[1:-1, :-2] + plate[1:-1, 2:])
    return plate


side, steps = 1000, 50
plate = np.zeros((side, side))
plate[0] = 100.0  # the hot edge

scattered = relax(distob.scatter(plate, axis=0), steps)
print(scattered)
print("warmth in all:", round(float(scattered.sum()), 3))
print("row means near the edge:", np.round(np.asarray(scattered[:4].mean(axis=1)), 2))

relax(plate, steps)
print("exactly NumPy's result:", np.array_equal(np.asarray(scattered), plate))
