"""Arrays as sets."""

from __future__ import annotations

from typing import Any

import numpy as np

from distob import _core, _fallback
from distob._functions.composed import composed, in_place_of
from distob._functions.registry import FORMS, as_ours, form_of


@form_of(np.unique)
def unique(
    ar: Any,
    return_index: bool = False,
    return_inverse: bool = False,
    return_counts: bool = False,
    axis: Any = None,
    *,
    equal_nan: bool = True,
    sorted: bool = True,
) -> Any:
    """The distinct elements in order, as numpy.unique; of equal ones that differ (0.0 and -0.0) the first."""
    if not _core.can_sort(ar) or (axis is not None and ar.ndim != 1):
        return NotImplemented
    if axis is not None:
        np.lib.array_utils.normalize_axis_index(axis, ar.ndim)
    values, index, inverse, counts = _core.unique(ar, return_index, return_inverse, return_counts, equal_nan)
    if inverse is not None:
        inverse = inverse.reshape(ar.shape)
    results = (values, *(part for part in (index, inverse, counts) if part is not None))
    return results[0] if len(results) == 1 else results


@in_place_of("numpy.lib._arraysetops_impl", "_isin")
def _isin(ar1: Any, ar2: Any, assume_unique: bool = False, invert: bool = False, *, kind: Any = None) -> Any:
    """Whether each element of the first is among those of the second."""
    if kind not in (None, "sort", "table"):
        raise ValueError(f"Invalid kind: '{kind}'. Please use None, 'sort' or 'table'.")
    one, two = (x if isinstance(x, _core.Array) else np.asarray(x) for x in (ar1, ar2))
    dtype = np.result_type(one.dtype, two.dtype)
    if dtype.kind == "f" and one.dtype.kind in "iu" and two.dtype.kind in "iu":  # together they would be rounded
        bounds = np.iinfo(one.dtype)
        two, dtype = two[(two >= bounds.min) & (two <= bounds.max)], one.dtype
    face = _fallback.first_face(ar1, ar2)
    if kind == "table" or dtype.kind not in "biufcmM":
        return _fallback.compute("numpy.isin", np.isin, one, two, assume_unique, invert, kind=kind).ravel()
    elements, among = (as_ours(x, face).astype(dtype, copy=False).ravel() for x in (one, two))
    return _core.isin(elements, among, invert, face)


for _function in (
    np.intersect1d, np.isin, np.setdiff1d, np.setxor1d, np.union1d, np.unique_all, np.unique_counts, np.unique_inverse,
    np.unique_values,
):  # fmt: skip
    FORMS[_function] = composed(_function)
