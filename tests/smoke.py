"""A first use of an installed distob: run by `./dev test wheel` in an environment that has nothing else."""

from pathlib import Path

import numpy as np

import distob


class Counter:
    def __init__(self) -> None:
        self.count = 0

    def add(self, number: int) -> int:
        self.count += number
        return self.count


package = Path(distob.__file__).parent
assert (package / "py.typed").exists(), "py.typed is missing from the package"
assert next(package.glob("_core*.so"), None), "the extension module is missing from the package"

array = distob.scatter(np.arange(10.0), axis=0)
assert float((array * 2).sum()) == 90.0
counters = distob.scatter([Counter(), Counter()])
assert distob.call_all(counters, "add", 3) == [3, 3]
print(f"distob {distob.__version__} works from {package}")
