"""Results without axes are NumPy's scalars: values that nothing can write to."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np
import pytest

import distob


def scalar() -> Any:
    """A sum that NumPy returns as a scalar: np.float64(4.0)."""
    return distob.scatter(np.ones(4)).sum()


def test_an_in_place_operator_on_a_scalar_makes_a_new_one() -> None:
    flag = distob.scatter(np.array(False))
    both = flag + flag  # np.False_ in NumPy, so that += gives np.int64(0)
    first = both
    both += 0
    assert both.dtype == np.int64 and first.dtype == np.bool_
    assert flag.dtype == np.bool_


def test_an_in_place_operator_on_an_array_without_axes_keeps_the_array() -> None:
    d = distob.scatter(np.array(False))
    with pytest.raises(TypeError, match="same_kind"):
        d += 0
    e = d
    e |= True
    assert e is d and bool(d)


@pytest.mark.parametrize(
    "function",
    [
        lambda s: s.T,
        lambda s: s.transpose(),
        lambda s: s.reshape(()),
        lambda s: s.squeeze(),
        lambda s: s.copy(),
        lambda s: s.astype(np.int32),
        np.transpose,
    ],
    ids=["T", "transpose", "reshape", "squeeze", "copy", "astype", "numpy.transpose"],
)
def test_what_numpy_gives_as_a_scalar_is_one(function: Any) -> None:
    assert isinstance(function(np.float64(4)), np.generic)
    of_scalar = function(scalar())
    of_scalar += 0.5
    assert of_scalar == 4.5
    of_array = function(distob.scatter(np.array(4.0)))
    assert not of_array._is_scalar


@pytest.mark.parametrize("index", [(), ..., None, np.True_], ids=repr)
def test_elements_of_a_scalar_cannot_be_assigned(index: Any) -> None:
    s = scalar()
    with pytest.raises(TypeError, match=r"'numpy\.float64' object does not support item assignment"):
        s[index] = 1
    assert s == 4


@pytest.mark.parametrize(
    "view",
    [lambda s: s[...], lambda s: s[None], lambda s: s.reshape(-1), lambda s: s.ravel()],
    ids="...,None,-1,ravel".split(","),
)
def test_arrays_made_of_a_scalar_are_copies_that_may_be_written(view: Any) -> None:
    s = scalar()
    made = view(s)
    made[...] = 9
    assert s == 4 and made.item() == 9


def test_a_scalar_is_no_place_for_results() -> None:
    s = scalar()
    for call in (
        lambda: np.add(s, 1, out=s),
        lambda: np.sum(distob.scatter(np.ones(2)), out=s),
        lambda: np.copyto(s, 1),
        lambda: np.logaddexp2(s, 1, out=s),
    ):
        with pytest.raises(TypeError):
            call()
    s.fill(7)  # which NumPy's scalars ignore
    assert s == 4 and not s.flags.writeable


def test_an_array_without_axes_has_one_block() -> None:
    d = distob.scatter(np.array(2.0))
    [block] = d.blocks
    block[...] = 3
    assert d.item() == 3


@pytest.mark.parametrize("dtype", [np.int8, np.complex128])
def test_one_element_takes_no_array_with_axes_whatever_the_dtype(dtype: Any) -> None:
    theirs = np.zeros(3, dtype)
    ours = distob.scatter(theirs)
    for value in (np.ones(1, dtype), np.ones((1, 1))):
        with pytest.raises((TypeError, ValueError)) as expected:
            theirs[0] = value
        for refused in (value, distob.scatter(value)):
            with pytest.raises(expected.type):
                ours[0] = refused


@pytest.mark.parametrize("shape, axis", [((0, 0), 0), ((0, 0), 1), ((0, 2, 0), (0, 1)), ((2, 0, 0), 1)])
@pytest.mark.parametrize("name", ["min", "max"])
def test_the_least_of_nothing_is_an_error_even_where_there_are_no_results(shape: Any, axis: Any, name: str) -> None:
    for array in (np.zeros(shape), distob.scatter(np.zeros(shape))):
        with pytest.raises(ValueError, match="zero-size array to reduction"):
            operator.methodcaller(name, axis=axis)(array)


def test_the_least_along_an_axis_with_elements_is_empty_where_another_axis_is() -> None:
    assert distob.scatter(np.zeros((0, 3))).min(axis=1).shape == (0,)


def test_a_scalar_result_is_taken_for_numpys_scalar() -> None:
    a = distob.scatter(np.arange(10.0))
    total = a.sum()
    assert isinstance(total, float) and isinstance(total, np.float64) and np.isscalar(total)
    assert not isinstance(total, np.ndarray) and not isinstance(a, float)
    assert isinstance(a.astype(np.int32).max(), np.integer) and isinstance((a > 3).any(), np.bool_)
    assert total.is_integer() and (total / 2).as_integer_ratio() == (45, 2)
    with pytest.raises(AttributeError, match=r"'numpy\.float64' object has no attribute 'nothing'"):
        total.nothing
