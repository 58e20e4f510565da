"""distob.engine: the directory of objects of this process, as it has always looked."""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping
from typing import Any

from distob import _clusters, _core, _ids, _proxies
from distob._ids import Id, Ref


class ObjectEngine(MutableMapping[Id, Any]):
    """What this process knows, by Id: in an engine its own objects, in the client (ObjectHub) the Refs it was given."""

    def __init__(self) -> None:
        self._objects: dict[Id, Any] = {}

    @property
    def eid(self) -> int:
        """The number of this engine; -1 in the client."""
        return _ids.own_number()

    @property
    def nengines(self) -> int:
        """How many engines there are; starts them if need be."""
        return len(_clusters.current().engines)

    @property
    def proxy_types(self) -> dict[type, type]:
        """The proxy classes that programs wrote, by the class of objects."""
        return _proxies.chosen

    @property
    def refcounts(self) -> dict[Id, int]:
        """How many references each object here has from the table."""
        return dict.fromkeys(self._objects, 1)

    def __getitem__(self, key: Id) -> Any:
        return self._objects[key]

    def __setitem__(self, key: Id, value: Any) -> None:
        self._objects[key] = value

    def __delitem__(self, key: Id) -> None:
        del self._objects[key]

    def __iter__(self) -> Iterator[Id]:
        return iter(self._objects)

    def __len__(self) -> int:
        return len(self._objects)

    def __repr__(self) -> str:
        return f"<distob.{type(self).__name__}, engine {self.eid}, {len(self)} objects>"


class ObjectHub(ObjectEngine):
    """The client's table: Id -> Ref."""

    def __setitem__(self, key: Id, value: Any) -> None:
        super().__setitem__(key, value if isinstance(value, Ref) else Ref(value))


_engine: ObjectEngine | None = None


def engine() -> ObjectEngine:
    """The one table of this process."""
    global _engine
    if _engine is None:
        _engine = ObjectEngine() if _core.engine_link() is not None else ObjectHub()
    return _engine
