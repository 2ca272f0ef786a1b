# SPDX-License-Identifier: Apache-2.0
"""sensitivity: what is tried on a model to learn about it, and leaves it as it is."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from edgekit.cli import options as o
from edgekit.cli.console import deliver
from edgekit.cli.examples import examples
from edgekit.errors import EdgekitError

TRIALS = "Trials"


def add_to(app: typer.Typer) -> None:
    app.command(
        epilog=examples(
            "edgekit sensitivity model.keras --data test.npz -o sensitivity",
            "edgekit sensitivity model.keras --data test.npz --sparsities 0.5,0.8 --bits 4",
            "edgekit sensitivity model.keras --json | jq '.layers[] | {name, bears}'",
        )
    )(sensitivity)


def sensitivity(
    model: o.Model,
    data: o.Data = None,
    out: o.Out = Path("sensitivity"),
    sparsities: Annotated[
        str,
        typer.Option(
            metavar="S,S,...", help="Shares of a layer's weights to zero.", rich_help_panel=TRIALS
        ),
    ] = "0.3,0.5,0.6,0.7,0.8,0.9",
    bits: Annotated[
        str,
        typer.Option(
            metavar="N,N,...", help='Bits of a layer\'s weights; "" = none.', rich_help_panel=TRIALS
        ),
    ] = "8,4",
    method: Annotated[
        o.Method,
        typer.Option(help="Which weights of a layer go first.", rich_help_panel=TRIALS),
    ] = o.Method.MAGNITUDE,
    samples: Annotated[
        int,
        typer.Option(
            "--samples", metavar="N", min=1, help="Samples to judge by.", rich_help_panel=o.DATA
        ),
    ] = 500,
    seed: o.Seed = 0,
    custom: o.Custom = None,
    force: o.Force = False,
    as_json: o.Json = False,
    debug: o.Debug = False,
) -> None:
    """Try each layer alone at several sparsities and bit widths: what does the model lose?"""
    from edgekit.cli.study_tables import show_sensitivity
    from edgekit.verbs.sensitivity import sensitivity as verb

    deliver(
        lambda progress: verb(
            model,
            data,
            out=out,
            sparsities=_numbers(sparsities, "--sparsities"),
            bits=_numbers(bits, "--bits", int),
            method=method.value,
            samples=samples,
            seed=seed,
            custom=tuple(custom or ()),
            force=force,
            progress=progress,
        ),
        show_sensitivity,
        as_json=as_json,
    )


def _numbers(text: str, option: str, kind: type = float) -> list[Any]:
    """The numbers in a list such as "0.5,0.8"; EdgekitError for anything else."""
    try:
        return [kind(word) for word in text.split(",") if word.strip()]
    except ValueError:
        raise EdgekitError(
            f"{option} '{text}' is no list of {'whole ' if kind is int else ''}numbers",
            hint="separate them by commas: --sparsities 0.5,0.8 --bits 8,4",
        ) from None
