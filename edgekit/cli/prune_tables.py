# SPDX-License-Identifier: Apache-2.0
"""How the record of prune is shown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.markup import escape

from edgekit.cli.show import Row, facts, heading, kib, number, percent, shape, short_path, table

if TYPE_CHECKING:
    from rich.console import Console


def show_prune(out: Console, record: dict[str, Any]) -> None:
    heading(out, "Pruned", short_path(record["model"]))
    schedule = f"{record['method']}, {record['structure']}, {record['schedule']}"
    if record.get("engine", "edgekit") != "edgekit":
        schedule += f", by {record['engine']}"
    rows: list[Row] = [
        (
            "sparsity",
            percent(record["sparsity"]),
            f"target {percent(record['target_sparsity'])}, {schedule}",
        ),
        ("all weights", percent(record["sparsity_all"]), "zeros, protected layers counted"),
    ]
    if accuracy := record.get("accuracy"):
        after = f"{percent(accuracy['before'])} before, {percent(accuracy['after'])} after"
        rows.append(("accuracy", after, f"float, {number(accuracy['samples'])} samples"))
    for name, each in (record.get("output_accuracy") or {}).items():
        after = f"{percent(each['before'])} before, {percent(each['after'])} after"
        rows.append((f"  of {name}", after, ""))
    if macs := record.get("macs"):
        rows.append(("MACs", number(macs["after"]), f"{number(macs['nonzero'])} by a weight not 0"))
    if weights := record.get("weight_bytes"):
        rows += [(f"kernels, {way}", kib(size), "int8") for way, size in weights.items()]
    rows += _training_facts(record)
    facts(out, rows)
    (_show_groups if record.get("channels") else _show_kernels)(out, record)
    if record.get("on_board"):
        _show_board(out, record)
    for warning in record.get("warnings", ()):
        out.print(f"  [yellow]note:[/] {escape(warning)}", markup=True)
    if bought := record.get("bought"):
        out.print(f"  {bought}", markup=False)


def _show_board(out: Console, record: dict[str, Any]) -> None:
    """What was built and run: a column for the model before, where it fits, and one after."""
    found: dict[str, dict[str, Any]] = record["on_board"]
    first = found["after"]
    rows = {
        "int8 .tflite, as a C array": ("tflite_bytes", kib),
        "model in aot firmware": ("model_flash_bytes", kib),
        "flash": ("flash_bytes", kib),
        "RAM": ("ram_bytes", kib),
        "weights and indices in aot": ("constant_bytes", kib),
        f"{first['unit']}, {first['kind']}": ("latency", number),
        "cycles, predicted": ("predicted_cycles", number),
        "cycles, estimated": ("cycles", number),
    }
    rows = {label: row for label, row in rows.items() if first.get(row[0]) is not None}
    table(
        out,
        (f"on {record['board']}", *found),
        [
            (label, *(show(each[key]) for each in found.values()))
            for label, (key, show) in rows.items()
        ],
        left=(f"on {record['board']}",),
    )


def _show_kernels(out: Console, record: dict[str, Any]) -> None:
    table(
        out,
        ("layer", "kernel", "zeros", "in shapes of", "left alone"),
        [
            (
                *(layer["name"], shape(layer["shape"]), percent(layer["sparsity"])),
                *(layer.get("structure", ""), layer["protected"]),
            )
            for layer in record["layers"]
        ],
        left=("layer", "kernel", "in shapes of", "left alone"),
        may_shrink=("layer",),
    )


def _show_groups(out: Console, record: dict[str, Any]) -> None:
    """Whole channels: how many each group of coupled layers had and has."""
    table(
        out,
        ("channels of", "before", "after", "left alone"),
        [
            (row["name"], number(row["before"]), number(row["after"]), row["reason"])
            for row in record["channels"]
        ],
        left=("channels of", "left alone"),
        may_shrink=("channels of", "left alone"),
    )


def _training_facts(record: dict[str, Any]) -> list[Row]:
    if tuned := record.get("fine_tuning"):
        epochs = f"best epoch {tuned.get('best_epoch')} of {tuned['epochs']}"
        rows: list[Row] = [("fine-tuning", f"{number(tuned['steps'])} steps", epochs)]
        if record.get("batch_norm") == "re-estimated":
            rows.append(("batch norm", "re-estimated", "statistics, after the last step"))
        return rows
    if state := record.get("batch_norm"):
        return [("batch norm", state, "statistics, on samples without labels")]
    return []
