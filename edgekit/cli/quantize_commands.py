# SPDX-License-Identifier: Apache-2.0
"""train-quantized: fine-tuning with the rounding of the integers in the loop."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from edgekit.cli import options as o
from edgekit.cli import training_options as t
from edgekit.cli.console import deliver
from edgekit.cli.examples import examples

QUANTIZING = "Quantization"


class Moved(StrEnum):
    LEARNED = "learned"
    AVERAGED = "averaged"
    FIXED = "fixed"


class Engine(StrEnum):
    EDGEKIT = "edgekit"
    TFMOT = "tfmot"


def add_to(app: typer.Typer) -> None:
    app.command(
        "train-quantized",
        epilog=examples(
            "edgekit train-quantized model.keras --data train.npz -o trained.keras",
            "edgekit train-quantized pruned.keras --data train.npz -o trained.keras",
            "edgekit train-quantized model.keras --data train.npz --layer '.*=int4' -o four.keras",
            "edgekit convert trained.keras -o build/trained",
        ),
    )(train_quantized)


def train_quantized(
    model: o.Model,
    data: o.Data = None,
    out: Annotated[
        Path,
        typer.Option(
            "-o",
            "--out",
            metavar="FILE",
            help="Where to write the trained .keras file.",
            rich_help_panel=o.OUTPUT,
        ),
    ] = Path("trained.keras"),
    layer: Annotated[
        list[str] | None,
        typer.Option(
            metavar="REGEX=FORMAT",
            help="Format of layers: int8 or int4 weights; may be repeated, the last wins.",
            rich_help_panel=QUANTIZING,
        ),
    ] = None,
    ranges: Annotated[
        Moved,
        typer.Option(
            help="How ranges of activations move while training.", rich_help_panel=QUANTIZING
        ),
    ] = Moved.LEARNED,
    calibration: Annotated[
        str,
        typer.Option(
            metavar="METHOD", help="How ranges are found to begin with.", rich_help_panel=QUANTIZING
        ),
    ] = "mse",
    samples: o.Samples = 200,
    teacher: t.Teacher = "self",
    augment: t.Augmented = o.Augment.NONE,
    engine: Annotated[
        Engine,
        typer.Option(
            help="Who trains: edgekit, or tensorflow-model-optimization in a process of its own.",
            rich_help_panel=t.PANEL,
        ),
    ] = Engine.EDGEKIT,
    epochs: t.SomeEpochs = None,
    steps: t.SomeSteps = None,
    batch_size: t.SomeBatchSize = None,
    learning_rate: t.LearningRate = 5e-4,
    seed: o.Seed = 0,
    custom: o.Custom = None,
    force: o.Force = False,
    as_json: o.Json = False,
    debug: o.Debug = False,
) -> None:
    """Fine-tune with rounded weights and activations; convert then needs no data."""
    from edgekit.cli.quantize_tables import show_train_quantized
    from edgekit.verbs.train_quantized import train_quantized as verb

    deliver(
        lambda progress: verb(
            model,
            data,
            out=out,
            ranges=ranges.value,
            layers=tuple(layer or ()),
            calibration=calibration,
            samples=samples,
            teacher=teacher,
            augment=augment.value,
            engine=engine.value,
            epochs=epochs,
            steps=steps,
            batch_size=batch_size,
            learning_rate=learning_rate,
            seed=seed,
            custom=tuple(custom or ()),
            force=force,
            progress=progress,
        ),
        show_train_quantized,
        as_json=as_json,
    )
