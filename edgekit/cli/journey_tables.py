# SPDX-License-Identifier: Apache-2.0
"""How the records of bench, deploy and demo are shown: every figure says where it is from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from edgekit.cli.layer_tables import show_layers
from edgekit.cli.show import (
    Row,
    facts,
    heading,
    kib,
    number,
    percent,
    short_path,
    show_warnings,
    table,
)
from edgekit.cli.tables import build_facts, convert_facts

if TYPE_CHECKING:
    from rich.console import Console


def show_bench(out: Console, record: dict[str, Any]) -> None:
    kernels = f" with {record['kernels']} kernels" if record.get("kernels") else ""
    ran = f"{record['runtime']}{kernels}, {record['kind']}"
    heading(out, f"{record['name']} on {record['board']}", ran)
    facts(out, bench_facts(record))
    show_layers(out, record)
    show_warnings(out, record)
    if found := record["first_difference"]:
        out.print(f"  [bold red]differs:[/] {difference_words(found)}")


def difference_words(found: dict[str, Any]) -> str:
    """Where outputs part from the golden ones, in words."""
    if not found["layer"]:
        return f"sample {found['sample']}: {found['reason']}"
    op = f" (op {found['index']}, {found['op']})" if found.get("op") else ""
    return f"first at sample {found['sample']} in layer '{found['layer']}'{op}"


def bench_facts(record: dict[str, Any]) -> list[Row]:
    """Outputs, accuracy, latency and memory of one run."""
    golden = record["golden"]
    rows: list[Row] = [
        (
            "outputs",
            f"{record['bit_exact']} of {record['samples']} samples bit-exact",
            f"with {golden['by']} {golden['version']}",
        )
    ]
    if record["bit_exact"] != record["samples"]:
        rows.append(
            (
                "difference",
                f"{number(record['max_abs_diff'])} {record['diff_unit']} largest,"
                f" {record['rmse']:.3g} RMSE",
                f"cosine {record['cosine']:.6f}",
            )
        )
    if record["accuracy"] is not None:
        rows.append(("accuracy", percent(record["accuracy"]), "on the device"))
    rows += scaling_facts(record)
    return rows + latency_facts(record) + cycles_facts(record) + memory_facts(record)


def scaling_facts(record: dict[str, Any]) -> list[Row]:
    """What came of scaling the samples in C; nothing where they were generated."""
    scaling = record.get("scaling")
    if not scaling:
        return []
    core = f", {scaling['core_values']:,} different ones on the {scaling['core']}"
    how = f"scaled in C on this host{core if scaling['core'] else ''}"
    return [("inputs", f"{scaling['values']:,} values as in Python", how)]


def latency_facts(record: dict[str, Any]) -> list[Row]:
    latency = record["latency"]
    spread = " / ".join(number(latency[key]) for key in ("min", "median", "p95", "max"))
    source = f"{record['counter']} at {record['clock_hz'] / 1e6:g} MHz"
    label = "instructions" if latency["unit"] == "instructions" else f"latency, {latency['unit']}"
    how = f"{record['kind']}: {source}, n {latency['n']}, warm-up {latency['warmup']}"
    return [(label, spread, ""), ("", "", f"min / median / p95 / max, {how}")]


def cycles_facts(record: dict[str, Any]) -> list[Row]:
    """Estimated cycles of an emulated board, or why there are none."""
    cycles = record.get("cycles")
    if not cycles:
        return []
    if cycles["estimated"] is None:
        return [("cycles", "", f"not estimated: {cycles['limits']}")]
    return [
        ("cycles", number(cycles["estimated"]), f"estimated for a {cycles['model']}, median"),
        ("", "", cycles["limits"]),
    ]


def memory_facts(record: dict[str, Any]) -> list[Row]:
    memory = record["memory"]
    return [
        (
            "flash",
            kib(memory["flash_bytes"]),
            f"{kib(memory['model_flash_bytes'])} of it is the model",
        ),
        (
            "RAM",
            kib(memory["ram_bytes"]),
            f"arena {kib(memory['arena_bytes'])}, {_stack(memory['stack_bytes'])}",
        ),
    ]


def _stack(used_bytes: int | None) -> str:
    return "stack not known" if used_bytes is None else f"stack used {kib(used_bytes)}"


def show_deploy(out: Console, record: dict[str, Any]) -> None:
    bench = record["bench"]
    heading(out, f"{bench['name']} on {bench['board']}", f"{bench['runtime']}, {bench['kind']}")
    host = [*_prune_facts(record), *convert_facts(record["convert"])]
    facts(out, [*host, *bench_facts(bench), *build_facts(record["build"])[2:]])
    show_layers(out, bench)
    show_warnings(out, bench)
    if found := bench["first_difference"]:
        out.print(f"  [bold red]differs:[/] {difference_words(found)}")
    _show_next(out, record)


def _prune_facts(record: dict[str, Any]) -> list[Row]:
    if not (prune := record.get("prune")):
        return []
    return [("sparsity", percent(prune["sparsity"]), f"{prune['method']}, {prune['schedule']}")]


def _show_next(out: Console, record: dict[str, Any]) -> None:
    out.print()
    facts(
        out,
        [
            ("open", short_path(record["folder"]), "models, C files, firmware, records"),
            ("report", short_path(record["report"]), "in a browser"),
        ],
    )


def show_demo(out: Console, record: dict[str, Any]) -> None:
    """The demo's table: accuracy at each step, agreement, cost, and sizes."""
    convert, bench, steps = record["convert"], record["bench"], record["steps"]
    heading(out, f"8x8 digits on {bench['board']}", f"{bench['runtime']}, {bench['kind']}")
    accuracy, pruned = convert["accuracy"], record["prune"]["accuracy"]
    facts(
        out,
        [
            (
                "accuracy",
                f"{percent(accuracy['float'])} float"
                f"  {percent(accuracy['int8'])} int8 on this host"
                f"  {percent(bench['accuracy'])} on the device",
                "",
            ),
            ("", "", f"on the same {bench['samples']} held-out images"),
            (
                "pruning",
                f"{percent(pruned['before'])} before, {percent(pruned['after'])} after",
                f"float, on all {record['held_out']} held-out images",
            ),
            *[row for row in bench_facts(bench) if row[0] != "accuracy"],
            (
                "sparsity",
                percent(record["prune"]["sparsity"]),
                "of the weights are zero, magnitude-pruned",
            ),
        ],
    )
    table(
        out,
        ("step", "file", "size"),
        [(step["step"], short_path(step["file"]), kib(step["bytes"])) for step in steps],
        left=("step", "file"),
        may_shrink=("file",),
    )
    show_layers(out, bench)
    _show_next(out, record)
