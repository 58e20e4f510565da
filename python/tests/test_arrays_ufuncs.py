"""Every argument of a ufunc call does on scattered arrays what it does on NumPy's."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import distob

NUMBERS = "?bBhHiIqQefdgFDG"
UFUNCS = sorted(
    {u for u in vars(np).values() if isinstance(u, np.ufunc) and u.signature is None}, key=lambda u: u.__name__
)
# Within some units in the last place of NumPy's; all others have its bits.
INEXACT = {
    u
    for u in UFUNCS
    if u.__name__.startswith(("exp", "log", "sin", "cos", "tan", "arc", "float_power", "cbrt", "hypot"))
} | {np.power}


def both(call: Callable[[Callable[..., Any]], Any]) -> tuple[Any, Any]:
    """What `call` gives with ndarrays and with scattered copies: results, or errors by type and text."""
    answers = []
    for scatter in (lambda a: a, distob.scatter):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                answers.append(call(scatter))
        except Exception as error:
            answers.append((type(error), str(error)))
    return answers[0], answers[1]


def assert_same(expected: Any, got: Any, *, inexact: bool = False) -> None:
    if isinstance(expected, tuple) and expected and isinstance(expected[0], type):
        assert got == expected
        return
    if isinstance(expected, tuple):
        assert isinstance(got, tuple) and len(got) == len(expected)
        for one, other in zip(expected, got, strict=True):
            assert_same(one, other, inexact=inexact)
        return
    assert np.asarray(got).dtype == np.asarray(expected).dtype
    assert np.shape(got) == np.shape(expected)
    if inexact:
        kind = np.asarray(expected).dtype
        tolerance = 8 * np.finfo(kind).eps if kind.kind in "fc" else 0
        np.testing.assert_allclose(np.asarray(got), expected, rtol=tolerance, atol=0)
    else:
        assert_array_equal(np.asarray(got), expected)


def sample(dtype: str, shift: int = 0) -> np.ndarray:
    values = (np.arange(24) * 7 + shift) % 11
    return values.astype(dtype).reshape(4, 6)


@pytest.mark.parametrize("ufunc", UFUNCS, ids=lambda u: u.__name__)
def test_every_ufunc_computes_what_numpy_computes(ufunc: np.ufunc) -> None:
    for dtype in NUMBERS:
        args = [sample(dtype, shift) for shift in range(1, ufunc.nin + 1)]
        expected, got = both(lambda scatter, args=args: ufunc(*(scatter(a) for a in args)))
        assert_same(expected, got, inexact=ufunc in INEXACT)


@pytest.mark.parametrize("ufunc", UFUNCS, ids=lambda u: u.__name__)
def test_no_ufunc_of_numbers_is_left_to_numpy(ufunc: np.ufunc) -> None:
    for dtype in NUMBERS:
        args = [sample(dtype, shift) for shift in range(1, ufunc.nin + 1)]
        with np.errstate(all="ignore"):
            try:
                ufunc(*args)
            except TypeError:
                continue
            distob._fallback.forget_what_was_told()
            with warnings.catch_warnings():
                warnings.simplefilter("error", distob.PerformanceWarning)
                ufunc(*(distob.scatter(a) for a in args))


@pytest.mark.parametrize("ufunc", [np.divmod, np.modf, np.frexp], ids=lambda u: u.__name__)
@pytest.mark.parametrize("given", ["none", "first", "second", "both", "ndarrays", "same"])
def test_several_results_go_where_out_says(ufunc: np.ufunc, given: str) -> None:
    if given == "same" and ufunc is np.frexp:
        return  # of two dtypes in one memory NumPy leaves open which comes last
    args = [sample("d", shift) - 3.25 for shift in range(1, ufunc.nin + 1)]

    def call(scatter: Any) -> Any:
        one, two = scatter(np.zeros((4, 6))), scatter(np.zeros((4, 6), "i4" if ufunc is np.frexp else "d"))
        out = {
            "none": (None, None), "first": (one, None), "second": (None, two), "both": (one, two),
            "ndarrays": (np.zeros((4, 6)), np.zeros((4, 6))), "same": (one, one),
        }[given]  # fmt: skip
        results = ufunc(*(scatter(a) for a in args), out=out)
        for result, target in zip(results, out, strict=True):
            assert target is None or result is target
        return results

    expected, got = both(call)
    if given == "same":
        expected, got = expected[1], got[1]
    assert_same(expected, got)


def test_divmod_is_the_operator_too() -> None:
    a = distob.scatter(np.arange(-20, 20))
    for quotient, remainder in (divmod(a, 7), divmod(a, np.int64(7))):
        assert_array_equal(quotient, np.arange(-20, 20) // 7)
        assert_array_equal(remainder, np.arange(-20, 20) % 7)
    assert type(divmod(100, distob.scatter(np.arange(1, 5)))[0]) is distob.DistArray


KEYWORDS: list[dict[str, Any]] = [
    {"dtype": "f4"},
    {"dtype": "f4", "casting": "same_kind"},
    {"dtype": np.int32, "casting": "unsafe"},
    {"casting": "no"},
    {"casting": "unsafe"},
    {"casting": "nonsense"},
    {"dtype": "i8"},
    {"signature": "dd->d"},
    {"signature": "ii->i"},
    {"signature": (None, None, "f4"), "casting": "unsafe"},
    {"sig": "gg->g"},
    {"subok": False},
    {"order": "F"},
    {"order": "C"},
    {"order": "A"},
    {"order": "X"},
    {"extobj": []},
    {"where": True},
]


@pytest.mark.parametrize("keywords", KEYWORDS, ids=str)
@pytest.mark.parametrize("ufunc", [np.add, np.divide, np.less], ids=lambda u: u.__name__)
def test_keywords_mean_what_they_mean_to_numpy(ufunc: np.ufunc, keywords: dict[str, Any]) -> None:
    for one, two in (("d", "d"), ("i", "d"), ("f", "i"), ("B", "b")):
        a, b = sample(one), sample(two, 3)
        expected, got = both(lambda scatter, a=a, b=b: ufunc(scatter(a), scatter(b), **keywords))
        assert_same(expected, got)
        if "order" in keywords and isinstance(got, distob.DistArray):
            assert got.strides == expected.strides


@pytest.mark.parametrize("kind", ["array", "ndarray"])
@pytest.mark.parametrize("dtype", ["d", "f", "i4", "?", "D", ">f8", "O", "U8"])
@pytest.mark.parametrize("casting", [None, "unsafe", "safe"])
def test_out_of_any_dtype_is_written_or_refused(kind: str, dtype: str, casting: str | None) -> None:
    if dtype == "O" and kind == "array":
        return  # has no distributed form
    keywords = {} if casting is None else {"casting": casting}

    def call(scatter: Any) -> Any:
        out = np.zeros((2, 4, 6), dtype)
        target = scatter(out) if kind == "array" else out
        result = np.add(scatter(sample("d")), 2.5, out=target, **keywords)
        assert result is target
        return result

    expected, got = both(call)
    assert_same(expected, got)


def test_out_may_overlap_the_inputs() -> None:
    for build in (
        lambda a: np.add(a[:-1], a[1:], out=a[1:]),
        lambda a: np.subtract(a[::-1], a, out=a),
        lambda a: np.multiply(a[:-1], 2, out=a[1:], where=a[1:] > 3),
    ):
        n, d = np.arange(1.0, 41.0), distob.scatter(np.arange(1.0, 41.0))
        build(n)
        build(d)
        assert_array_equal(d, n)


def test_an_ndarray_takes_results_in_its_own_memory_and_order() -> None:
    a = np.arange(24.0).reshape(4, 6)
    for out in (np.zeros((6, 4)).T, np.zeros((8, 12))[::2, ::2], np.zeros((4, 6), ">f4")):
        alias = out[...]
        assert np.sqrt(distob.scatter(a), out=out) is out
        assert_array_equal(alias, np.sqrt(a, out=np.zeros_like(out)))
    overlapping = np.arange(20.0)
    np.add(distob.scatter(np.ones(19)), overlapping[:-1], out=overlapping[1:])
    assert_array_equal(overlapping[1:], np.arange(19.0) + 1)
    read_only = np.zeros(3)
    read_only.flags.writeable = False
    with pytest.raises(ValueError, match="output array is read-only"):
        np.add(distob.scatter(np.ones(3)), 1, out=read_only)


MASKS: list[Any] = [
    np.arange(6) % 2 == 0, np.arange(24).reshape(4, 6) % 3 == 0, [True, False, True, True, False, False], True, False,
    np.bool_(True), np.arange(6) % 2, [1, 0, 1, 1, 0, 0], np.array([True, False]), 1,
]  # fmt: skip


@pytest.mark.parametrize("mask", MASKS, ids=str)
@pytest.mark.parametrize("scattered_mask", [False, True])
@pytest.mark.parametrize("kind", ["array", "ndarray"])
def test_where_leaves_the_other_elements(mask: Any, scattered_mask: bool, kind: str) -> None:
    def call(scatter: Any) -> Any:
        out = np.full((4, 6), -1.0)
        where = scatter(mask) if scattered_mask and isinstance(mask, np.ndarray) else mask
        return np.log(scatter(sample("d") - 1), out=scatter(out) if kind == "array" else out, where=where)

    expected, got = both(call)
    assert_same(expected, got, inexact=True)


def test_where_takes_part_in_broadcasting() -> None:
    d = np.add(distob.scatter(np.arange(3.0)), 1, where=np.ones((2, 3), bool), out=None)
    assert_array_equal(d, np.broadcast_to(np.arange(3.0) + 1, (2, 3)))


@pytest.mark.parametrize(
    "exponents", [2, 0, 5, np.arange(6), np.arange(6).astype("u1"), -1, np.array([1, -2, 3, 4, 5, 6])]
)
def test_powers_of_integers_wrap_round_and_refuse_negative_exponents(exponents: Any) -> None:
    for dtype in "bBhHiIqQ?":
        base = sample(dtype) * np.array(3, dtype)
        for wrapped in (True, False):
            expected, got = both(
                lambda scatter, base=base, wrapped=wrapped: (
                    scatter(base) ** (scatter(exponents) if wrapped and np.ndim(exponents) else exponents)
                )
            )
            assert_same(expected, got)


def test_a_negative_exponent_that_is_masked_out_does_no_harm() -> None:
    base, exponents = np.arange(1, 7), np.array([2, -1, 3, -5, 0, 1])
    out = distob.scatter(np.full(6, -7))
    np.power(distob.scatter(base), distob.scatter(exponents), out=out, where=exponents >= 0)
    assert_array_equal(out, np.power(base, exponents, out=np.full(6, -7), where=exponents >= 0))


def test_integers_beyond_the_type_compare_as_in_numpy() -> None:
    for ufunc in (np.equal, np.not_equal, np.less, np.less_equal, np.greater, np.greater_equal):
        for dtype in "bBhHiIqQ":
            for beyond in (-(2**70), 2**70, 300, -200):
                for left in (False, True):
                    expected, got = both(
                        lambda scatter, u=ufunc, t=dtype, b=beyond, left=left: (
                            u(b, scatter(sample(t))) if left else u(scatter(sample(t)), b)
                        )
                    )
                    assert_same(expected, got)


def test_other_kinds_of_arrays_get_their_turn() -> None:
    class Units:
        def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> str:
            return "theirs"

    d = distob.scatter(np.arange(4.0))
    assert np.add(d, Units()) == "theirs"
    assert np.add(Units(), d) == "theirs"
    assert d + Units() == "theirs"
    assert np.add(d, 1, out=(Units(),)) == "theirs"
