# SPDX-License-Identifier: Apache-2.0
"""Records to one self-contained HTML page: every figure says how it was obtained."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jinja2

from edgekit.artifacts import plain
from edgekit.report.charts import Bars, histogram, layer_bars

TEMPLATES = Path(__file__).parent


def report_page(record: Any) -> str:
    """HTML of a deploy or demo record (the object, or its dict with absolute paths).

    Reads the raw ticks that the bench record names; nothing else outside the record.
    """
    body = plain(record)
    bench, convert = body["bench"], body["convert"]
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(number=number, kib=kib, percent=percent)
    return environment.get_template("page.html.j2").render(
        record=body,
        bench=bench,
        convert=convert,
        build=body["build"],
        prune=body.get("prune"),
        steps=[_named(step) for step in body.get("steps", ())],
        notes=body.get("notes", ()),
        warnings=[*convert.get("warnings", ()), *bench["warnings"]],
        cards=_cards(body),
        memory=_memory(bench, body["build"]),
        confusion=_confusion(bench),
        latency_svg=_latency(bench),
        layers_svg=_layers(bench),
        sparsity_svg=_sparsity(convert),
        source=_source(bench),
    )


def number(value: float | None) -> str:
    """Whole numbers with separators, others to three digits."""
    if value is None:
        return "-"
    return f"{value:,.0f}" if value == int(value) or value >= 1000 else f"{value:,.3g}"


def kib(count: float) -> str:
    return f"{count:,.0f} B" if count < 1024 else f"{count / 1024:,.1f} KiB"


def percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def _short(value: float) -> str:
    """A large count to three digits with its magnitude."""
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= size:
            return f"{value / size:.3g} {letter}"
    return number(value)


def _named(step: Mapping[str, Any]) -> dict[str, Any]:
    return {**step, "file": Path(step["file"]).name}


def _source(bench: Mapping[str, Any]) -> str:
    """Where the latency is from, in words."""
    if bench["kind"] == "emulated":
        return "emulated: instructions counted by QEMU, not the time of a real chip"
    return f"measured: {bench['counter']} at {bench['clock_hz'] / 1e6:g} MHz"


def _cards(body: Mapping[str, Any]) -> list[dict[str, str]]:
    bench, convert = body["bench"], body["convert"]
    golden = bench["golden"]
    exact = bench["bit_exact"] == bench["samples"]
    cards = [
        {
            "label": "samples bit-exact",
            "value": f"{bench['bit_exact']} of {bench['samples']}",
            "note": f"with {golden['by']}",
            "badge": bench["kind"],
            "tone": "good" if exact else "bad",
        }
    ]
    if bench["accuracy"] is not None:
        float_part = convert.get("accuracy")
        note = f"{percent(float_part['float'])} float on the host" if float_part else "on the board"
        cards.append(_card("accuracy", percent(bench["accuracy"]), note, bench["kind"]))
    latency = bench["latency"]
    unit = latency["unit"]
    cards.append(
        _card(f"{unit}, median", _short(latency["median"]), "per inference", bench["kind"])
    )
    memory = bench["memory"]
    flash_note = f"{kib(memory['model_flash_bytes'])} is the model"
    cards.append(_card("flash", kib(memory["flash_bytes"]), flash_note, "measured"))
    ram_note = f"{kib(memory['arena_bytes'])} is the arena"
    cards.append(_card("RAM", kib(memory["ram_bytes"]), ram_note, "measured"))
    if prune := body.get("prune"):
        cards.append(_card("zero weights", percent(prune["sparsity"]), "after pruning", "measured"))
    return cards


def _card(label: str, value: str, note: str, badge: str) -> dict[str, str]:
    return {"label": label, "value": value, "note": note, "badge": badge, "tone": ""}


def _memory(bench: Mapping[str, Any], build: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Two meters: what the model takes, what the rest takes, and the board's limit."""
    used = bench["memory"]
    rows = []
    for name, total, part, what in (
        ("Flash", used["flash_bytes"], used["model_flash_bytes"], "model and kernels"),
        ("RAM", used["ram_bytes"], used["arena_bytes"], "arena"),
    ):
        limit = build["limits"][f"{name.lower()}_bytes"]
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
    if not table or len(table) > 40:
        return None
    names = bench["classes"] or [str(index) for index in range(len(table))]
    return [
        {
            "name": names[true],
            "cells": [
                {"count": count, "heat": round(count / (sum(row) or 1), 3), "right": true == guess}
                for guess, count in enumerate(row)
            ],
        }
        for true, row in enumerate(table)
    ]


def _latency(bench: Mapping[str, Any]) -> str:
    """The spread of latencies; "" where every inference took the same."""
    latency = bench["latency"]
    lines = Path(bench["ticks"]).read_text().splitlines()[1:]
    per_tick = latency["resolution"]
    values = [int(line.split(",")[1]) * per_tick for line in lines]
    if min(values) == max(values):
        return ""
    return histogram(values, unit=latency["unit"], median=latency["median"], p95=latency["p95"])


def _layers(bench: Mapping[str, Any]) -> str:
    layers = bench["layers"]
    if not layers:
        return ""
    unit = bench["latency"]["unit"]
    spent, macs = [row[unit] for row in layers], [row["macs"] for row in layers]
    labels = [_layer_label(row) for row in layers]
    return layer_bars(
        labels,
        (
            Bars(f"{unit} ({bench['kind']})", spent, [_short(value) for value in spent]),
            Bars("MACs (counted in the model)", macs, [_short(v) if v else "" for v in macs]),
        ),
    )


def _sparsity(convert: Mapping[str, Any]) -> str:
    rows = [row for row in convert["ops"] if row.get("weights")]
    if not rows:
        return ""
    shares = [100 * row["zero_weights"] / row["weights"] for row in rows]
    texts = [f"{share:.0f} %" for share in shares]
    sizes = [row["weight_bytes"] for row in rows]
    return layer_bars(
        [_layer_label(row) for row in rows],
        (
            Bars("zero weights (counted in the model)", shares, texts, full=100),
            Bars("size of constants (counted in the model)", sizes, [kib(size) for size in sizes]),
        ),
    )


def _layer_label(row: Mapping[str, Any]) -> str:
    name = row["layer"] or row["op"]
    return f"{row['index']}  {name if len(name) <= 26 else '…' + name[-25:]}"
