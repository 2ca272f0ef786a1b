# SPDX-License-Identifier: Apache-2.0
"""prune: zeros or fewer channels, whoever does it."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from edgekit.cli import options as o
from edgekit.cli import training_options as t
from edgekit.cli.console import deliver
from edgekit.cli.examples import examples

PRUNING = "Pruning"


class Engine(StrEnum):
    EDGEKIT = "edgekit"
    TFMOT = "tfmot"


def add_to(app: typer.Typer) -> None:
    app.command(
        epilog=examples(
            "edgekit prune model.keras --data train.npz -o pruned.keras",
            "edgekit prune model.keras --data train.npz --sparsity 0.9 --epochs 8 -o pruned.keras",
            "edgekit prune model.keras --data train.npz --structure 2x2 --sparsity 0.5 -o p.keras",
            "edgekit prune model.keras --data unlabelled.npy --method stability -o pruned.keras",
            "edgekit prune model.keras --data train.npz --structure channels --board my_board.toml",
            "edgekit prune model.keras --data train.npz --engine tfmot --epochs 4 -o pruned.keras",
        )
    )(prune)


def prune(
    model: o.Model,
    data: o.Data = None,
    out: Annotated[
        Path,
        typer.Option(
            "-o",
            "--out",
            metavar="FILE",
            help="Where to write the pruned .keras file.",
            rich_help_panel=o.OUTPUT,
        ),
    ] = Path("pruned.keras"),
    sparsity: Annotated[
        float | None,
        typer.Option(
            metavar="0..1",
            help="Share of the weights to make zero; 0.75, or what N:M says.",
            rich_help_panel=PRUNING,
        ),
    ] = None,
    method: Annotated[
        o.Method, typer.Option(help="What a weight is worth.", rich_help_panel=PRUNING)
    ] = o.Method.MAGNITUDE,
    structure: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help="What goes together: unstructured, blocks AxB of inputs x outputs (2x2, 2x8), N:M"
            " (2:4), channels, or auto: what pays on the core of --board.",
            rich_help_panel=PRUNING,
        ),
    ] = "unstructured",
    scope: Annotated[
        o.Scope | None,
        typer.Option(
            help="Rank weights over the whole model (default), in each layer, or by what layers"
            " bear.",
            rich_help_panel=PRUNING,
        ),
    ] = None,
    objective: Annotated[
        o.Objective,
        typer.Option(
            help="What is to become small; cycles as predicted for --board.",
            rich_help_panel=PRUNING,
        ),
    ] = o.Objective.SIZE,
    schedule: Annotated[
        o.Schedule | None,
        typer.Option(
            help="How the sparsity rises; polynomial, with method l1 constant.",
            rich_help_panel=PRUNING,
        ),
    ] = None,
    of_all: Annotated[
        bool,
        typer.Option(
            "--of-all",
            help="Count the sparsity over all layers, also those left alone.",
            rich_help_panel=PRUNING,
        ),
    ] = False,
    teacher: t.Teacher = "self",
    augment: t.Augmented = o.Augment.NONE,
    recalibrate_bn: Annotated[
        bool,
        typer.Option(
            help="Re-estimate batch-norm statistics where nothing is fine-tuned.",
            rich_help_panel=t.PANEL,
        ),
    ] = True,
    engine: Annotated[
        Engine,
        typer.Option(
            help="Who prunes: edgekit, or tensorflow-model-optimization's wrappers in a process of"
            " their own (magnitude in each layer, unstructured or N:M, no teacher).",
            rich_help_panel=PRUNING,
        ),
    ] = Engine.EDGEKIT,
    board: Annotated[
        str | None,
        typer.Option(
            "--board",
            metavar="BOARD",
            help="Also build and run the model before and after on this board.",
            rich_help_panel=o.TARGET,
        ),
    ] = None,
    keep: Annotated[
        list[str] | None,
        typer.Option(
            metavar="LAYER",
            help="A layer to leave alone; may be repeated.",
            rich_help_panel=PRUNING,
        ),
    ] = None,
    epochs: t.SomeEpochs = None,
    steps: t.SomeSteps = None,
    batch_size: t.SomeBatchSize = None,
    learning_rate: t.SomeLearningRate = None,
    seed: o.Seed = 0,
    custom: o.Custom = None,
    force: o.Force = False,
    as_json: o.Json = False,
    debug: o.Debug = False,
) -> None:
    """Set weights to zero, or take channels out, while fine-tuning; what is zero stays zero."""
    from edgekit.cli.prune_tables import show_prune
    from edgekit.verbs.prune import prune as verb

    chosen: dict[str, Any] = {
        "sparsity": sparsity,
        "schedule": schedule.value if schedule else None,
        "epochs": epochs,
        "steps": steps,
        "batch_size": batch_size,
        "learning_rate": learning_rate,
    }
    deliver(
        lambda progress: verb(
            model,
            data,
            out=out,
            method=method.value,
            structure=structure,
            scope=scope.value if scope else None,
            engine=engine.value,
            board=board,
            objective=objective.value,
            of_all=of_all,
            teacher=teacher,
            augment=augment.value,
            recalibrate_bn=recalibrate_bn,
            keep=tuple(keep or ()),
            seed=seed,
            custom=tuple(custom or ()),
            force=force,
            progress=progress,
            **{key: value for key, value in chosen.items() if value is not None},
        ),
        show_prune,
        as_json=as_json,
    )
