# SPDX-License-Identifier: Apache-2.0
"""How MLPerf Tiny's measurement and a served port are shown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from edgekit.cli.show import facts, heading, table

if TYPE_CHECKING:
    from rich.console import Console

_KINDS = {
    "measured": "measured by the device's own clock",
    "emulated": "emulated: as fast as this computer runs the emulator, not as fast as a board",
}


def show_mlperf(out: Console, record: dict[str, Any]) -> None:
    heading(out, f"MLPerf Tiny {record['task']}: {record['title']}", f"on {record['board']}")
    if record["made"]:
        out.print(f"  Written: {record['made']}, from {record['data']}", markup=False)
    if record["performance"]:
        _show_performance(out, record)
    if record["accuracy"]:
        _show_accuracy(out, record["accuracy"])
    for warning in record["warnings"]:
        out.print(f"  [yellow]note:[/] {warning}")


def _show_performance(out: Console, record: dict[str, Any]) -> None:
    found = record["performance"]
    table(
        out,
        ("window", "input", "inferences", "seconds", "inferences/s"),
        [
            (
                str(number),
                window["file"],
                f"{window['iterations']:,}",
                f"{window['elapsed_s']:.3f}",
                f"{window['throughput']:,.3f}",
            )
            for number, window in enumerate(found["windows"], start=1)
        ],
        left=("input",),
    )
    facts(
        out,
        [
            ("median", f"{found['throughput']:,.3f} inferences/s", ""),
            ("each", f"{found['latency_ms']:,.3f} ms", _KINDS[record["kind"]]),
            ("clocks", f"{found['clock_ratio']:.4f}", "the device's seconds over this computer's"),
        ],
    )


def _show_accuracy(out: Console, found: dict[str, Any]) -> None:
    what = ("top-1", found["top1"]) if found["top1"] is not None else ("AUC", found["auc"])
    shown = "-" if what[1] is None else f"{what[1]:.4f}"
    target = f"closed division: {found['target']}" if found["target"] else "nothing of the model"
    facts(
        out,
        [
            (what[0], shown, f"over {found['files']} files; {target}"),
            ("labels", found["truth"], ""),
            ("as the host", f"{found['agree']} of {found['files']} files", f"by {found['golden']}"),
        ],
    )


def show_served(out: Console, record: dict[str, Any], *, quiet: bool) -> None:
    if quiet:
        return
    name = f", also {record['link']}" if record["link"] else ""
    clock = "this computer's time" if record["real_time"] else "instructions"
    out.print(f"{record['board']} by {record['name']} is at {record['port']}{name}", markup=False)
    out.print(f"  Its clock counts {clock}. Ctrl-C ends it.", markup=False)
