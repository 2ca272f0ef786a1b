# SPDX-License-Identifier: Apache-2.0
"""ports, flash and monitor: what is plugged in, firmware onto it, and what it says."""

from __future__ import annotations

from typing import Annotated

import typer

from edgekit.cli import options as o
from edgekit.cli.console import console, deliver
from edgekit.cli.examples import examples


def add_to(app: typer.Typer) -> None:
    app.command(
        epilog=examples("edgekit ports", "edgekit ports --ask", "edgekit ports id:066FFF3434"),
    )(ports)
    app.command(
        epilog=examples(
            "edgekit flash build/kws/fw",
            "edgekit flash build/kws/fw --dry-run",
            "edgekit flash build/kws/fw --port id:066FFF3434 --tool openocd",
        )
    )(flash)
    app.command(
        epilog=examples(
            "edgekit monitor",
            "edgekit monitor --port /dev/ttyACM0 --baud 921600",
            "edgekit monitor --seconds 10 --json",
        )
    )(monitor)


def ports(
    selector: Annotated[
        str, typer.Argument(metavar="[PORT]", help=f"Only these: {o.PORT_HELP}.")
    ] = "",
    ask: Annotated[
        bool,
        typer.Option(
            "--ask",
            help="Open each port and ask edgekit's firmware who it is.",
            rich_help_panel=o.TARGET,
        ),
    ] = False,
    as_json: o.Json = False,
    debug: o.Debug = False,
) -> None:
    """List what is plugged in, and the boards that it may be."""
    from edgekit.cli.port_tables import show_ports
    from edgekit.verbs.ports import ports as verb

    deliver(lambda progress: verb(ask=ask, selector=selector), show_ports, as_json=as_json)


def flash(
    folder: o.Folder,
    port: o.RealPort = "auto",
    tool: Annotated[
        str,
        typer.Option(
            "--tool",
            metavar="TOOL",
            help="One of the board's flashers; default: the first that is installed.",
            rich_help_panel=o.TARGET,
        ),
    ] = "",
    dry_run: Annotated[
        bool,
        typer.Option(
            "--dry-run",
            help="Show the steps and the exact commands, and do nothing.",
            rich_help_panel=o.TARGET,
        ),
    ] = False,
    as_json: o.Json = False,
    debug: o.Debug = False,
) -> None:
    """Write built firmware to its board, and ask it whether it runs there."""
    from edgekit.cli.port_tables import show_flash
    from edgekit.verbs.flash import flash as verb

    deliver(
        lambda progress: verb(folder, port=port, tool=tool, dry_run=dry_run, progress=progress),
        show_flash,
        as_json=as_json,
    )


def monitor(
    port: o.RealPort = "auto",
    board: Annotated[
        str,
        typer.Option(
            "--board",
            metavar="BOARD",
            help="Listen to this board only, at its baud rate.",
            rich_help_panel=o.TARGET,
        ),
    ] = "",
    baud: Annotated[
        int,
        typer.Option(
            metavar="N", min=0, help="Baud rate; 0: the board's.", rich_help_panel=o.TARGET
        ),
    ] = 0,
    seconds: Annotated[
        float | None,
        typer.Option(metavar="S", min=0.0, help="How long; default: until Ctrl-C."),
    ] = None,
    as_json: o.Json = False,
    debug: o.Debug = False,
) -> None:
    """Show what a board says, frames and plain text, with the time of each."""
    from edgekit.cli.port_tables import show_record
    from edgekit.verbs.monitor import monitor as verb

    out = console()
    deliver(
        lambda progress: verb(
            port,
            board=board,
            baud=baud,
            seconds=seconds,
            heard=None if as_json else lambda record: show_record(out, record),
        ),
        lambda out, records: None,
        as_json=as_json,
    )
