# SPDX-License-Identifier: Apache-2.0
"""How ports, a flash plan and what a board says are shown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from edgekit.cli.show import Row, facts, heading, table

if TYPE_CHECKING:
    from rich.console import Console

    from edgekit.verbs.monitor import MonitorRecord

_COLOURS = {"log": "green", "error": "red", "frame": "cyan", "noise": "yellow"}


def show_ports(out: Console, records: list[dict[str, Any]]) -> None:
    if not records:
        out.print("No such serial port is plugged in.")
        out.print("  Emulated boards need none: edgekit boards lists them.")
        return
    table(
        out,
        ("port", "USB id", "serial number", "may be", "says", "product"),
        [
            (
                record["port"],
                record["usb_id"] or "-",
                record["serial_number"] or "-",
                _candidates(record),
                _hello(record["hello"]),
                " ".join(filter(None, (record["manufacturer"], record["product"]))) or "-",
            )
            for record in records
        ],
        left=("port", "USB id", "serial number", "may be", "says", "product"),
        may_shrink=("serial number", "may be", "product"),
        wide_only=("product",),
    )


def _candidates(record: dict[str, Any]) -> str:
    by_role: dict[str, list[str]] = {}
    for match in record["boards"]:
        by_role.setdefault(match["role"], []).append(match["board"])
    return "; ".join(f"{', '.join(names)} ({role})" for role, names in by_role.items()) or "-"


def _hello(hello: dict[str, Any] | None) -> str:
    return f"{hello['board']}, {hello['model_name']}" if hello else "-"


def show_flash(out: Console, record: dict[str, Any]) -> None:
    title = "What would be done" if record["dry_run"] else "Flashed"
    heading(out, f"{title}: {record['board']}", f"by {record['tool']}")
    for number, step in enumerate(record["steps"], start=1):
        out.print(f"  {number}. {step['words']}", markup=False)
        if step["command"]:
            out.print(f"       {step['command']}", markup=False, soft_wrap=True, style="bold")
    rows: list[Row] = [("port", record["port"], "")] if record["port"] else []
    rows.append(("tried", record["tried"], ""))
    if hello := record["hello"]:
        said = f"{hello['model_name']} on {hello['board']}"
        rows.insert(0, ("runs", said, f"build {hello['build_id']}"))
    facts(out, rows)
    for label, text in (("missing", record["missing"]), ("not proven", record["unproven"])):
        if text:
            out.print(f"  [yellow]{label}:[/] ", end="")
            out.print(text, markup=False)


def show_record(out: Console, record: MonitorRecord) -> None:
    """One line of what a board says."""
    clock = record.clock[11:23]
    colour = _COLOURS.get(record.kind, "white")
    out.print(f"[dim]{clock}[/] [{colour}]{record.kind:<5}[/] ", end="")
    out.print(record.text, markup=False, soft_wrap=True)
