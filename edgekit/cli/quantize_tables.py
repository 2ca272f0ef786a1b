# SPDX-License-Identifier: Apache-2.0
"""How the record of train-quantized is shown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from edgekit.cli.show import Row, facts, heading, number, percent, short_path, table

if TYPE_CHECKING:
    from rich.console import Console


def show_train_quantized(out: Console, record: dict[str, Any]) -> None:
    heading(out, "Trained quantized", short_path(record["model"]))
    rows: list[Row] = []
    if accuracy := record["accuracy"]:
        trained = f"{percent(accuracy['after'])} trained, {percent(accuracy['rounded'])} untrained"
        said = f"{percent(accuracy['before'])} as float, {number(accuracy['samples'])} samples"
        rows.append(("accuracy", trained, said))
    tuning = record["fine_tuning"]
    steps = f"{number(tuning['steps'])} steps of {number(tuning['batch_size'])}"
    rows.append(("training", steps, f"teacher {tuning['teacher']}, ranges {record['moved']}"))
    rows.append(("ranges", f"{len(record['ranges'])} activations", "in the file, for convert"))
    facts(out, rows)
    table(
        out,
        ("layer", "weights", "bits", "zeros before", "zeros after"),
        [
            (
                kernel["layer"],
                number(kernel["weights"]),
                str(kernel["bits"]),
                percent(kernel["sparsity"]["before"]),
                percent(kernel["sparsity"]["after"]),
            )
            for kernel in record["kernels"]
        ],
        left=("layer",),
        may_shrink=("layer",),
    )
    for warning in record["warnings"]:
        out.print("  [yellow]note:[/] ", end="")
        out.print(warning, markup=False)
