"""What python/bindings gives to this package. Private: its callers in this package are what is typed."""

from typing import Any

def __getattr__(name: str) -> Any: ...
