"""Random programs over arrays and scattered copies stay equal to NumPy's, statement by statement, errors included."""

from __future__ import annotations

import operator
import warnings
from typing import Any

import hypothesis.extra.numpy as npst
import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import distob

DTYPES = [np.dtype(c) for c in "?bBhHiIlLefdgFD"] + [np.dtype(">i4"), np.dtype(">f8")]

# Operators whose results are NumPy's bits for every dtype.
BINARY = [
    operator.add, operator.sub, operator.mul, operator.truediv, operator.floordiv, operator.mod,
    operator.eq, operator.ne, operator.lt, operator.le, operator.gt, operator.ge,
    operator.and_, operator.or_, operator.xor, np.maximum, np.minimum, np.fmax, np.fmin, np.copysign, np.logical_and,
    np.logical_xor, operator.lshift, operator.rshift, np.hypot, np.arctan2,
]  # fmt: skip
INEXACT = {np.hypot, np.arctan2}
# Of two equal zeros NumPy gives the first or the second, depending on the length: np.fmax of float32 0.0 and -0.0 is 0.0
# for 3 elements, -0.0 for 40.
CHOOSES_A_ZERO = {np.maximum, np.minimum, np.fmax, np.fmin}
IN_PLACE = [
    operator.iadd,
    operator.isub,
    operator.imul,
    operator.itruediv,
    operator.ifloordiv,
    operator.iand,
    operator.ior,
]
UNARY = [operator.neg, operator.pos, operator.abs, operator.invert, np.sqrt, np.square, np.sign, np.isnan, np.isfinite,
         np.floor, np.rint, np.logical_not, np.conjugate, np.signbit]  # fmt: skip
REDUCTIONS = ["sum", "prod", "min", "max", "any", "all", "mean"]

RUNS = settings(suppress_health_check=list(HealthCheck))


def elements_of(dtype: np.dtype) -> Any:
    """Small values and the special ones: overflow in sums is tested, overflow of the oracle's accumulators is not."""
    if dtype.kind == "b":
        return st.booleans()
    if dtype.kind in "iu":
        info = np.iinfo(dtype)
        return st.one_of(st.integers(max(info.min, -9), 9), st.sampled_from([int(info.min), int(info.max)]))
    special = st.sampled_from([0.0, -0.0, 1.0, -1.0, 0.5, 3.0, float("nan"), float("inf"), float("-inf")])
    real = st.one_of(special, st.integers(-40, 40).map(lambda i: i / 8))
    if dtype.kind == "c":
        return st.builds(complex, st.integers(-8, 8), st.integers(-8, 8))
    return real


@st.composite
def arrays(draw: Any, ndim: int = 3) -> np.ndarray:
    dtype = draw(st.sampled_from(DTYPES))
    shape = draw(npst.array_shapes(min_dims=0, max_dims=ndim, min_side=0, max_side=6))
    count = int(np.prod(shape))
    values = draw(st.lists(elements_of(dtype), min_size=min(count, 24), max_size=min(count, 24)))
    flat = np.resize(np.array(values, dtype=dtype), count) if count else np.empty(0, dtype)
    return flat.reshape(shape)


@st.composite
def scattered(draw: Any, array: np.ndarray) -> Any:
    if array.ndim == 0 or draw(st.integers(0, 5)) == 0:
        return distob.scatter(array, axis=None)
    axis = draw(st.integers(-array.ndim, array.ndim - 1))
    return distob.scatter(array, axis=axis, blocksize=draw(st.one_of(st.none(), st.integers(1, 7))))


