# SPDX-License-Identifier: Apache-2.0
"""convert, inspect: the verbs that need no board."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from edgekit.cli import options as o
from edgekit.cli import weight_options as w
from edgekit.cli.console import deliver
from edgekit.cli.examples import examples


def add_to(app: typer.Typer) -> None:
    app.command(
        epilog=examples(
            "edgekit convert model.keras --data calib.npz -o build/kws",
            "edgekit convert model.h5 --data images.zip --samples 500 -o build/vww",
            "edgekit convert model.keras --custom my_layers:Gate -o build/gate",
            "edgekit convert model.keras --data calib.npz --layer 'dense.*=int16x8' -o build/wide",
            "edgekit convert model.keras --data c.npz --layer '.*=int4' --rounding gptq -o build/4",
            "edgekit convert pruned.keras --data calib.npz --compress auto --strip -o build/small",
        )
    )(convert)
    app.command(
        epilog=examples(
            "edgekit inspect build/kws/kws.tflite",
            "edgekit inspect kws.tflite --board qemu-mps2-an386 --optimize speed",
            "edgekit inspect kws.tflite --json | jq .arena_bytes",
        )
    )(inspect)


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
        str,
        typer.Option(
            help="How ranges are found: mse, minmax, percentile (or percentile:99.9), kl; "
            "converter = TensorFlow's own.",
            rich_help_panel=o.DATA,
        ),
    ] = "mse",
    input_dtype: Annotated[
        o.ItemType, typer.Option(help="What the model takes.", rich_help_panel=o.TARGET)
    ] = o.ItemType.INT8,
    output_dtype: Annotated[
        o.ItemType, typer.Option(help="What the model gives.", rich_help_panel=o.TARGET)
    ] = o.ItemType.INT8,
    rounding: w.Rounding = w.Way.NEAREST,
    weight_scale: w.WeightScale = w.Scale.MAX,
    bias_correction: w.BiasCorrection = False,
    equalize: w.Equalize = False,
    per_tensor: w.PerTensor = False,
    layer: w.Layer = None,
    bias_type: w.BiasType = w.Bias.INT64,
    compress: o.Compressed = o.Compress.NONE,
    strip: o.Strip = False,
    allow: o.Allow = None,
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
            rounding=rounding.value,
            weight_scale=weight_scale.value,
            bias_correction=bias_correction,
            equalize=equalize,
            per_tensor=per_tensor,
            layers=tuple(layer or ()),
            bias_type=bias_type.value,
            allow=tuple(allow or ()),
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
    optimize: o.OptimizeFor = o.Optimize.BALANCED,
    as_json: o.Json = False,
    debug: o.Debug = False,
) -> None:
    """Show ops, tensors, MACs, weights, peak RAM, and which runtime can run what."""
    from edgekit.cli.tables import show_inspect
    from edgekit.verbs.inspect import inspect as verb

    deliver(
        lambda progress: verb(model, board=board, optimize=optimize.value),
        show_inspect,
        as_json=as_json,
    )
