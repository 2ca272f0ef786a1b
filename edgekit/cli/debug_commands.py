# SPDX-License-Identifier: Apache-2.0
"""debug-quant: where the accuracy of a quantized model went."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from edgekit.cli import options as o
from edgekit.cli.console import deliver
from edgekit.cli.examples import examples


def add_to(app: typer.Typer) -> None:
    app.command(
        name="debug-quant",
        epilog=examples(
            "edgekit debug-quant model.keras --data calib.npz -o build/debug",
            "edgekit debug-quant model.keras --data calib.npz --calibration converter",
            "edgekit debug-quant model.keras --data calib.npz --tflite old_int8.tflite",
        ),
    )(debug_quant)


def debug_quant(
    model: o.Model,
    data: o.Data = None,
    out: o.Out = Path("build/debug_quant"),
    tflite: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Look at this int8 file of the model instead of converting.",
            rich_help_panel=o.DATA,
        ),
    ] = None,
    samples: o.Samples = 200,
    eval_samples: Annotated[
        int,
        typer.Option(
            metavar="N", min=1, help="Samples that are looked at.", rich_help_panel=o.DATA
        ),
    ] = 24,
    calibration: Annotated[
        str, typer.Option(help="How ranges are found, as for convert.", rich_help_panel=o.DATA)
    ] = "mse",
    seed: o.Seed = 0,
    custom: o.Custom = None,
    force: o.Force = False,
    as_json: o.Json = False,
    debug: o.Debug = False,
) -> None:
    """Find out which layers cost a quantized model its accuracy, why, and what to try."""
    from edgekit.cli.debug_tables import show_debug_quant
    from edgekit.verbs.debug_quant import debug_quant as verb

    deliver(
        lambda progress: verb(
            model,
            data,
            out=out,
            tflite=tflite,
            samples=samples,
            eval_samples=eval_samples,
            calibration=calibration,
            seed=seed,
            custom=tuple(custom or ()),
            force=force,
            progress=progress,
        ),
        show_debug_quant,
        as_json=as_json,
    )
