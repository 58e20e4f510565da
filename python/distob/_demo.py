"""What distob does, on real work: `distob demo`.

Three parts: ordinary objects stepping in parallel, real data as distributed arrays, and a C++ program. Each is done
with NumPy or a plain loop too; results are compared and both times shown.
"""

from __future__ import annotations

import argparse
import copy
import os
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import distob

WATCHED = sys.stdout.isatty()


class Island:
    """Hares and foxes on an island of their own; every animal's fate is drawn one by one, in plain Python."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.hares = 3000
        self.foxes = 300

    def live(self, years: int) -> tuple[int, int]:
        """Lets `years` pass; the number of hares and foxes then."""
        draw = self.random.random
        for _ in range(years):
            hunted = min(0.8, self.foxes / 1500)
            births = sum(draw() < 0.9 * (1 - self.hares / 12000) for _ in range(self.hares))
            deaths = sum(draw() < hunted for _ in range(self.hares))
            starving = 1 / (1 + self.hares / 3000)
            litters = sum(draw() < 0.5 * (1 - starving) for _ in range(self.foxes))
            starved = sum(draw() < starving for _ in range(self.foxes))
            self.hares = max(20, self.hares + births - deaths)
            self.foxes = max(5, self.foxes + litters - starved)
        return self.hares, self.foxes


def population(islands: int = 80, years: int = 30) -> None:
    """Part 1: objects that know nothing of distob, stepped by a plain loop and by the engines."""
    world = [Island(seed) for seed in range(islands)]
    title(f"1. {islands} ordinary Python objects, each an island of hares and foxes, step through {years} years")
    started = time.perf_counter()
    remote = distob.scatter(copy.deepcopy(world))
    distob.call_all(remote, "live", 0)
    show("engines started, objects scattered", time.perf_counter() - started)

    local_seconds, local = timed(
        lambda: [step(f"a plain loop, year {year}", lambda: [i.live(1) for i in world]) for year in range(years)]
    )
    show("[island.live(1) for island in islands]", local_seconds)
    seconds, scattered = timed(
        lambda: [step(f"distob, year {year}", lambda: distob.call_all(remote, "live", 1)) for year in range(years)]
    )
    demand(scattered == local, "the engines and the loop computed different populations")
    hares, foxes = (sum(column) for column in zip(*scattered[-1], strict=True))
    show('distob.call_all(islands, "live", 1)', seconds, local_seconds)
    note(f"the same {hares:,} hares and {foxes:,} foxes both times")


def hill_shade(z: Any, dx: float, dy: float) -> tuple[Any, Any]:
    """Slope in degrees and Lambertian shade of a height field lit from the north-west at 45 degrees."""
    east = (z[1:-1, 2:] - z[1:-1, :-2]) / np.float32(2 * dx)
    north = (z[:-2, 1:-1] - z[2:, 1:-1]) / np.float32(2 * dy)
    steepness = east * east + north * north
    slope = np.degrees(np.arctan(np.sqrt(steepness)))
    light = (np.float32(0.5) * (east - north) + np.float32(0.70710678)) / np.sqrt(steepness + np.float32(1))
    return slope, np.where(light > 0, light, np.float32(0))


def terrain(data: Path, samples: int) -> Any:
    """Part 2a: the elevation model of a valley in Tennessee; ordinary NumPy code on a scattered array."""
    model = np.load(data / "jacksboro_fault_dem.npz")
    heights = tile(model["elevation"].astype(np.float32), samples)
    # A degree of latitude is 111.2 km; one of longitude shrinks with the cosine of the latitude.
    dy = 111_200 * float(model["dy"])
    dx = 111_200 * float(model["dx"]) * np.cos(np.radians(float(model["ymin"])))
    title(f"2. Elevation near Jacksboro, Tennessee, tiled to {shape_of(heights)} = {heights.size:.2g} heights")
    seconds, scattered = timed(lambda: finished(distob.scatter(heights, axis=0)))
    show("distob.scatter(heights, axis=0)", seconds)
    numpy_first, expected = timed(lambda: hill_shade(heights, dx, dy))
    show("slope and hill-shading, NumPy, first time", numpy_first)
    numpy_seconds, expected = timed(lambda: hill_shade(heights, dx, dy))
    show("and again", numpy_seconds)
    first, result = timed(lambda: finished(hill_shade(scattered, dx, dy)))
    show("the same lines on the scattered array, first time", first, numpy_first)
    del result
    seconds, result = timed(lambda: finished(hill_shade(scattered, dx, dy)))
    show("and again", seconds, numpy_seconds)
    worst = max(float(np.max(np.abs(np.asarray(d) - e))) for d, e in zip(result, expected, strict=True))
    demand(worst < 1e-3, f"NumPy computed something else: {worst}")
    steep = float((result[0] > 20).mean())
    note(f"largest difference to NumPy {worst:.1g}; {steep:.1%} of the land is steeper than 20 degrees")
    rows, columns = model["elevation"].shape
    return np.asarray(result[1][:rows, :columns])


def band_pass(block: NDArray[np.float64]) -> NDArray[np.float64]:
    """The alpha band, 8 to 13 Hz, of signals sampled at 80 Hz; forwards and backwards, so that nothing is shifted."""
    from scipy import signal

    sections = signal.butter(4, (8, 13), "bandpass", fs=80, output="sos")
    filtered: NDArray[np.float64] = signal.sosfiltfilt(sections, block, axis=1)
    return filtered


def brain_waves(data: Path, samples: int, patience: float = 6.0) -> tuple[Any, Any]:
    """Part 2b: an EEG; a function of SciPy that knows nothing of distob, applied block by block in the engines."""
    record = np.fromfile(data / "eeg.dat").reshape(800, 4).T
    band_pass(record)
    rate = record.size * 100 / timed(lambda: band_pass(np.tile(record, (1, 100))))[0]
    width = 800 * 25
    channels = max(4, min(samples, int(rate * patience)) // width // 4 * 4)
    recording = np.tile(record, (channels // 4, width // 800))
    title(f"   An EEG of four electrodes, tiled to {shape_of(recording)} = {recording.size:.2g} samples")
    scattered = finished(distob.scatter(recording, axis=0))
    numpy_seconds, expected = timed(lambda: band_pass(recording))
    show("alpha band, scipy.signal.sosfiltfilt", numpy_seconds)
    first, result = timed(lambda: finished(distob.apply(band_pass, scattered)))
    show("distob.apply(band_pass, recording), first time", first, numpy_seconds)
    del result
    seconds, result = timed(lambda: finished(distob.apply(band_pass, scattered)))
    show("and again", seconds, numpy_seconds)
    demand(np.array_equal(np.asarray(result), expected), "the engines filtered to another result")
    note("bit for bit SciPy's result")
    return record[:, :400], np.asarray(result[:4, :400])


def picture(path: Path, shade: Any, raw: Any, filtered: Any) -> None:
    """Draws what part 2 computed."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, (land, waves) = pyplot.subplots(2, 1, figsize=(9, 11), height_ratios=(3, 1.4), layout="constrained")
    land.imshow(shade, cmap="gray", vmin=0, vmax=1)
    land.set_title("Jacksboro fault, hill-shaded by distob")
    land.set_axis_off()
    seconds = np.arange(raw.shape[1]) / 80
    for channel in range(4):
        waves.plot(seconds, raw[channel] - 8 * channel, color="0.75", linewidth=0.8)
        waves.plot(seconds, filtered[channel] - 8 * channel, color="C0", linewidth=1.2)
    waves.set(title="EEG (grey) and its alpha band (blue)", xlabel="s", yticks=[], xlim=(0, seconds[-1]))
    figure.savefig(path, dpi=110)
    pyplot.close(figure)


