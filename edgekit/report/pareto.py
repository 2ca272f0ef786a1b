# SPDX-License-Identifier: Apache-2.0
"""The candidates of a fit as one self-contained HTML page: accuracy over flash, and a table."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from edgekit.artifacts import plain
from edgekit.report.charts import ACCENT, LINE, MUTED, SECOND, Drawing
from edgekit.report.words import render

HEIGHT_INCHES = 3.4


def pareto_page(record: Any) -> str:
    """HTML of a fit record (the object, or its dict)."""
    body = plain(record)
    share = body["best"]["accuracy"]
    return render(
        "pareto.html.j2",
        record=body,
        error=100 * math.sqrt(share * (1 - share) / max(body["scored"], 1)),
        svg=pareto_chart(body),
        rows=[_row(row, body["best"]) for row in _listed(body)],
    )


def candidate_words(row: Mapping[str, Any]) -> str:
    """What a candidate is, in a few words."""
    if row["trial"] == -1:
        return "as it came"
    chosen, words = row["candidate"], []
    if any(chosen["channels"].values()):
        shares = "/".join(f"{100 * share:.0f}" for share in chosen["channels"].values())
        words.append(f"channels -{shares} %")
    if chosen["sparsity"]:
        words.append(
            f"{100 * chosen['sparsity']:.0f} % zeros ({chosen['structure']}, {chosen['scope']}, "
            f"{chosen['criterion']})"
        )
    if chosen.get("calibration", "mse") != "mse":
        words.append(f"{chosen['calibration']} ranges")
    name = f"{row['trial']}: " if row["trial"] >= 0 else ""
    return f"{name}{', '.join(words) or 'nothing removed'}"


def _listed(body: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The model as it came, then the Pareto front and the best, by flash."""
    best = body["best"]
    rows = [row for row in body["rows"] if row["pareto"] and row["trial"] != best["trial"]]
    if best["trial"] != -1:
        rows.append(best)
    return [body["base"], *sorted(rows, key=lambda row: -row["flash_bytes"])]


def _row(row: Mapping[str, Any], best: Mapping[str, Any]) -> dict[str, Any]:
    latency = best["latency"] if row["trial"] == best["trial"] else row["latency"]
    return {
        "words": candidate_words(row),
        "best": row["trial"] == best["trial"],
        "accuracy": f"{100 * row['accuracy']:.1f} %",
        "drop": f"{100 * row['drop']:.1f}",
        "flash": f"{row['flash_bytes'] / 1024:,.1f} KiB",
        "ram": f"{row['ram_bytes'] / 1024:,.1f} KiB",
        "macs": f"{row['macs']:,}",
        "latency": "-" if latency is None else f"{latency:,.0f}",
        "over": row["over"],
    }


def pareto_chart(body: Mapping[str, Any]) -> str:
    """Inline SVG: int8 accuracy over flash; filled points are the Pareto front."""
    rows: Sequence[Mapping[str, Any]] = body["rows"]
    with Drawing(HEIGHT_INCHES) as (figure, svg):
        axes = figure.subplots()
        groups = (
            ([row for row in rows if not row["pareto"]], "other candidates", MUTED, "none"),
            ([row for row in rows if row["pareto"]], "Pareto front", ACCENT, ACCENT),
            ([body["base"]], "as it came", SECOND, SECOND),
        )
        for chosen, label, edge, face in groups:
            flash = [row["flash_bytes"] / 1024 for row in chosen]
            accuracy = [100 * row["accuracy"] for row in chosen]
            axes.scatter(flash, accuracy, s=34, label=label, edgecolors=edge, facecolors=face)
        axes.axvline(
            body["limits"]["flash_bytes"] / 1024, color=LINE, linestyle="--", label="board's flash"
        )
        best = body["best"]
        place = (best["flash_bytes"] / 1024, 100 * best["accuracy"])
        axes.scatter(*place, s=70, marker="*", color=ACCENT, zorder=3)
        axes.annotate("best", place, (6, 6), textcoords="offset points", fontsize=8, color=ACCENT)
        axes.set_xlabel("flash of the firmware, KiB")
        axes.set_ylabel("int8 accuracy, %")
        axes.tick_params(axis="y", labelcolor=MUTED)
        axes.legend(frameon=False, loc="lower right", fontsize=8)
    return svg()
