# SPDX-License-Identifier: Apache-2.0
"""Records to one self-contained HTML page: every figure says how it was obtained."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from edgekit.artifacts import plain
from edgekit.report.ranges import range_rows
from edgekit.report.words import kib, percent, render, short, source_of

BINS = 32
MOST_CLASSES = 40


def report_page(record: Any, *, ticks: Sequence[int] | None = None) -> str:
    """HTML of a bench, deploy or demo record (the object, or its dict with absolute paths).

    `ticks` are the raw ticks of each inference; without them they are read from the file that
    the bench record names. Nothing else outside the record is read.
    """
    body = plain(record)
    bench = body.get("bench", body)
    convert = body.get("convert")
    return render(
        "page.html.j2",
        bench=bench,
        convert=convert,
        prune=body.get("prune"),
        steps=[_named(step) for step in body.get("steps", ())],
        notes=body.get("notes", ()),
        warnings=[*(convert or {}).get("warnings", ()), *bench["warnings"]],
        cards=_cards(body, bench, convert),
        memory=memory_rows(bench),
        confusion=_confusion(bench),
        spread=_spread(bench["latency"], ticks or _ticks(Path(bench["ticks"]))),
        layers=_layers(bench),
        per_mac=per_mac(bench),
        weights=_weights(convert),
        ranges=range_rows(convert),
        source=source_of(bench),
    )


def _named(step: Mapping[str, Any]) -> dict[str, Any]:
    return {**step, "file": Path(step["file"]).name}


def _ticks(path: Path) -> list[int]:
    return [int(line.split(",")[1]) for line in path.read_text().splitlines()[1:]]


def _cards(
    body: Mapping[str, Any], bench: Mapping[str, Any], convert: Mapping[str, Any] | None
) -> list[dict[str, str]]:
    exact = bench["bit_exact"] == bench["samples"]
    kind = bench["kind"]
    cards = [
        {
            "label": "samples bit-exact",
            "value": f"{bench['bit_exact']} of {bench['samples']}",
            "note": f"with {bench['golden']['by']}",
            "badge": kind,
            "tone": "good" if exact else "bad",
        }
    ]
    if bench["accuracy"] is not None:
        float_part = (convert or {}).get("accuracy")
        note = f"{percent(float_part['float'])} float on the host" if float_part else "on the board"
        cards.append(_card("accuracy", percent(bench["accuracy"]), note, kind))
    latency = bench["latency"]
    unit = latency["unit"]
    p95 = f"p95 {short(latency['p95'])}, n {latency['n']}"
    cards.append(_card(f"{unit}, median", short(latency["median"]), p95, kind))
    cards += _cycle_card(bench)
    memory = bench["memory"]
    if memory["flash_bytes"] is not None:
        model = f"{kib(memory['model_flash_bytes'])} is the model"
        cards.append(_card("flash", kib(memory["flash_bytes"]), model, "measured"))
        arena = f"{kib(memory['arena_bytes'])} is the arena"
        cards.append(_card("RAM", kib(memory["ram_bytes"]), arena, "measured"))
    if prune := body.get("prune"):
        cards.append(_card("zero weights", percent(prune["sparsity"]), "after pruning", "measured"))
    return cards


def _cycle_card(bench: Mapping[str, Any]) -> list[dict[str, str]]:
    cycles = bench.get("cycles")
    if not cycles or cycles["estimated"] is None:
        return []
    return [_card("cycles, median", short(cycles["estimated"]), cycles["model"], "estimated")]


def _card(label: str, value: str, note: str, badge: str) -> dict[str, str]:
    return {"label": label, "value": value, "note": note, "badge": badge, "tone": ""}


def memory_rows(bench: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Two meters: what the model takes, what the rest takes, and the board's limit."""
    used = bench["memory"]
    if used["flash_bytes"] is None:
        return []
    rows = []
    for name, total, part, what in (
        ("Flash", used["flash_bytes"], used["model_flash_bytes"], "model and kernels"),
        ("RAM", used["ram_bytes"], used["arena_bytes"], "arena"),
    ):
        limit = bench["limits"][f"{name.lower()}_bytes"]
        rows.append(
            {
                "name": name,
                "total": total,
                "limit": limit,
                "part": part,
                "what": what,
                "part_width": _width(part, limit),
                "rest_width": _width(total - part, limit),
                "share": total / limit,
            }
        )
    return rows


def _width(part: float, limit: float) -> float:
    """Percent of the meter, never too thin to be seen."""
    return round(max(0.4, 100 * part / limit), 2) if part > 0 else 0.0


def _confusion(bench: Mapping[str, Any]) -> list[dict[str, Any]] | None:
    table = bench["confusion"]
    if not table or len(table) > MOST_CLASSES:
        return None
    names = bench["classes"] or [str(index) for index in range(len(table))]
    columns = [sum(column) for column in zip(*table, strict=True)]
    return [
        {
            "name": names[true],
            "cells": [
                {"count": count, "heat": round(count / (sum(row) or 1), 3), "right": true == guess}
                for guess, count in enumerate(row)
            ],
            "recall": f"{100 * row[true] / sum(row):.0f} %" if sum(row) else "-",
            "precision": f"{100 * row[true] / columns[true]:.0f} %" if columns[true] else "-",
        }
        for true, row in enumerate(table)
    ]


def _spread(latency: Mapping[str, Any], ticks: Sequence[int]) -> dict[str, Any] | None:
    """The histogram of the latencies, in percent of its plot; None where all took the same."""
    values = [tick * latency["resolution"] for tick in ticks]
    low, high = min(values), max(values)
    if low == high:
        return None
    bins = min(BINS, max(4, len(values) // 2))
    step = (high - low) / bins
    counts = [0] * bins
    for value in values:
        counts[min(int((value - low) / step), bins - 1)] += 1
    most = max(counts)
    place = {
        f"{key}_at": round(min(100.0, max(0.0, 100 * (latency[key] - low) / (high - low))), 2)
        for key in ("median", "p95")
    }
    return {
        "low": low,
        "high": high,
        "median": latency["median"],
        "p95": latency["p95"],
        "n": len(values),
        "most": most,
        "bins": [
            {
                "x": round(100 * i / bins, 2),
                "width": round(92 / bins, 2),
                "height": round(96 * count / most, 2),
                "count": count,
                "low": low + i * step,
                "high": low + (i + 1) * step,
            }
            for i, count in enumerate(counts)
            if count
        ],
        **place,
    }


def _layers(bench: Mapping[str, Any]) -> list[dict[str, Any]]:
    rows = bench["layers"]
    most = max((row["ticks"] for row in rows), default=0) or 1
    empty = {"cycles": None, "way": "", "predicted_instructions": None, "prediction_error": None}
    spent = per_mac(bench)
    return [
        {
            **empty,
            **row,
            "width": 100 * row["ticks"] / most,
            "per_mac": row[spent] / row["macs_run"] if row["macs_run"] else None,
        }
        for row in rows
    ]


def per_mac(bench: Mapping[str, Any]) -> str:
    """What a MAC is said to cost: instructions, or ticks of a real counter."""
    return "instructions" if bench["latency"]["unit"] == "instructions" else "ticks"


def _weights(convert: Mapping[str, Any] | None) -> list[dict[str, Any]]:
    rows = [row for row in (convert or {}).get("ops", ()) if row.get("weights")]
    return [{**row, "share": row["zero_weights"] / row["weights"]} for row in rows]
