# SPDX-License-Identifier: Apache-2.0
"""Charts of points as inline SVG, in the page's CSS variables, which follow light and dark."""

from __future__ import annotations

import io
import logging
import re
from typing import Any

INK, LINE, ACCENT, SECOND, MUTED = "#010203", "#040506", "#070809", "#0a0b0c", "#0d0e0f"
_VARIABLES = {
    INK: "var(--ink)",
    LINE: "var(--line)",
    ACCENT: "var(--accent)",
    SECOND: "var(--second)",
    MUTED: "var(--muted)",
}
_STYLE: Any = {
    "svg.fonttype": "none",
    "svg.hashsalt": "edgekit",
    "font.size": 9,
    "text.color": INK,
    "axes.edgecolor": LINE,
    "axes.labelcolor": MUTED,
    "xtick.color": MUTED,
    "ytick.color": INK,
    "grid.color": LINE,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.facecolor": "none",
    "figure.facecolor": "none",
}
WIDTH_INCHES = 7.6


class Drawing:
    """`with Drawing(height) as (figure, svg)`: draw inside, call `svg()` afterwards."""

    def __init__(self, height_inches: float) -> None:
        self._height = height_inches

    def __enter__(self) -> tuple[Any, Any]:
        # matplotlib tells stderr that it builds its font cache on first use
        logging.getLogger("matplotlib").setLevel(logging.ERROR)
        import matplotlib
        from matplotlib.figure import Figure

        self._context = matplotlib.rc_context(_STYLE)
        self._context.__enter__()
        self._figure = Figure(figsize=(WIDTH_INCHES, self._height), layout="constrained")
        return self._figure, lambda: self._text

    def __exit__(self, *exc: object) -> None:
        if exc[0] is None:
            stream = io.StringIO()
            self._figure.savefig(stream, format="svg", metadata={"Date": None, "Creator": None})
            self._text = _themed(stream.getvalue())
        self._context.__exit__(None, None, None)


def _themed(text: str) -> str:
    """The <svg> element alone, colours as CSS variables, fonts as the page's."""
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    for color, variable in _VARIABLES.items():
        text = text.replace(color, variable)
    text = re.sub(r'(<svg[^>]*?) width="[^"]*"', r"\1", text, count=1)
    text = re.sub(r'(<svg[^>]*?) height="[^"]*"', r"\1", text, count=1)
    text = re.sub(r'font-family: [^;"]*', "font-family: var(--font)", text)
    # names of groups repeat from chart to chart, and nothing refers to them
    return re.sub(r'<g id="[^"]*"', "<g", text).strip()
