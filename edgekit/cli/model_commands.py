# SPDX-License-Identifier: Apache-2.0
"""prune, convert, inspect: the verbs that need no board."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from edgekit.cli import options as o
from edgekit.cli.console import deliver
from edgekit.cli.examples import examples

PRUNING = "Pruning"
TRAINING = "Fine-tuning"


def add_to(app: typer.Typer) -> None:
    app.command(
        epilog=examples(
            "edgekit prune model.keras --data train.npz -o pruned.keras",
            "edgekit prune model.keras --data train.npz --sparsity 0.9 --epochs 8 -o pruned.keras",
            "edgekit prune model.keras --data train.npz --structure 2x2 --sparsity 0.5 -o p.keras",
            "edgekit prune model.keras --data unlabelled.npy --method stability -o pruned.keras",
        )
    )(prune)
    app.command(
        epilog=examples(
            "edgekit convert model.keras --data calib.npz -o build/kws",
            "edgekit convert model.h5 --data images.zip --samples 500 -o build/vww",
            "edgekit convert model.keras --custom my_layers:Gate -o build/gate",
            "edgekit convert pruned.keras --data calib.npz --compress auto --strip -o build/small",
        )
    )(convert)
    app.command(
        epilog=examples(
            "edgekit inspect build/kws/kws.tflite",
            "edgekit inspect kws.tflite --json | jq .arena_bytes",
        )
    )(inspect)


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
            help="What goes together: unstructured, blocks AxB of inputs x outputs (2x2, 8x2), N:M"
            " (2:4), or channels.",
            rich_help_panel=PRUNING,
        ),
    ] = "unstructured",
    scope: Annotated[
        o.Scope,
        typer.Option(
            help="Rank weights over the whole model, in each layer, or by what layers bear.",
            rich_help_panel=PRUNING,
        ),
    ] = o.Scope.GLOBAL,
    objective: Annotated[
        o.Objective, typer.Option(help="What is to become small.", rich_help_panel=PRUNING)
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
    teacher: Annotated[
        str,
        typer.Option(
            metavar="self|none|MODEL",
            help="Whose outputs are learned too: the dense model's, or another's.",
            rich_help_panel=TRAINING,
        ),
    ] = "self",
    augment: Annotated[
        o.Augment,
        typer.Option(help="Changes of samples while training.", rich_help_panel=TRAINING),
    ] = o.Augment.NONE,
    recalibrate_bn: Annotated[
        bool,
        typer.Option(
            help="Re-estimate batch-norm statistics where nothing is fine-tuned.",
            rich_help_panel=TRAINING,
        ),
    ] = True,
    keep: Annotated[
        list[str] | None,
        typer.Option(
            metavar="LAYER",
            help="A layer to leave alone; may be repeated.",
            rich_help_panel=PRUNING,
        ),
    ] = None,
    epochs: Annotated[
        int | None,
        typer.Option(
            metavar="N", min=0, help="Passes over the training data.", rich_help_panel=TRAINING
        ),
    ] = None,
    steps: Annotated[
        int | None,
        typer.Option(
            metavar="N", min=1, help="Length of the run in steps.", rich_help_panel=TRAINING
        ),
    ] = None,
    batch_size: Annotated[
        int | None,
        typer.Option(metavar="N", min=1, help="Samples a step.", rich_help_panel=TRAINING),
    ] = None,
    learning_rate: Annotated[
        float | None,
        typer.Option(metavar="RATE", help="Of the optimizer.", rich_help_panel=TRAINING),
    ] = None,
    seed: o.Seed = 0,
    custom: o.Custom = None,
    force: o.Force = False,
    as_json: o.Json = False,
    debug: o.Debug = False,
) -> None:
    """Set weights to zero, or take channels out, while fine-tuning; what is zero stays zero."""
    from edgekit.cli.tables import show_prune
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
            scope=scope.value,
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


def convert(
    model: o.Model,
    data: o.Data = None,
    out: o.Out = Path("build"),
    board: o.OptionalBoard = None,
    name: o.Name = "",
    samples: o.Samples = 200,
    eval_samples: o.EvalSamples = 100,
    seed: o.Seed = 0,
    calibration: Annotated[
        str, typer.Option(help="How ranges are found.", rich_help_panel=o.DATA)
    ] = "converter",
    input_dtype: Annotated[
        o.ItemType, typer.Option(help="What the model takes.", rich_help_panel=o.TARGET)
    ] = o.ItemType.INT8,
    output_dtype: Annotated[
        o.ItemType, typer.Option(help="What the model gives.", rich_help_panel=o.TARGET)
    ] = o.ItemType.INT8,
    compress: o.Compressed = o.Compress.NONE,
    strip: o.Strip = False,
    custom: o.Custom = None,
    force: o.Force = False,
    as_json: o.Json = False,
    debug: o.Debug = False,
) -> None:
    """Quantize to full-integer int8; write the .tflite, its C array and ahead-of-time C."""
    from edgekit.cli.tables import show_convert
    from edgekit.verbs.convert import convert as verb

    deliver(
        lambda progress: verb(
            model,
            data,
            out=out,
            board=board,
            name=name,
            samples=samples,
            eval_samples=eval_samples,
            seed=seed,
            calibration=calibration,
            input_dtype=input_dtype.value,
            output_dtype=output_dtype.value,
            compress=o.mode_of(compress),
            strip=strip,
            custom=tuple(custom or ()),
            force=force,
            progress=progress,
        ),
        show_convert,
        as_json=as_json,
    )


def inspect(
    model: o.TfliteModel,
    board: o.OptionalBoard = None,
    as_json: o.Json = False,
    debug: o.Debug = False,
) -> None:
    """Show ops, tensors, MACs, weights, peak RAM, and which runtime can run what."""
    from edgekit.cli.tables import show_inspect
    from edgekit.verbs.inspect import inspect as verb

    deliver(lambda progress: verb(model, board=board), show_inspect, as_json=as_json)
