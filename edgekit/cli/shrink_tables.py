# SPDX-License-Identifier: Apache-2.0
"""How the records of cluster and fit are shown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from edgekit.cli.show import Row, facts, heading, kib, number, percent, shape, short_path, table

if TYPE_CHECKING:
    from rich.console import Console


def show_cluster(out: Console, record: dict[str, Any]) -> None:
    heading(out, "Clustered", short_path(record["model"]))
    rows: list[Row] = [
        ("values", f"{record['clusters']} a kernel", f"{record['index_bits']} bits an index"),
    ]
    if accuracy := record["accuracy"]:
        both = f"{percent(accuracy['before'])} before, {percent(accuracy['after'])} after"
        rows.append(("accuracy", both, f"{accuracy['samples']} samples"))
    facts(out, rows)
    table(
        out,
        ("layer", "kernel", "values before", "after"),
        [
            (
                layer["name"],
                shape(layer["shape"]),
                number(layer["before"]),
                number(layer["after"]) if layer["clustered"] else "left alone",
            )
            for layer in record["layers"]
        ],
        left=("layer", "kernel"),
        may_shrink=("layer",),
    )
    for warning in record["warnings"]:
        out.print("  [yellow]warning:[/] ", end="")
        out.print(warning, markup=False)


def show_fit(out: Console, record: dict[str, Any]) -> None:
    from edgekit.report.pareto import candidate_words

    best, base, limits = record["best"], record["base"], record["limits"]
    heading(out, "Fits" if record["fits"] else "Does not fit", record["board"])
    lost = f"{percent(best['accuracy'])} int8, {100 * best['drop']:.1f} points lost"
    rows: list[Row] = [
        ("best" if record["fits"] else "nearest", candidate_words(best), ""),
        ("accuracy", lost, f"{record['scored']} samples"),
        (
            "flash",
            f"{kib(best['flash_bytes'])} of {kib(limits['flash_bytes'])}",
            f"{kib(base['flash_bytes'])} as it came",
        ),
        (
            "RAM",
            f"{kib(best['ram_bytes'])} of {kib(limits['ram_bytes'])}",
            f"{kib(base['ram_bytes'])} as it came",
        ),
    ]
    if bench := record["bench"]:
        exact = f"{bench['bit_exact']} of {bench['samples']} samples bit-exact"
        latency = f"{number(bench['latency']['median'])} {bench['latency']['unit']}"
        rows.append((bench["kind"], latency, exact))
    if record["fits"]:
        rows.append(("model", short_path(record["model"]), ""))
    rows.append(("plot", short_path(record["page"]), ""))
    facts(out, rows)
    _show_candidates(out, [base, *(row for row in record["rows"] if row["pareto"])])
    for warning in record["warnings"]:
        out.print("  [yellow]warning:[/] ", end="")
        out.print(warning, markup=False)


def _show_candidates(out: Console, rows: list[dict[str, Any]]) -> None:
    from edgekit.report.pareto import candidate_words

    table(
        out,
        ("candidate", "accuracy", "lost", "flash", "RAM", "MACs", "fits"),
        [
            (
                candidate_words(row),
                percent(row["accuracy"]),
                f"{100 * row['drop']:.1f}",
                kib(row["flash_bytes"]),
                kib(row["ram_bytes"]),
                number(row["macs"]),
                "yes" if row["fits"] else "no",
            )
            for row in rows
        ],
        left=("candidate", "fits"),
        may_shrink=("candidate",),
    )
