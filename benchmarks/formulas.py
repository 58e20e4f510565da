"""The programs that are measured: ordinary NumPy code as functions of the array namespace `xp`."""

from __future__ import annotations

from typing import Any


def add_multiple(xp: Any, a: Any, b: Any) -> Any:
    return a + 3 * b


def squares(xp: Any, x: Any) -> Any:
    return xp.sin(x) ** 2 + xp.cos(x) ** 2


def normal_cdf(xp: Any, x: Any) -> Any:
    """Abramowitz and Stegun, Handbook of Mathematical Functions, formula 26.2.17; error below 7.5e-8."""
    t = 1 / (1 + 0.2316419 * xp.abs(x))
    poly = t * (0.319381530 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))))
    tail = xp.exp(-0.5 * x * x) * 0.3989422804014327 * poly
    return xp.where(x >= 0, 1 - tail, tail)


def black_scholes(xp: Any, price: Any, strike: Any, years: Any) -> Any:
    """The value of a European call option; rate 2 %, volatility 30 % a year."""
    rate, volatility = 0.02, 0.3
    spread = volatility * xp.sqrt(years)
    d1 = (xp.log(price / strike) + (rate + 0.5 * volatility**2) * years) / spread
    return price * normal_cdf(xp, d1) - strike * xp.exp(-rate * years) * normal_cdf(xp, d1 - spread)


def sum_of_products(xp: Any, a: Any, b: Any, c: Any) -> Any:
    return xp.sum(a * b + c)


def jacobi(xp: Any, u: Any) -> Any:
    u[1:-1, 1:-1] = 0.25 * (u[:-2, 1:-1] + u[2:, 1:-1] + u[1:-1, :-2] + u[1:-1, 2:])
    return u


def gemm(xp: Any, a: Any, b: Any) -> Any:
    return a @ b


def k_means(xp: Any, points: Any, centres: Any) -> Any:
    """Lloyd's algorithm, five steps from the given centres."""
    count = centres.shape[0]
    for _ in range(5):
        distances = ((points[:, None, :] - centres[None, :, :]) ** 2).sum(axis=2)
        nearest = distances.argmin(axis=1)[:, None]
        centres = xp.stack(
            [xp.where(nearest == k, points, 0.0).sum(axis=0) / (nearest == k).sum() for k in range(count)]
        )
    return centres


def logistic_regression(xp: Any, features: Any, labels: Any, weights: Any) -> Any:
    """Ten steps of gradient descent."""
    rate = 1.0 / features.shape[0]
    for _ in range(10):
        probability = 1 / (1 + xp.exp(-(features @ weights)))
        weights = weights - rate * (features.T @ (probability - labels))
    return weights


def minus_laplacian(xp: Any, u: Any) -> Any:
    """Five points, zero outside of the square."""
    wide = xp.pad(u, 1)
    return 4 * u - wide[:-2, 1:-1] - wide[2:, 1:-1] - wide[1:-1, :-2] - wide[1:-1, 2:]


def conjugate_gradients(xp: Any, right: Any) -> Any:
    """Ten steps (Hestenes and Stiefel 1952) towards the u whose Laplacian is -right."""
    u, residual = 0 * right, right
    direction, norm = residual, (residual * residual).sum()
    for _ in range(10):
        image = minus_laplacian(xp, direction)
        step = norm / (direction * image).sum()
        u = u + step * direction
        residual = residual - step * image
        norm, before = (residual * residual).sum(), norm
        direction = residual + (norm / before) * direction
    return u
