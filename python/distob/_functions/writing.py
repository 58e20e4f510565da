"""Functions that write their argument."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from distob import _core, _fallback
from distob._functions.registry import FORMS, form_of


@form_of(np.copyto)
def _copyto(dst: Any, src: Any, casting: str = "same_kind", where: Any = True) -> None:
    source = src if isinstance(src, (_core.Array, np.ndarray)) else np.asarray(src)
    if not isinstance(dst, _core.Array):
        np.copyto(dst, _fallback.local(src), casting, _fallback.local(where))  # type: ignore[arg-type]
    elif where is True and np.can_cast(source.dtype, dst.dtype, casting):  # type: ignore[arg-type]
        dst[...] = src
    else:
        src, where = _fallback.local(src), _fallback.local(where)
        np.copyto(_core.access(dst), src, casting, where)  # type: ignore[arg-type]


def _writes_first(function: Callable[..., Any]) -> None:
    """NumPy writes into the elements of the first argument themselves."""

    def form(a: Any, *args: Any, **kwargs: Any) -> None:
        _fallback.tell(f"numpy.{function.__name__}")
        args, kwargs = _fallback.local(args), _fallback.local(kwargs)
        function(_core.access(a) if isinstance(a, _core.Array) else a, *args, **kwargs)

    FORMS[function] = form


for _function in (np.put, np.place, np.putmask, np.fill_diagonal, np.put_along_axis):
    _writes_first(_function)
