# SPDX-License-Identifier: Apache-2.0
"""Runs side by side: one set of tables for the terminal, the page and Markdown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from edgekit.artifacts import plain
from edgekit.report.markdown import cell, markdown_table
from edgekit.report.words import kib, number, percent, render, signed

NAMES = {
    "bit_exact": "bit-exact",
    "accuracy": "accuracy",
    "p95": "p95",
    "cycles": "cycles, est.",
    "flash_bytes": "flash",
    "model_flash_bytes": "of it model",
    "ram_bytes": "RAM",
    "arena_bytes": "arena",
    "stack_bytes": "stack",
}
BRIEF = ("bit_exact", "accuracy", "median", "cycles", "flash_bytes", "ram_bytes", "arena_bytes")
SEEN = 0.0005  # a change that is shown as one


@dataclass(frozen=True, slots=True)
class Cell:
    """Text, how it is meant ("", "good", "second" for worse, "bad" for too much worse), and the
    change that stands beside it."""

    text: str
    change: str = ""
    tone: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """The first column, and a second one called "op", are names."""

    head: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]


def figure_table(record: Mapping[str, Any]) -> Table:
    """Two runs: a row for each figure. More: a row for each run."""
    labels = [run["label"] for run in record["runs"]]
    columns = [_figure_cells(figure, record) for figure in record["figures"]]
    names = [_name(figure) for figure in record["figures"]]
    if len(labels) > 2:
        rows = zip(*columns, strict=True)
        return Table(
            ("run", *names),
            tuple((Cell(label), *row) for label, row in zip(labels, rows, strict=True)),
        )
    return Table(
        ("", *labels, "change"),
        tuple(
            (Cell(name), Cell(first.text), Cell(second.text), Cell(second.change, "", second.tone))
            for name, (first, second) in zip(names, columns, strict=True)
        ),
    )


def brief_table(record: Mapping[str, Any]) -> Table:
    """A row for each run with what fits a terminal: changes of the latency alone."""
    shown = [figure for figure in record["figures"] if figure["key"] in BRIEF]
    head, columns = ["run"], []
    for figure in shown:
        cells = _figure_cells(figure, record)
        head.append(_name(figure))
        columns.append([Cell(each.text, "", "bad" * (each.tone == "bad")) for each in cells])
        if figure["key"] == "median":
            head.append("change")
            columns.append([Cell(each.change, "", each.tone) for each in cells])
    rows = zip(*columns, strict=True)
    return Table(
        tuple(head),
        tuple((Cell(r["label"]), *row) for r, row in zip(record["runs"], rows, strict=True)),
    )


def layer_table(record: Mapping[str, Any]) -> Table:
    """A row for each layer, a column for each run."""
    labels = [run["label"] for run in record["runs"]]
    two = len(labels) == 2
    rows = []
    for layer in record["layers"]:
        cells = [
            Cell(number(value), signed(change) if change is not None else "", _tone("less", change))
            for value, change in zip(layer["values"], layer["changes"], strict=True)
        ]
        if two:
            cells = [
                *(Cell(each.text) for each in cells),
                Cell(cells[1].change, "", cells[1].tone),
            ]
        rows.append((Cell(layer["layer"] or layer["op"]), Cell(layer["op"]), *cells))
    return Table(("layer", "op", *labels, *(["change"] if two else [])), tuple(rows))


def _name(figure: Mapping[str, Any]) -> str:
    if figure["key"] == "median":
        return "instructions" if figure["unit"] == "instructions" else f"median, {figure['unit']}"
    return NAMES[figure["key"]]


def _figure_cells(figure: Mapping[str, Any], record: Mapping[str, Any]) -> list[Cell]:
    """One cell for each run; a unit of its own stands with the value."""
    cells = []
    for place, value in enumerate(figure["values"]):
        change, worse = figure["changes"][place], figure["worse"][place]
        text = _value(figure, value)
        if figure["key"] in ("median", "p95") and value is not None:
            unit = record["runs"][place]["unit"]
            text += "" if unit == figure["unit"] else f" {unit}"
        tone = "bad" if worse else _tone(figure["better"], change)
        cells.append(Cell(text, signed(change) if change is not None else "", tone))
    return cells


def _value(figure: Mapping[str, Any], value: float | None) -> str:
    if value is None:
        return "-"
    return {"bytes": kib, "share": percent}.get(figure["unit"], number)(value)


def _tone(better: str, change: float | None) -> str:
    if change is None or abs(change) < SEEN:
        return ""
    return "good" if (change < 0) == (better == "less") else "second"


def comparison_page(record: Any) -> str:
    """HTML of a compare record (the object, or its dict)."""
    body = plain(record)
    first = body["figures"]
    charts = [f for f in first if f["key"] in ("median", "flash_bytes", "ram_bytes")]
    return render(
        "compare.html.j2",
        record=body,
        figures=figure_table(body),
        layers=layer_table(body) if body["layers"] else None,
        charts=[_chart(figure, body) for figure in charts if _drawable(figure, body)],
    )


def _drawable(figure: Mapping[str, Any], record: Mapping[str, Any]) -> bool:
    """Bars of one figure need one unit."""
    same = len({run["unit"] for run in record["runs"]}) == 1
    return any(figure["values"]) and (same or figure["unit"] == "bytes")


def _chart(figure: Mapping[str, Any], record: Mapping[str, Any]) -> dict[str, Any]:
    most = max(value or 0 for value in figure["values"])
    cells = _figure_cells(figure, record)
    bars = [
        {"label": run["label"], "cell": each, "width": 100 * (value or 0) / most}
        for run, each, value in zip(record["runs"], cells, figure["values"], strict=True)
    ]
    return {"name": _name(figure), "bars": bars}


def comparison_markdown(record: Any) -> str:
    """Markdown of a compare record, for a pull request."""
    body = plain(record)
    labels = [run["label"] for run in body["runs"]]
    title = f"### {cell(body['runs'][0]['name'])}: {' against '.join(map(cell, reversed(labels)))}"
    if len(labels) > 2:
        title = f"### {cell(body['runs'][0]['name'])} in {len(labels)} runs"
    lines = [title, ""]
    if body["regressions"]:
        lines += [f"- **worse:** {cell(text)}" for text in body["regressions"]] + [""]
    elif body["max_regression"] is not None:
        lines += [f"Nothing got worse by more than {percent(body['max_regression'])}.", ""]
    lines += _lines(figure_table(body))
    lines += [f"\n> {cell(note)}" for note in body["notes"]]
    if body["layers"]:
        summary = f"<details><summary>{len(body['layers'])} layers, {body['layer_unit']}</summary>"
        lines += ["", summary, "", *_lines(layer_table(body), left=2), "", "</details>"]
    return "\n".join(lines) + "\n"


def _lines(table: Table, *, left: int = 1) -> list[str]:
    rows: list[Sequence[str]] = [
        [cell(each.text) + (f" ({each.change})" if each.change else "") for each in row]
        for row in table.rows
    ]
    return markdown_table([cell(name) for name in table.head], rows, left=left)