@st.composite
def indices(draw: Any, shape: tuple[int, ...]) -> Any:
    parts: list[Any] = []
    for length in shape[: draw(st.integers(0, len(shape)))]:
        kind = draw(st.integers(0, 4))
        if kind == 0 and length:
            parts.append(draw(st.integers(-length, length - 1)))
        elif kind == 1 and draw(st.integers(0, 19)) == 0:
            parts.append(draw(st.integers(-9, 9)))  # perhaps out of bounds
        else:
            ends = st.one_of(st.none(), st.integers(-length - 2, length + 2))
            parts.append(slice(draw(ends), draw(ends), draw(st.sampled_from([None, 1, 2, -1, -2, 3]))))
        if draw(st.integers(0, 9)) == 0:
            parts.append(None)
    if draw(st.booleans()):
        parts.insert(draw(st.integers(0, len(parts))), Ellipsis)
    return tuple(parts) if len(parts) != 1 else parts[0]


def outcome(function: Any, *args: Any) -> Any:
    """The result, or the type of the exception."""
    try:
        return function(*args)
    except Exception as error:
        return type(error)


def assert_same(theirs: Any, mine: Any, exact: bool = True, signed_zeros: bool = True) -> None:
    if isinstance(theirs, type):
        assert isinstance(mine, type) and issubclass(mine, (theirs, *theirs.__bases__[:1])), (theirs, mine)
        return
    assert not isinstance(mine, type), (theirs, mine)
    if theirs is NotImplemented or theirs is None:
        assert mine is theirs
        return
    mine = np.asarray(mine)
    theirs = np.asarray(theirs)
    assert mine.dtype == theirs.dtype
    assert mine.shape == theirs.shape
    if exact:
        np.testing.assert_array_equal(mine, theirs)
        if theirs.dtype.kind == "f" and signed_zeros:
            np.testing.assert_array_equal(np.signbit(mine)[~np.isnan(mine)], np.signbit(theirs)[~np.isnan(theirs)])
    else:
        tolerance = 16 * np.finfo(theirs.dtype).eps if theirs.dtype.kind in "fc" else 0
        np.testing.assert_allclose(mine, theirs, rtol=tolerance, atol=tolerance)


def is_scalar(value: Any) -> bool:
    """Whether `value` stands for a scalar of NumPy's rather than an array without axes."""
    return value._is_scalar if isinstance(value, distob._core.Array) else isinstance(value, np.generic)


# Views, and copies, of an array under other axes.
STRUCTURE = [
    np.flip, np.rot90, lambda a: np.moveaxis(a, 0, -1), lambda a: a.swapaxes(0, -1), lambda a: np.expand_dims(a, 0),
    np.squeeze, lambda a: a.ravel("F"), lambda a: a.reshape(-1, order="F"), lambda a: np.array_split(a, 2)[1],
    lambda a: np.roll(a, 1, 0), lambda a: np.tile(a, 2), lambda a: np.concatenate([a, a[:1]]), lambda a: a.copy("F"),
    lambda a: a.real, lambda a: a.view(), lambda a: np.stack([a, a]), lambda a: np.repeat(a, 2, 0),
]  # fmt: skip

SCALARS = [0, 1, 2, -3, 300, 2.5, -0.0, True, 1j, np.float32(1.5), np.int8(-2), np.uint64(7), np.float64(2)]


@RUNS
@given(st.data())
def test_binary_operators_give_numpys_bits(data: Any) -> None:
    a = data.draw(arrays())
    function = data.draw(st.sampled_from(BINARY))
    what = data.draw(st.sampled_from(["scalar", "scattered", "ndarray", "reflected"]))
    mine: Any
    if what in ("scalar", "reflected"):
        b = mine = data.draw(st.sampled_from(SCALARS))
        if (
            what == "scalar"
            and function in (operator.lt, operator.le, operator.gt, operator.ge)
            and a.dtype == np.uint64
        ):
            b = mine = 3
    else:
        b = data.draw(arrays())
        if data.draw(st.booleans()):
            b = np.resize(b, a.shape) if b.size else b
        mine = data.draw(scattered(b)) if what == "scattered" else b
    d = data.draw(scattered(a))
    with np.errstate(all="ignore"):
        if what == "reflected":
            theirs, ours = outcome(function, b, a), outcome(function, mine, d)
        else:
            theirs, ours = outcome(function, a, b), outcome(function, d, mine)
        exact = function not in INEXACT and not (
            np.result_type(a.dtype).kind == "c"
            or (hasattr(b, "dtype") and b.dtype.kind == "c")
            or isinstance(b, complex)
        )
        if not exact and not isinstance(theirs, type) and np.asarray(theirs).dtype.kind == "b":
            exact = True
        assert_same(theirs, ours, exact, signed_zeros=function not in CHOOSES_A_ZERO)


