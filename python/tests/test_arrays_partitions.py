"""How arrays are cut into blocks, and that no result depends on it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import distob


def copied_bytes() -> int:
    return distob._core.array_statistics()["bytes_copied"]


def test_partitions_can_be_given_at_scattering() -> None:
    a = np.arange(60).reshape(6, 10)
    d = distob.scatter(a, partition=([2, 5], None))
    assert d.partition.cuts == ((0, 2, 5, 6), (0, 10))
    assert distob.scatter(a[0], partition=[1, 1, 4]).partition.cuts == ((0, 1, 1, 4, 10),)
    assert distob.scatter(a + 1, partition=d).partition == d.partition
    assert distob.scatter(a, partition=d.partition).partition == d.partition
    grid = distob.scatter(a, axis=(0, 1))
    assert len(grid.partition.slots) == len(distob.scatter(a).partition.slots)
    for array in (d, grid):
        np.testing.assert_array_equal(np.asarray(array), a)
        assert array.partition.shape == a.shape
        blocks = array.blocks
        assert len(blocks) == len(array.partition.slots) == np.prod(array.partition.grid)
        assert sum(block.size for block in blocks) == a.size
        assert set(array.engines) == set(array.partition.slots)


def test_redistributing_moves_nothing_and_gives_a_view() -> None:
    a = np.arange(24.0).reshape(4, 6)
    d = distob.scatter(a)
    before = copied_bytes()
    for other in (d.redistribute(axis=0), d.redistribute(axis=(0, 1)), d.redistribute(axis=0, blocksize=1),
                  d.redistribute(([1], [2, 3])), d.redistribute(d.T.T), d.redistribute(d.partition)):  # fmt: skip
        other[0, 0] += 1
        assert np.shares_memory(other, d)
    assert copied_bytes() == before
    assert np.asarray(d)[0, 0] == 6
    assert len(d.redistribute().partition.slots) == 1


@pytest.mark.parametrize(
    ("call", "error"),
    [
        (lambda d: d.redistribute(([1],)), ValueError),
        (lambda d: d.redistribute(([3, 1], None)), ValueError),
        (lambda d: d.redistribute(([9], None)), ValueError),
        (lambda d: d.redistribute(d[0]), ValueError),
        (lambda d: d.redistribute(axis=2), np.exceptions.AxisError),
        (lambda d: d.redistribute(axis=(0, 0)), ValueError),
        (lambda d: d.redistribute(d, axis=0), TypeError),
        (lambda d: d.redistribute(axis=0, blocksize=0), ValueError),
        (lambda d: distob.scatter(np.zeros((4, 6)), axis=(0, 1), blocksize=2), ValueError),
        (lambda d: distob.scatter(np.zeros(3), partition=d), ValueError),
    ],
)
def test_partitions_that_do_not_fit_are_refused(call: Any, error: type[Exception]) -> None:
    d = distob.scatter(np.zeros((4, 6)))
    with pytest.raises(error):
        call(d)


def test_views_and_results_keep_the_cuts_of_their_elements() -> None:
    d = distob.scatter(np.arange(60).reshape(6, 10), partition=([2, 5], [4]))
    assert d.T.partition.cuts == ((0, 4, 10), (0, 2, 5, 6))
    assert d[1:, ::2].partition.cuts == ((0, 1, 4, 5), (0, 2, 5))
    assert d[::-1].partition.slots == d[::-1].copy().partition.slots
    assert (d + 1).partition == d.partition
    assert d.view("u4").partition.shape == (6, 20)
    assert d.sum(axis=0).partition.cuts == ((0, 4, 10),)


def test_operands_of_mixed_partitions_agree_with_numpy() -> None:
    a = np.arange(60.0).reshape(6, 10)
    cuts = (([2, 5], [4]), ([1], None), (None, [3, 3, 9]), (range(7), range(11)))
    for first in cuts:
        for second in cuts:
            d, e = distob.scatter(a, partition=first), distob.scatter(a + 1, partition=second)
            np.testing.assert_array_equal(np.asarray(d * e - d[::-1]), a * (a + 1) - a[::-1])
            assert (d * e).partition == d.partition
            d[1:] = e[:-1]
            d += e[0]
            wanted = a.copy()
            wanted[1:] = (a + 1)[:-1]
            wanted += a[0] + 1
            np.testing.assert_array_equal(np.asarray(d), wanted)
            np.testing.assert_array_equal(np.asarray(np.concatenate([d, e])), np.concatenate([wanted, a + 1]))


def test_user_functions_write_into_joined_arrays(cluster: Any) -> None:
    def double(block: np.ndarray) -> None:
        block *= 2

    parts = [distob.scatter(np.arange(3.0) + 3 * i, axis=None) for i in range(3)]
    d = distob.DistArray(parts, axis=0)[1:]
    whole = d.redistribute([1])
    distob.vectorize(double)(whole)
    assert np.asarray(d).tolist() == [2, 4, 6, 8, 10, 12, 14, 16]
    assert [np.asarray(p).tolist() for p in parts] == [[0, 2, 4], [6, 8, 10], [12, 14, 16]]
