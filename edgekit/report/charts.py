# SPDX-License-Identifier: Apache-2.0
"""Charts as inline SVG; colours are the CSS variables of the page, which follow light and dark."""

from __future__ import annotations

import io
import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass
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
BAR_INCHES = 0.26
BINS = 32
ROOM_FOR_TEXT = 1.3


@dataclass(frozen=True, slots=True)
class Bars:
    """One panel of horizontal bars: a title and one value per label.

    The axis ends at `full` where that is given (100 for percent), else at the largest value.
    """

    title: str
    values: Sequence[float]
    texts: Sequence[str]
    full: float = 0.0


def histogram(values: Sequence[float], *, unit: str, median: float, p95: float) -> str:
    """How values in `unit` are spread, with the median and p95 as lines."""
    with Drawing(2.3) as (figure, svg):
        axes = figure.subplots()
        axes.hist(values, bins=min(BINS, max(4, len(values) // 2)), color=ACCENT, rwidth=0.92)
        for place, name, style in ((median, "median", "-"), (p95, "p95", "--")):
            axes.axvline(place, color=SECOND, linestyle=style, linewidth=1.4, label=name)
        axes.set_xlabel(f"{unit} per inference")
        axes.set_ylabel("inferences")
        axes.yaxis.get_major_locator().set_params(integer=True)
        axes.xaxis.set_major_formatter(
            lambda value, _: f"{value:,.0f}" if value >= 1000 else f"{value:g}"
        )
        axes.xaxis.get_major_locator().set_params(nbins=5)
        axes.tick_params(axis="y", labelcolor=MUTED)
        axes.legend(frameon=False, loc="lower right", bbox_to_anchor=(1, 0.98), ncols=2, fontsize=8)
    return svg()


def layer_bars(labels: Sequence[str], panels: Sequence[Bars]) -> str:
    """Panels of horizontal bars side by side, one row per label, first label on top."""
    with Drawing(0.7 + BAR_INCHES * len(labels)) as (figure, svg):
        all_axes = figure.subplots(1, len(panels), sharey=True, squeeze=False)[0]
        for position, (axes, panel) in enumerate(zip(all_axes, panels, strict=True)):
            _one_panel(axes, labels, panel, ACCENT if position == 0 else SECOND)
        all_axes[0].invert_yaxis()
    return svg()


def _one_panel(axes: Any, labels: Sequence[str], panel: Bars, color: str) -> None:
    places = range(len(labels))
    axes.barh(places, panel.values, color=color, height=0.68)
    axes.set_yticks(places, labels)
    axes.set_title(panel.title, loc="left", fontsize=9, color=MUTED)
    axes.set_xlim(0, (panel.full or max(panel.values) or 1) * ROOM_FOR_TEXT)
    axes.set_xticks([])
    axes.tick_params(axis="y", length=0)
    for side in ("bottom", "left"):
        axes.spines[side].set_visible(side == "left")
    for place, value, text in zip(places, panel.values, panel.texts, strict=True):
        axes.annotate(
            text,
            (value, place),
            (4, 0),
            textcoords="offset points",
            va="center",
            fontsize=8,
            color=MUTED,
        )


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