@RUNS
@given(st.data())
def test_unary_operators_give_numpys_bits(data: Any) -> None:
    a = data.draw(arrays())
    d = data.draw(scattered(a))
    function = data.draw(st.sampled_from(UNARY))
    with np.errstate(all="ignore"):
        exact = a.dtype.kind != "c" or function not in (np.sqrt, operator.abs, np.square, np.sign)
        assert_same(outcome(function, a), outcome(function, d), exact)


def order_decides_product(a: np.ndarray) -> bool:
    """Whether some order of the factors overflows or underflows on the way, where another may not: inf * 0 is nan."""
    if a.dtype.kind not in "fc":
        return False
    sizes = np.abs(a).astype(np.longdouble)
    sizes = sizes[np.isfinite(sizes) & (sizes != 0)]
    limits = np.finfo(a.dtype)
    return bool(np.prod(sizes[sizes > 1]) > limits.max or np.prod(sizes[sizes < 1]) < limits.tiny)


@RUNS
@given(st.data())
def test_reductions_agree_with_numpy(data: Any) -> None:
    a = data.draw(arrays())
    d = data.draw(scattered(a))
    name = data.draw(st.sampled_from(REDUCTIONS))
    axis = data.draw(st.one_of(st.none(), st.integers(-a.ndim - 1, a.ndim)))
    if a.ndim >= 2 and data.draw(st.booleans()):
        axis = tuple(data.draw(st.lists(st.integers(0, a.ndim - 1), max_size=3)))
    kwargs: dict[str, Any] = {"axis": axis}
    if data.draw(st.booleans()):
        kwargs["keepdims"] = data.draw(st.booleans())
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = outcome(lambda: getattr(a, name)(**kwargs))
        ours = outcome(lambda: getattr(d, name)(**kwargs))
        exact = (a.dtype.kind in "biu" and name != "mean") or name in ("min", "max", "any", "all")
        if name == "prod" and order_decides_product(a) and not isinstance(theirs, type):
            assert (theirs.dtype, theirs.shape) == (ours.dtype, ours.shape)
            return
        # Which of two equal zeros is the least depends on the order of comparisons, in NumPy on the SIMD target.
        assert_same(theirs, ours, exact, signed_zeros=name not in ("min", "max"))


@RUNS
@given(st.data())
def test_basic_indexing_gives_the_same_elements(data: Any) -> None:
    a = data.draw(arrays())
    d = data.draw(scattered(a))
    for _ in range(3):
        index = data.draw(indices(a.shape))
        theirs, ours = outcome(operator.getitem, a, index), outcome(operator.getitem, d, index)
        assert_same(theirs, ours)
        if not isinstance(theirs, np.ndarray):
            assert not isinstance(ours, distob.DistArray)
            return
        assert isinstance(ours, (distob.DistArray, distob.RemoteArray))
        a, d = theirs, ours