def native(folder: Path | None) -> None:
    """Part 3: C++ programs, which need no Python."""
    title("3. The same from C++, without Python")
    programs = [] if folder is None else sorted(p for p in folder.glob("*") if p.is_file() and os.access(p, os.X_OK))
    if not programs:
        note("the C++ examples are in the source tree: `./dev demo` builds and runs them")
    for program in programs:
        seconds, finished_program = timed(
            lambda program=program: subprocess.run(  # type: ignore[misc]
                [program], capture_output=True, text=True, timeout=60, check=False
            )
        )
        demand(finished_program.returncode == 0, f"{program.name} failed:\n{finished_program.stderr}")
        show(program.name, seconds)
        for line in finished_program.stdout.splitlines():
            note(f"  {line}")


def tile(values: NDArray[np.float32], samples: int) -> NDArray[np.float32]:
    """`values` repeated, mirrored at each seam so that there are no cliffs, to about `samples` elements."""
    mirrored = np.block([[values, values[:, ::-1]], [values[::-1], values[::-1, ::-1]]])
    copies = max(1, int(np.sqrt(samples / mirrored.size)))
    return np.tile(mirrored, (copies, copies))


def sample_data() -> Path:
    """The folder of the data that matplotlib ships."""
    import matplotlib

    return Path(matplotlib.get_data_path()) / "sample_data"


