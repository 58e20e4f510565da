"""Clusters for the tests of objects."""

from collections.abc import Iterator

import pytest

import distob


@pytest.fixture(scope="session")
def shared_cluster() -> Iterator[distob.Cluster]:
    """Two engines that the tests of a session share; not entered."""
    cluster = distob.Cluster(n=2)
    yield cluster
    cluster.close()


@pytest.fixture
def cluster(shared_cluster: distob.Cluster) -> Iterator[distob.Cluster]:
    """Two engines that calls in the test use."""
    previous = distob._clusters._default
    distob._clusters._default = shared_cluster
    yield shared_cluster
    distob._clusters._default = previous
