"""How arrays print: as NumPy prints them, reading no more than the corners that are shown."""

from __future__ import annotations

import html
import itertools
from typing import Any

import numpy as np

from distob import _core


class _Printed(np.ndarray):
    """An ndarray that calls itself by the name of another class."""


def _corners(a: Any) -> tuple[np.ndarray, bool]:
    """The elements that NumPy would show of `a`, and whether that is not all of them.

    A long axis keeps its first and last elements with one more between them, which prints as "...".
    """
    options = np.get_printoptions()
    edge = options["edgeitems"]
    if a.size <= options["threshold"]:
        return _core.snapshot(a), False
    segments: list[list[slice]] = []
    for length in a.shape:
        if length > 2 * edge + 1:
            segments.append([slice(0, edge + 1), slice(length - edge, length)])
        else:
            segments.append([slice(None)])
    shape = tuple(min(length, 2 * edge + 1) for length in a.shape)
    corner = np.empty(shape, a.dtype)
    for choice in itertools.product(*(range(len(s)) for s in segments)):
        source = tuple(segments[axis][i] for axis, i in enumerate(choice))
        target = tuple(
            slice(edge + 1, None) if i else s[0] if len(s) == 1 else slice(0, edge + 1)
            for i, s in zip(choice, segments, strict=True)
        )
        corner[target] = _core.snapshot(a[source])
    return corner, True


def array_repr(a: Any, name: str | None = None) -> str:
    """repr(a): NumPy's, with our name in the frame, or `name`; what numpy.set_printoptions(override_repr=) says."""
    options: dict[str, Any] = dict(np.get_printoptions())
    override = options["override_repr"]
    if override is not None:
        return override(a)
    corner, summarised = _corners(a)
    name = name or type(a).__name__
    shown: np.ndarray = corner.view(type(name, (_Printed,), {}))
    if not summarised:
        return np.array_repr(shown)
    with np.printoptions(threshold=0):
        text = np.array_repr(shown)
    return text.replace(f"shape={corner.shape}", f"shape={a.shape}")


def array_str(a: Any) -> str:
    """str(a)."""
    corner, summarised = _corners(a)
    if not summarised:
        return str(corner[()] if a.ndim == 0 else corner)
    with np.printoptions(threshold=0):
        return str(corner)


_COLOURS = ("#4c78a8", "#f58518", "#54a24b", "#e45756", "#72b7b2", "#b279a2", "#eeca3b", "#9d755d")


def array_html(a: Any) -> str:
    """A table of facts beside a picture of the partition over the last two axes; colours are slots."""
    cuts, slots = _core.partition_of(a)
    facts = (
        ("shape", a.shape),
        ("dtype", a.dtype),
        ("bytes", f"{a.nbytes:,}"),
        ("blocks", len(slots)),
        ("engines", ", ".join(map(str, sorted(set(slots))))),
    )
    rows = "".join(
        f"<tr><th style='text-align:left'>{key}</th><td>{html.escape(str(value))}</td></tr>" for key, value in facts
    )
    return f"<div style='display:flex;gap:2em'><table>{rows}</table>{_picture(cuts, slots)}</div>"


def _picture(cuts: Any, slots: Any) -> str:
    side = 120.0
    planes = ([(0, 1)] * 2 + [points if points[-1] else (0, 1) for points in cuts])[-2:]
    vertical, horizontal = planes
    scale = side / max(vertical[-1], horizontal[-1])
    width, height = (max(p[-1] * scale, 8.0) for p in (horizontal, vertical))
    across, down = len(horizontal) - 1, len(vertical) - 1
    boxes = []
    for row in range(min(down, 64)):
        for column in range(min(across, 64)):
            x0, x1 = (horizontal[column + i] / horizontal[-1] * width for i in (0, 1))
            y0, y1 = (vertical[row + i] / vertical[-1] * height for i in (0, 1))
            slot = slots[(row * across + column) % len(slots)]
            boxes.append(
                f"<rect x='{x0:.1f}' y='{y0:.1f}' width='{x1 - x0:.1f}' height='{y1 - y0:.1f}' "
                f"fill='{_COLOURS[slot % len(_COLOURS)]}' stroke='white'><title>engine {slot}</title></rect>"
            )
    return f"<svg width='{width:.0f}' height='{height:.0f}'>{''.join(boxes)}</svg>"
