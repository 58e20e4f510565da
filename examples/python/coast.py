"""Land and sea around Vancouver Island: an ordinary NumPy analysis, on all cores because of one line.

The data is the relief that matplotlib ships (topobathy.npz: heights in metres, 91 by 120 samples between 48 and 50 degrees
north, 234 and 238 east), refined by linear interpolation to a grid worth computing on.
"""

import time

import numpy as np
from matplotlib import cbook

import distob

RADIUS = 6_371_000.0  # metres


def refined(samples, factor, axis):
    """`samples` with `factor` values for each one along `axis`, interpolated linearly."""
    n = samples.shape[axis]
    at = np.linspace(0, n - 1, n * factor)
    return np.apply_along_axis(lambda line: np.interp(at, np.arange(n), line), axis, samples)


def analyse(height, latitude, longitude):
    """What a geographer would ask first. `height` in metres, angles in degrees; NumPy throughout."""
    north = RADIUS * np.radians(latitude[1] - latitude[0])  # between two rows
    east = RADIUS * np.radians(longitude[1] - longitude[0]) * np.cos(np.radians(latitude))[:, np.newaxis]
    area = np.broadcast_to(north * east * 1e-6, height.shape)  # km² of each cell
    land = height > 0

    facts = {
        "land, km²": area[land].sum(),
        "sea, km²": area[~land].sum(),
        "mean height of the land, m": np.average(height[land], weights=area[land]),
        "mean depth of the sea, m": -np.average(height[~land], weights=area[~land]),
    }

    # The hypsometric curve: how much of the surface lies below a height.
    order = np.argsort(height, axis=None, kind="stable")
    below = np.cumsum(area.ravel()[order])
    facts["median height of all, m"] = np.interp(0.5 * below[-1], below, height.ravel()[order])
    squares, edges = np.histogram(height, bins=np.arange(-1500, 2501, 250), weights=area)
    facts["most common level, m"] = edges[squares.argmax()] + 125

    # Slopes by central differences, and where land is steepest.
    dy = (height[2:, 1:-1] - height[:-2, 1:-1]) / (2 * north)
    dx = (height[1:-1, 2:] - height[1:-1, :-2]) / (2 * east[1:-1])
    slope = np.degrees(np.arctan(np.hypot(dx, dy)))
    row, column = np.unravel_index(slope.argmax(), slope.shape)
    facts["steepest slope, degrees"] = slope.max()
    facts["  at degrees north"] = latitude[row + 1]
    facts["  at degrees west"] = 360 - longitude[column + 1]

    # The coast: cells of land beside a cell of sea.
    wet = ~land
    coast = land[1:-1, 1:-1] & (wet[2:, 1:-1] | wet[:-2, 1:-1] | wet[1:-1, 2:] | wet[1:-1, :-2])
    facts["cells of coast"] = np.count_nonzero(coast)
    facts["mean slope of the coast, degrees"] = slope[coast].mean()

    share = np.where(land, area, 0).sum(axis=0) / area.sum(axis=0)
    facts["degrees west where most is land"] = 360 - longitude[share.argmax()]
    return {name: float(value) for name, value in facts.items()}


sample = cbook.get_sample_data("topobathy.npz")
factor = 12
latitude = refined(sample["latitude"].astype(float), factor, 0)
longitude = refined(sample["longitude"].astype(float), factor, 0)
height = refined(refined(sample["topo"].astype(float), factor, 0), factor, 1)

start = time.perf_counter()
expected = analyse(height, latitude, longitude)
alone = time.perf_counter() - start

height = distob.scatter(height, axis=0)  # the one line

start = time.perf_counter()
facts = analyse(height, latitude, longitude)
together = time.perf_counter() - start

for name, value in facts.items():
    print(f"{name:34} {value:12.4f}")
    assert np.isclose(value, expected[name], rtol=1e-9), name
print(f"{height.size:,} samples: NumPy {alone * 1e3:.0f} ms, distob {together * 1e3:.0f} ms, the same answers")
