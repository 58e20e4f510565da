"""Clusters for the tests of objects, and how hypothesis draws examples.

By default every run draws the same ones, so that a failure says something about the change under test. DISTOB_TEST_FULL=1
draws more, and others in every run.
"""

import os
import signal
from collections.abc import Iterator

import hypothesis
import pytest

import distob

# A shell's background jobs ignore Ctrl-C, and so would what the tests of it run in.
signal.signal(signal.SIGINT, signal.default_int_handler)

hypothesis.settings.register_profile("repeatable", max_examples=150, derandomize=True, deadline=None, print_blob=True)
hypothesis.settings.register_profile("full", max_examples=3000, derandomize=False, deadline=None, print_blob=True)
hypothesis.settings.load_profile("full" if os.environ.get("DISTOB_TEST_FULL") == "1" else "repeatable")


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
