# SPDX-License-Identifier: Apache-2.0
"""A bench as Markdown, for a pull request, and its layers as CSV, for a spreadsheet."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from edgekit.artifacts import plain
from edgekit.report.words import kib, number, percent, signed, source_of

LAYER_KEYS = (
    *("index", "op", "layer", "way", "macs", "macs_run", "ticks", "us", "instructions", "share"),
    *("ticks_per_mac", "cycles", "predicted_instructions", "prediction_error", "predicted_cycles"),
)


def bench_markdown(record: Any) -> str:
    """Markdown of a bench, deploy or demo record: the figures, then the layers folded away."""
    body = plain(record)
    bench = body.get("bench", body)
    exact = bench["bit_exact"] == bench["samples"]
    lines = [
        f"### {cell(bench['name'])} on {cell(bench['board'])}: "
        + ("outputs agree to the bit" if exact else "**outputs differ**"),
        "",
        *markdown_table(("", "", ""), _figures(bench, body.get("convert"))),
    ]
    if found := bench["first_difference"]:
        where = f"layer `{found['layer']}`" if found["layer"] else cell(found["reason"])
        lines += ["", f"First difference: sample {found['sample']}, {where}."]
    lines += [f"\n> {cell(warning)}" for warning in bench["warnings"]]
    lines += ["", *_layers(bench)]
    lines += [
        "",
        f"_{source_of(bench)}; model `{bench['model_sha256'][:12]}`, data {bench['data']}_",
    ]
    return "\n".join(lines) + "\n"


def _figures(bench: Mapping[str, Any], convert: Mapping[str, Any] | None) -> list[Sequence[str]]:
    golden, memory, latency = bench["golden"], bench["memory"], bench["latency"]
    rows: list[Sequence[str]] = [
        (
            "bit-exact",
            f"{bench['bit_exact']} of {bench['samples']}",
            f"with {golden['by']} {golden['version']}",
        )
    ]
    if bench["bit_exact"] != bench["samples"]:
        largest = f"{number(bench['max_abs_diff'])} {bench['diff_unit']}"
        rows.append(("largest difference", largest, f"RMSE {number(bench['rmse'])}"))
    if bench["accuracy"] is not None:
        before = (convert or {}).get("accuracy")
        note = f"{percent(before['float'])} float on the host" if before else ""
        rows.append(("accuracy", percent(bench["accuracy"]), note))
    spread = f"min {number(latency['min'])}, p95 {number(latency['p95'])}, n {latency['n']}"
    rows.append((f"{latency['unit']}, median", number(latency["median"]), spread))
    cycles = bench.get("cycles")
    if cycles and cycles["estimated"] is not None:
        rows.append(("cycles, estimated", number(cycles["estimated"]), cycles["model"]))
    if memory["flash_bytes"] is not None:
        limits = bench["limits"]
        for name, key in (("flash", "flash_bytes"), ("RAM", "ram_bytes")):
            share = f"{percent(memory[key] / limits[key])} of the board's"
            rows.append((name, kib(memory[key]), share))
    stack = memory["stack_bytes"]
    rows.append(("arena", kib(memory["arena_bytes"]), f"stack {kib(stack)}" if stack else ""))
    if told := bench.get("prediction"):
        miss = f"{signed(told['total_error'])} in sum, worst {signed(told['worst']['error'])}"
        rows.append(("prediction error", percent(told["median_error"]), f"median; {miss}"))
    return rows


def _layers(bench: Mapping[str, Any]) -> list[str]:
    rows = bench["layers"]
    if not rows:
        return []
    unit = bench["latency"]["unit"]
    told = bool(bench.get("prediction"))
    head = ["#", "layer", "op", "way", "MACs", unit, "share", *(["predicted"] if told else [])]
    cells = [
        (
            str(row["index"]),
            cell(row["layer"]),
            row["op"],
            row.get("way", ""),
            number(row["macs_run"]) if row["macs_run"] else "",
            number(row[unit]),
            percent(row["share"]),
            *([signed(row.get("prediction_error"))] if told else []),
        )
        for row in rows
    ]
    summary = f"<details><summary>{len(rows)} layers</summary>"
    return [summary, "", *markdown_table(head, cells, left=4), "", "</details>"]


def markdown_table(
    head: Sequence[str], rows: Iterable[Sequence[str]], *, left: int = 1
) -> list[str]:
    """Lines of a table; the columns after the first `left` are to the right."""
    rule = ["---" if place < left else "---:" for place in range(len(head))]
    return ["| " + " | ".join(row) + " |" for row in (head, rule, *rows)]


def cell(text: Any) -> str:
    """`text` as it is, whatever Markdown would make of it."""
    for mark in ("\\", "|", "`", "*", "_", "<", "[", "#"):
        text = str(text).replace(mark, f"\\{mark}")
    return " ".join(text.split())


def layers_csv(record: Any) -> str:
    """CSV of a bench record's layers, one row each; empty where something is not known."""
    layers = plain(record)["layers"]
    keys = [key for key in LAYER_KEYS if any(key in row for row in layers)]
    stream = io.StringIO()
    writer = csv.DictWriter(stream, keys or LAYER_KEYS, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows(layers)
    return stream.getvalue()