@RUNS
@given(st.data())
def test_programs_of_views_and_mutation_stay_equal(data: Any) -> None:
    """Variables are views of each other; every statement may write through one and is seen through all."""
    first = data.draw(arrays())
    theirs, ours = [first.copy()], [data.draw(scattered(first))]
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for _ in range(data.draw(st.integers(1, 8))):
            k = data.draw(st.integers(0, len(theirs) - 1))
            a, d = theirs[k], ours[k]
            statement = data.draw(
                st.sampled_from(
                    ["view", "transpose", "fill", "assign", "in place", "new", "mask", "reshape", "structure", "shift"]
                )
            )
            if statement == "view":
                index = data.draw(indices(a.shape))
                new, mine = outcome(operator.getitem, a, index), outcome(operator.getitem, d, index)
                assert_same(new, mine)
                if isinstance(new, np.ndarray):
                    theirs.append(new)
                    ours.append(mine)
            elif statement == "structure":
                function = data.draw(st.sampled_from(STRUCTURE))
                new, mine = outcome(function, a), outcome(function, d)
                assert_same(new, mine)
                if isinstance(new, np.ndarray):
                    theirs.append(new)
                    ours.append(mine)
            elif statement == "shift" and a.ndim and a.size:
                a[1:] = a[:-1].copy()
                d[1:] = d[:-1]
            elif statement == "transpose":
                theirs.append(a.T)
                ours.append(d.T)
            elif statement == "reshape":
                theirs.append(a.reshape(-1))
                ours.append(d.reshape(-1))
                if not np.shares_memory(theirs[-1], a) and a.size:
                    assert not np.may_share_memory(ours[-1], d)
            elif statement == "fill":
                index = data.draw(indices(a.shape))
                value = data.draw(st.sampled_from([0, 1, 2.5, -3, True]))
                assert_same(outcome(operator.setitem, a, index, value), outcome(operator.setitem, d, index, value))
            elif statement == "assign":
                other = data.draw(st.integers(0, len(theirs) - 1))
                index = data.draw(indices(a.shape))
                source = theirs[other]
                if np.may_share_memory(a, source):
                    source = source.copy()  # the oracle's own overlap handling has a defect with negative strides
                one = outcome(operator.setitem, a, index, source)
                two = outcome(operator.setitem, d, index, ours[other])
                assert_same(one, two)
            elif statement == "in place":
                function = data.draw(st.sampled_from(IN_PLACE))
                value = data.draw(st.sampled_from(SCALARS[:8]))
                if data.draw(st.booleans()):
                    other = data.draw(st.integers(0, len(theirs) - 1))
                    one, two = outcome(function, a, theirs[other]), outcome(function, d, ours[other])
                else:
                    one, two = outcome(function, a, value), outcome(function, d, value)
                assert_same(one, two, exact=False)
                assert (one is a) == (two is d)
                if not isinstance(one, type):
                    theirs[k], ours[k] = one, two  # scalars are immutable: theirs are new ones
            elif statement == "mask":
                value = data.draw(st.sampled_from([0, 1]))
                index = a != a.dtype.type(1)
                mine = d != a.dtype.type(1)
                assert_same(outcome(operator.setitem, a, index, value), outcome(operator.setitem, d, mine, value))
            elif statement == "new":
                theirs.append(a + a)
                ours.append(d + d)
        for a, d in zip(theirs, ours, strict=True):
            assert_same(a, d, exact=a.dtype.kind not in "cg")
            assert is_scalar(d) == isinstance(a, np.generic)


@settings(max_examples=settings.default.max_examples // 6)
@given(st.integers(30_000, 90_000), st.sampled_from("dfli?"), st.integers(0, 2**32 - 1))
def test_arrays_long_enough_for_several_threads_agree_too(length: int, char: str, seed: int) -> None:
    random = np.random.default_rng(seed)
    a = (random.random(length) * 100).astype(char)
    d = distob.scatter(a, blocksize=int(random.integers(1000, 50_000)))
    start, step = int(random.integers(0, 50)), int(random.choice([1, 2, -1, -3]))
    with np.errstate(all="ignore"):
        one, two = a[start:][::step], d[start:][::step]
        one, two = one * 3 + one, two * 3 + two
        assert_same(one, two)
        one[::7] = two[::7] = 5
        assert_same(one > 17, two > 17)
        assert_same(np.where(one > 17, one, 0), np.where(two > 17, two, 0))
        assert_same(one.sum(), two.sum(), exact=char in "li?")
        assert_same(one.max(), two.max())
        assert_same(a, d)
