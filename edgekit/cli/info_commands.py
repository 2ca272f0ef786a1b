# SPDX-License-Identifier: Apache-2.0
"""boards and doctor: what is known, and what this machine lacks."""

from __future__ import annotations

import typer

from edgekit.cli import options as o
from edgekit.cli.console import deliver
from edgekit.cli.examples import examples


def add_to(app: typer.Typer) -> None:
    app.command(
        epilog=examples("edgekit boards", "edgekit boards --json | jq '.[].id'"),
    )(boards)
    app.command(
        epilog=examples("edgekit doctor", "edgekit doctor --json"),
    )(doctor)


def boards(as_json: o.Json = False, debug: o.Debug = False) -> None:
    """List the boards that edgekit knows."""
    from edgekit.cli.info_tables import show_boards
    from edgekit.verbs.boards import boards as verb

    deliver(lambda progress: verb(), show_boards, as_json=as_json)


def doctor(as_json: o.Json = False, debug: o.Debug = False) -> None:
    """Say which tools are there, which are missing, and how to get them."""
    from edgekit.cli.info_tables import show_doctor
    from edgekit.verbs.doctor import doctor as verb

    deliver(lambda progress: verb(), show_doctor, as_json=as_json)