def affordable_samples() -> int:
    """As many float32 samples as leave NumPy's temporaries room in this machine's memory, at most 1e8."""
    lines = Path("/proc/meminfo").read_text().splitlines()
    available = next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable"))
    limit = Path("/sys/fs/cgroup/memory.max")
    if limit.exists() and (text := limit.read_text().strip()).isdigit():
        available = min(available, int(text) - int(Path("/sys/fs/cgroup/memory.current").read_text()))
    bytes_each = 4 * 16  # input, both results twice, and the temporaries of the longest line
    return min(10**8, available * 2 // 3 // bytes_each)


def finished(result: Any) -> Any:
    """`result`, once the work behind it is done."""
    distob.sync()
    return result


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    """Seconds and result."""
    started = time.perf_counter()
    result = work()
    return time.perf_counter() - started, result


def step(text: str, work: Callable[[], Any]) -> Any:
    """Does `work` with a progress line, if a person watches."""
    if WATCHED:
        print(f"\r\x1b[K   {text}", end="", flush=True)
    result = work()
    if WATCHED:
        print("\r\x1b[K", end="", flush=True)
    return result


def title(text: str) -> None:
    """A heading."""
    print(f"\n{text}", flush=True)


def show(text: str, seconds: float, reference: float | None = None) -> None:
    """A line with a time and, given a `reference`, how many times faster that is."""
    ratio = f"{reference / seconds:6.1f} x" if reference is not None else ""
    print(f"   {text:52}{seconds:9.3f} s{ratio}", flush=True)


def note(text: str) -> None:
    """A remark below a line."""
    print(f"   {text}", flush=True)


def demand(holds: bool, text: str) -> None:
    """Ends the demo if a result is wrong."""
    if not holds:
        raise SystemExit(f"distob demo: {text}")


def shape_of(array: NDArray[Any]) -> str:
    """4 x 800."""
    return " x ".join(str(extent) for extent in array.shape)


def main(arguments: list[str] | None = None) -> int:
    """Runs the demo."""
    parser = argparse.ArgumentParser(prog="distob demo", description="distob at real work, in under a minute.")
    parser.add_argument("--examples", type=Path, help="a folder with built C++ examples to run")
    parser.add_argument("--picture", type=Path, default=Path("distob-demo.png"), help="where to write the picture")
    parser.add_argument("--samples", type=float, help="array elements, at most (default: what memory allows, to 1e8)")
    options = parser.parse_args(arguments)
    started = time.perf_counter()
    print(f"distob {distob.__version__} on {os.cpu_count()} cores", flush=True)
    population()
    samples = int(options.samples or affordable_samples())
    try:
        data = sample_data()
        import scipy  # noqa: F401  # the filters come from there
    except ImportError as error:
        title(f"2. Real data: skipped, {error}; pip install matplotlib scipy")
    else:
        shade = terrain(data, samples)
        raw, filtered = brain_waves(data, samples)
        picture(options.picture, shade, raw, filtered)
        note(f"picture: {options.picture.resolve()}")
    native(options.examples)
    columns = shutil.get_terminal_size().columns
    print(f"\n{'-' * min(columns, 76)}\nEverything above in {time.perf_counter() - started:.0f} s.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
