"""Every function of NumPy's gives the same for distributed arrays, and says so where it is not distributed."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy_functions
import pytest

FUNCTIONS = list(numpy_functions.functions())


def same(mine: Any, theirs: Any) -> None:
    if isinstance(theirs, (tuple, list)):
        assert isinstance(mine, (tuple, list))
        assert len(mine) == len(theirs)
        for one, two in zip(mine, theirs, strict=True):
            same(one, two)
    elif isinstance(theirs, (np.ndarray, np.generic)):
        mine, theirs = np.asarray(mine), np.asarray(theirs)
        assert mine.dtype == theirs.dtype
        assert mine.shape == theirs.shape
        if theirs.dtype.kind in "fc":
            np.testing.assert_allclose(mine, theirs, rtol=1e-9, atol=1e-12)
        else:
            np.testing.assert_array_equal(mine, theirs)
    else:
        assert mine == theirs


@pytest.mark.parametrize(("name", "function", "cases"), FUNCTIONS, ids=[name for name, _, _ in FUNCTIONS])
def test_a_function_of_numpys_gives_the_same_and_says_so_where_it_is_not_distributed(
    name, function, cases, monkeypatch
):
    outcome = numpy_functions.run(function, cases, monkeypatch)
    for mine, theirs in outcome.results:
        same(numpy_functions.as_local(mine), theirs)
    assert not outcome.silent, f"arrays of shapes {outcome.silent} became ndarrays without a warning"
