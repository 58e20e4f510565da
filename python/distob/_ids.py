"""Names of objects: Id and Ref, as distob has always had them."""

from __future__ import annotations

import itertools
from typing import Any, NamedTuple

from distob import _core


class Id(NamedTuple):
    """Names one object in a cluster: `instance` among all that were ever made for `engine`. Never used again."""

    instance: Any
    engine: int


#: The engine number of what lives in the client.
CLIENT = -1

_local_numbers = itertools.count(1)


def own_number() -> int:
    """The number of the engine that this process is, or CLIENT."""
    link = _core.engine_link()
    number = link.own_engine if link is not None else None
    return CLIENT if number is None else int(number)


def id_of(proxy: Any) -> Id:
    """The Id of what a proxy refers to."""
    name = proxy._distob_id
    return Id(next(_local_numbers), own_number()) if name is None else Id(*name)


class Ref:
    """A counted reference to an object that may live on any engine: kept alive as long as the Ref is.

    Ref(obj) of a local object refers to that object here.
    """

    __slots__ = ("__weakref__", "_id", "_target", "metadata")

    def __init__(self, obj: Any, metadata: Any = None) -> None:
        if type(obj) is Ref:
            obj, metadata = obj._target, obj.metadata if metadata is None else metadata
        self._target: Any = obj
        self._id = id_of(obj) if _core.is_remote(obj) else Id(next(_local_numbers), own_number())
        self.metadata = metadata

    @property
    def id(self) -> Id:
        """The object's name in the cluster."""
        return self._id

    @property
    def type(self) -> type:
        """The class of the object."""
        return type(self._target) if not _core.is_remote(self._target) else self._target.__class__

    def __repr__(self) -> str:
        return f"Ref({self._id.instance}, engine {self._id.engine}, {self.type.__qualname__})"

    def __eq__(self, other: object) -> bool:
        return type(other) is Ref and other._id == self._id

    def __hash__(self) -> int:
        return hash(self._id)

    def __reduce__(self) -> tuple[Any, ...]:
        return Ref, (self._target, self.metadata)
