"""The errors and warnings of distob, sorted by what the caller can do about them.

Mistakes in a call raise Python's own ValueError, IndexError, TypeError and MemoryError, and NumPy's AxisError, at the
line that made them. What only a cluster can do wrong has the types below; each also derives from the built-in error that
code written for local objects would expect.
"""

from __future__ import annotations

import concurrent.futures
import pickle

__all__ = [
    "Cancelled",
    "ClosedError",
    "DeadlockError",
    "EncodeError",
    "EngineDied",
    "Error",
    "ForkedError",
    "Interrupted",
    "ObjectLost",
    "PerformanceWarning",
    "ProtocolError",
    "RemoteError",
]


class Error(Exception):
    """The base of every error that only distob raises."""


class EncodeError(Error, TypeError, pickle.PicklingError):
    """A value cannot travel; the text names the path to the part that cannot be pickled."""


class ClosedError(Error, RuntimeError):
    """A cluster, or an object of one, is used after the cluster was closed."""


class ForkedError(Error, RuntimeError):
    """distob is used in a forked child, which owns none of its parent's connections.

    Gather before the fork, or start a cluster in the child.
    """


class ObjectLost(Error, RuntimeError):
    """The object lived on an engine that is gone, or was released; make it again."""


class EngineDied(ObjectLost):
    """The engine that ran this call ended; the text names the engine, the cause and its last output."""


class DeadlockError(Error, RuntimeError):
    """Calls wait for each other in a circle; the text names them."""


class Cancelled(Error, concurrent.futures.CancelledError):
    """The call was cancelled before it finished."""


class RemoteError(Error, RuntimeError):
    """A remote call failed with an error whose own type could not travel; the text is the remote error's."""


class ProtocolError(Error, RuntimeError):
    """A peer sent bytes that are no valid message: versions that do not match, or a bug."""


class PerformanceWarning(UserWarning):
    """An operation that distob does not distribute ran in the client on a gathered copy."""


class Interrupted(KeyboardInterrupt):
    """Raised inside a running remote call that was cancelled. Like Ctrl-C, `except Exception` lets it pass."""
