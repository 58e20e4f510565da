"""Calls that do not wait, and what can be done with their futures."""

import asyncio
import concurrent.futures
import random

import distob


class Dice:
    """Estimates pi by throwing points into a square."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def throw(self, points: int) -> int:
        draw = self.random.random
        return sum(draw() ** 2 + draw() ** 2 < 1 for _ in range(points))


points = 50_000
dice = distob.scatter([Dice(seed) for seed in range(8)])

# Futures are concurrent.futures.Future: everything that takes those takes these.
futures = [distob.methodcall(die, "throw", points, block=False) for die in dice]
inside = sum(future.result() for future in concurrent.futures.as_completed(futures))
print("pi is about", round(4 * inside / (points * len(dice)), 2))


async def throw_all() -> int:
    """They can be awaited, too."""
    return sum(await asyncio.gather(*(distob.methodcall(die, "throw", points, block=False) for die in dice)))


inside += asyncio.run(throw_all())
print("after twice as many points:", round(2 * inside / (points * len(dice)), 2))

# A call of a plain function runs in some engine.
print("remotely:", distob.call(divmod, 17, 5), "and later:", distob.call(pow, 2, 10, block=False).result())
