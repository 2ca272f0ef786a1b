# SPDX-License-Identifier: Apache-2.0
"""How the record of sensitivity is shown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from edgekit.cli.show import Row, facts, heading, percent, short_path, table

if TYPE_CHECKING:
    from rich.console import Console


def show_sensitivity(out: Console, record: dict[str, Any]) -> None:
    heading(
        out,
        f"What each layer of {record['source']} bears",
        f"one at a time, by {record['method']}, not fine-tuned",
    )
    by_accuracy = record["metric"] == "accuracy"
    what = "points of accuracy lost" if by_accuracy else "% that the outputs change by"
    samples = f"{record['samples']} samples of {record['data']}, seed {record['seed']}"
    rows: list[Row] = [("cells", what, samples)]
    if by_accuracy:
        rows.append(("accuracy", percent(record["accuracy"]), "of the whole model"))
    facts(out, [*rows, ("heat map", short_path(record["page"]), "")])
    levels = [f"{100 * level:g} %" for level in record["sparsities"]]
    levels += [f"{count} bits" for count in record["bits"]]
    table(
        out,
        ("layer", *levels, "bears"),
        [_row(layer, "lost" if by_accuracy else "output_change") for layer in record["layers"]],
        left=("layer",),
        may_shrink=("layer",),
    )
    for warning in record["warnings"]:
        out.print(f"  [yellow]warning:[/] {warning}")


def _row(layer: dict[str, Any], key: str) -> tuple[str, ...]:
    cells = [f"{100 * trial[key]:.1f}".replace("-0.0", "0.0") for trial in layer["trials"]]
    bears = f"{100 * layer['bears']:.0f} %" if layer["bears"] else "-"
    return (layer["name"], *cells, bears)
