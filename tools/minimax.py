"""Coefficients of the polynomials in src/kernels/elementary-inl.h: the exchange algorithm of Remez (1934) in 60 digits.

Each polynomial approximates the part of a function that its first terms leave over, such that the error relative to the
whole function is least; its coefficients are rounded to double, and the error of the rounded polynomial is printed.
Needs mpmath:  python tools/minimax.py
"""

from __future__ import annotations

from collections.abc import Callable

from mpmath import cos, expm1, fabs, linspace, log, log1p, lu_solve, matrix, mp, mpf, pi, sin, sqrt

mp.dps = 60
Function = Callable[[mpf], mpf]


def remez(rest: Function, weight: Function, low: mpf, high: mpf, degree: int) -> list[mpf]:
    """The polynomial p of `degree` with the least maximum of |weight * (p - rest)| over [low, high]."""
    count = degree + 2
    nodes = [(low + high) / 2 - (high - low) / 2 * cos(pi * i / (count - 1)) for i in range(count)]
    coefficients: list[mpf] = []
    for _ in range(12):
        rows = matrix([[x**j for j in range(degree + 1)] + [(-1) ** i / weight(x)] for i, x in enumerate(nodes)])
        solved = lu_solve(rows, matrix([rest(x) for x in nodes]))
        coefficients = [solved[j] for j in range(degree + 1)]
        grid = linspace(low, high, 40 * count)
        errors = [weight(x) * (evaluate(coefficients, x) - rest(x)) for x in grid]
        extrema: list[tuple[mpf, mpf]] = []
        for x, error in zip(grid, errors, strict=True):
            if extrema and (error > 0) == (extrema[-1][1] > 0):
                if fabs(error) > fabs(extrema[-1][1]):
                    extrema[-1] = (x, error)
            else:
                extrema.append((x, error))
        if len(extrema) < count:
            break
        while len(extrema) > count:
            del extrema[0 if fabs(extrema[0][1]) < fabs(extrema[-1][1]) else -1]
        nodes = [x for x, _ in extrema]
    return coefficients


def evaluate(coefficients: list[mpf], x: mpf) -> mpf:
    value = mpf(0)
    for coefficient in reversed(coefficients):
        value = value * x + coefficient
    return value


def show(name: str, rest: Function, weight: Function, low: mpf, high: mpf, degree: int) -> None:
    coefficients = [mpf(float(c)) for c in remez(rest, weight, low, high, degree)]
    worst = max(fabs(weight(x) * (evaluate(coefficients, x) - rest(x))) for x in linspace(low, high, 4001))
    print(f"{name}: error 2^{float(log(worst, 2)):.1f}, from the constant term up")
    print("  " + ", ".join(float(c).hex() for c in coefficients))


def main() -> None:
    tiny = mpf(2) ** -40  # the quotients have no value at 0 itself
    half = log(2) / 2 * (1 + mpf(2) ** -20)
    show(
        "exp: (e^r - 1 - r - r^2 / 2) / r^3",
        lambda r: (expm1(r) - r - r**2 / 2) / r**3,
        lambda r: r**3 / expm1(r),
        -half,
        half + tiny,
        9,
    )
    show(
        "log: (log(1 + f) - f + f^2 / 2) / f^3",
        lambda f: (log1p(f) - f + f**2 / 2) / f**3,
        lambda f: f**3 / log1p(f),
        sqrt(mpf(1) / 2) - 1,
        sqrt(mpf(2)) - 1 + tiny,
        18,
    )
    square = (pi / 4) ** 2 * (1 + mpf(2) ** -20)
    show(
        "sin: (sin r - r) / r^3 of r^2",
        lambda z: (sin(sqrt(z)) - sqrt(z)) / sqrt(z) ** 3,
        lambda z: sqrt(z) ** 3 / sin(sqrt(z)),
        tiny,
        square,
        5,
    )
    show(
        "cos: (cos r - 1 + r^2 / 2) / r^4 of r^2",
        lambda z: (cos(sqrt(z)) - 1 + z / 2) / z**2,
        lambda z: z**2 / cos(sqrt(z)),
        tiny,
        square,
        5,
    )


if __name__ == "__main__":
    main()
