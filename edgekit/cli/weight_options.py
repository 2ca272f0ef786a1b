# SPDX-License-Identifier: Apache-2.0
"""Options of convert that say what becomes of the weights."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

PANEL = "Weights"


class Way(StrEnum):
    NEAREST = "nearest"
    MEAN = "mean"
    STOCHASTIC = "stochastic"
    GPTQ = "gptq"


class Scale(StrEnum):
    MAX = "max"
    MSE = "mse"


class Bias(StrEnum):
    INT64 = "int64"
    INT32 = "int32"


Rounding = Annotated[
    Way,
    typer.Option(
        help="Each weight to its nearest step, or so that a channel's mean is kept, by chance, or"
        " so that later weights make up for errors of earlier ones (needs data).",
        rich_help_panel=PANEL,
    ),
]
WeightScale = Annotated[
    Scale,
    typer.Option(
        help="Steps from a channel's largest weight, or where its squared error is least.",
        rich_help_panel=PANEL,
    ),
]
BiasCorrection = Annotated[
    bool,
    typer.Option(
        "--bias-correction",
        help="Take the mean error that rounding makes out of the biases (needs data).",
        rich_help_panel=PANEL,
    ),
]
Equalize = Annotated[
    bool,
    typer.Option(
        "--equalize",
        help="Even out channels between layers that follow each other; helps --per-tensor.",
        rich_help_panel=PANEL,
    ),
]
PerTensor = Annotated[
    bool,
    typer.Option(
        "--per-tensor",
        help="One scale for each kernel instead of one per output channel.",
        rich_help_panel=PANEL,
    ),
]
Layer = Annotated[
    list[str] | None,
    typer.Option(
        metavar="REGEX=FORMAT",
        help="Format of layers: int8, int16x8 (16-bit activations) or int4 (4-bit weights); may be"
        " repeated, the last that fits a layer wins.",
        rich_help_panel=PANEL,
    ),
]
BiasType = Annotated[
    Bias,
    typer.Option(help="Type of biases in layers of int16x8.", rich_help_panel=PANEL),
]
