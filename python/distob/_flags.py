"""The flags of a distributed array, as numpy.ndarray.flags."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided

from distob import _core


class Flags:
    """Whether an array may be written, and how its elements lie, read and set like numpy.ndarray.flags.

    `writeable` is that of the array: writes, also of views made later, raise ValueError where it is False. It can be set to
    False, and back to True on an array that is no view. The other flags are those of an ndarray with its shape and strides.
    """

    __slots__ = ("_array",)

    def __init__(self, array: Any) -> None:
        object.__setattr__(self, "_array", array)

    @property
    def _layout(self) -> Any:
        # NumPy finds the flags of a layout without looking at elements: no memory is behind this one.
        array = self._array
        return as_strided(np.empty(1, array.dtype), array.shape, array.strides, writeable=array._writeable).flags

    @property
    def owndata(self) -> bool:
        """False for views."""
        return not _core.is_view(self._array)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._layout, name)

    def __setattr__(self, name: str, value: Any) -> None:
        if name == "writeable":
            self._set_writeable(bool(value))
        elif getattr(self, name) != value:
            raise ValueError(f"cannot set the flag {name} of a distributed array")

    def _set_writeable(self, value: bool) -> None:
        if value and not self._array._writeable and (self._array._is_scalar or not self.owndata):
            raise ValueError("cannot set WRITEABLE flag to True of this array")
        self._array._writeable = value

    def __getitem__(self, name: str) -> Any:
        return self.owndata if name in ("O", "OWNDATA") else self._layout[name]

    def __setitem__(self, name: str, value: Any) -> None:
        self._layout[name]  # raises NumPy's KeyError for what is no flag
        setattr(self, {"W": "writeable", "A": "aligned", "X": "writebackifcopy"}.get(name, name.lower()), value)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Flags) and repr(self) == repr(other)

    __hash__ = None  # type: ignore[assignment]  # as NumPy's: they change with the array

    def __repr__(self) -> str:
        return repr(self._layout).replace("OWNDATA : False", f"OWNDATA : {self.owndata}")
