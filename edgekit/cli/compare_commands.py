# SPDX-License-Identifier: Apache-2.0
"""compare: two or more runs side by side, and a bound on what got worse."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from edgekit.cli import options as o
from edgekit.cli.console import deliver
from edgekit.cli.examples import examples


def add_to(app: typer.Typer) -> None:
    app.command(
        epilog=examples(
            "edgekit compare before/fw after/fw",
            "edgekit compare before.json after.json --max-regression 5%",
            "edgekit compare dense.json pruned.json --any-model -o comparison",
        )
    )(compare)


def share_of(text: str) -> float:
    """ "5%" or "5" as 0.05."""
    try:
        share = float(text.strip().removesuffix("%")) / 100
    except ValueError:
        share = -1.0
    if not 0 <= share < 1:
        raise typer.BadParameter(f"'{text}' is no percentage from 0 up to 100, such as 5%")
    return share


def compare(
    records: Annotated[
        list[Path],
        typer.Argument(
            metavar="RECORD RECORD...",
            help="What bench or deploy wrote: .json files, or folders that hold one.",
        ),
    ],
    max_regression: Annotated[
        float | None,
        typer.Option(
            "--max-regression",
            metavar="PERCENT",
            parser=share_of,
            help="Exit with 1 where latency, cycles, flash, RAM or arena grew, or accuracy fell,"
            " by more.",
            rich_help_panel=o.TARGET,
        ),
    ] = None,
    any_model: Annotated[
        bool,
        typer.Option(
            "--any-model", help="Compare runs of different models too.", rich_help_panel=o.TARGET
        ),
    ] = False,
    out: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--out",
            metavar="FOLDER",
            help="Write compare.json, report.html and report.md there.",
            rich_help_panel=o.OUTPUT,
        ),
    ] = None,
    force: o.Force = False,
    as_json: o.Json = False,
    debug: o.Debug = False,
) -> None:
    """Hold runs against the first: figures, layers, and what got worse."""
    from edgekit.cli.compare_tables import show_compare
    from edgekit.verbs.compare import compare as verb

    deliver(
        lambda progress: verb(
            *records, max_regression=max_regression, any_model=any_model, out=out, force=force
        ),
        show_compare,
        as_json=as_json,
    )
