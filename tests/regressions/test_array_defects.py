"""What went wrong for arrays in distob 0.3 and in its peers; the numbers are those of the list of defects."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

import distob


def grid() -> np.ndarray:
    return np.arange(24.0).reshape(4, 6)


def test_defect_4_blocksize_reaches_the_parameter_it_is_meant_for() -> None:
    assert distob.scatter(grid(), 0, blocksize=3).partition.cuts[0] == (0, 3, 4)


def test_defect_6_operators_and_ufuncs_stay_distributed_and_assignment_works() -> None:
    d = distob.scatter(grid())
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert isinstance(d + d, distob.DistArray)
        assert isinstance(np.sqrt(d), distob.DistArray)
    d[0] = 5
    assert (np.asarray(d)[0] == 5).all()


def test_defect_8_split_works_and_vstack_promotes_before_it_joins() -> None:
    assert [p.shape for p in distob.split(distob.scatter(grid()), 2, axis=1)] == [(4, 3), (4, 3)]
    assert distob.vstack([distob.scatter(np.arange(3)), distob.scatter(np.arange(3.0))]).shape == (2, 3)


def test_defect_8_one_block_is_enough_for_an_array() -> None:
    assert distob.DistArray([np.arange(3)]).shape == (3,)
    assert len(distob.scatter(np.arange(3), blocksize=10).blocks) == 1


def test_defect_16_gathered_arrays_are_writable() -> None:
    mine = distob.gather(distob.scatter(grid()))
    mine += 1
    np.testing.assert_array_equal(mine, grid() + 1)


@pytest.mark.parametrize("step", [2, 3, -1, -2, 7])
def test_defect_27_stepped_slices_read_and_write(step: int) -> None:
    a, d = grid(), distob.scatter(grid(), axis=1, blocksize=1)
    np.testing.assert_array_equal(d[::step, ::step], a[::step, ::step])
    d[:, ::step] = -1
    a[:, ::step] = -1
    np.testing.assert_array_equal(d, a)


def test_defect_28_axes_need_not_divide_evenly() -> None:
    d = distob.scatter(np.arange(7), blocksize=3)
    assert [b.size for b in d.blocks] == [3, 3, 1]
    np.testing.assert_array_equal(d * 2, np.arange(7) * 2)


def test_defect_30_unsigned_integers_compare_with_negative_numbers() -> None:
    d = distob.scatter(np.arange(4, dtype=np.uint64))
    assert not (d < -3).any()
    assert (d > -3).all()


def test_defect_30_overlapping_assignment_reads_the_values_from_before() -> None:
    values = np.arange(36.0).reshape(6, 6)
    b = distob.scatter(np.ascontiguousarray(values[::-1, ::-1]))[::-1, ::-1]
    expected = values.copy()
    expected[-4, :] = values[:, 5]
    b[-4, :] = b[:, 5]
    np.testing.assert_array_equal(b, expected)
    c = distob.scatter(np.arange(10))
    c[1:] = c[:-1]
    np.testing.assert_array_equal(c, [0, *range(9)])
