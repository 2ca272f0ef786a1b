# SPDX-License-Identifier: Apache-2.0
"""Options of whatever fine-tunes, written once; `Some...` ones leave the default to the verb."""

from __future__ import annotations

from typing import Annotated

import typer

from edgekit.cli import options as o

PANEL = "Fine-tuning"

_EPOCHS = typer.Option(
    "--epochs", metavar="N", min=0, help="Passes over the training data.", rich_help_panel=PANEL
)
_BATCH_SIZE = typer.Option(
    "--batch-size", metavar="N", min=1, help="Samples a step.", rich_help_panel=PANEL
)
_LEARNING_RATE = typer.Option(
    "--learning-rate", metavar="RATE", help="Of the optimizer.", rich_help_panel=PANEL
)

Teacher = Annotated[
    str,
    typer.Option(
        "--teacher",
        metavar="self|none|MODEL",
        help="Whose outputs are learned too: the model's own as it came, or another's.",
        rich_help_panel=PANEL,
    ),
]
Augmented = Annotated[
    o.Augment,
    typer.Option("--augment", help="Changes of samples while training.", rich_help_panel=PANEL),
]
Keep = Annotated[
    list[str] | None,
    typer.Option("--keep", metavar="LAYER", help="A layer to leave alone; may be repeated."),
]
Epochs = Annotated[int, _EPOCHS]
SomeEpochs = Annotated[int | None, _EPOCHS]
SomeSteps = Annotated[
    int | None,
    typer.Option(
        "--steps",
        metavar="N",
        min=1,
        help="Length of the run in steps, instead.",
        rich_help_panel=PANEL,
    ),
]
BatchSize = Annotated[int, _BATCH_SIZE]
SomeBatchSize = Annotated[int | None, _BATCH_SIZE]
LearningRate = Annotated[float, _LEARNING_RATE]
SomeLearningRate = Annotated[float | None, _LEARNING_RATE]
