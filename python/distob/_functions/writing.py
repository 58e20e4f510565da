"""Functions that write their argument."""

from __future__ import annotations

from typing import Any

import numpy as np

from distob import _core, _fallback
from distob._functions.registry import as_ours, form_of


@form_of(np.copyto)
def _copyto(dst: Any, src: Any, casting: str = "same_kind", where: Any = True) -> None:
    if not isinstance(dst, _core.Array):
        np.copyto(dst, _fallback.local(src), casting, _fallback.local(where))  # type: ignore[arg-type]
        return
    source = src if isinstance(src, (_core.Array, np.ndarray)) else np.asarray(src)
    if not np.can_cast(source.dtype, dst.dtype, casting):  # type: ignore[arg-type]
        stand_in = np.empty(0, source.dtype) if source.ndim else _fallback.local(src)
        np.copyto(np.empty(0, dst.dtype), stand_in, casting)  # type: ignore[arg-type]  # raises NumPy's error
    if where is True:
        dst[...] = src
        return
    mask = as_ours(where if isinstance(where, (_core.Array, np.ndarray)) else np.asarray(where, bool), type(dst))
    if mask.dtype != np.bool_:
        np.copyto(np.empty(0), 0, where=np.empty(0, mask.dtype))
    if not dst._writeable:
        raise ValueError("assignment destination is read-only")
    if source.dtype != dst.dtype and "biufc".find(dst.dtype.kind) < 0:
        source = source.astype(dst.dtype)
    _core.assign_where(dst, as_ours(source, type(dst)), mask)
