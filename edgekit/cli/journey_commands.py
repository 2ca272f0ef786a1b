# SPDX-License-Identifier: Apache-2.0
"""demo and deploy: the whole way in one command."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from edgekit.boards import DEFAULT_BOARD
from edgekit.cli import options as o
from edgekit.cli.console import deliver
from edgekit.cli.examples import examples


def add_to(app: typer.Typer) -> None:
    app.command(
        epilog=examples(
            "edgekit demo",
            "edgekit demo --board qemu-mps2-an505 -o demo-m33",
        )
    )(demo)
    app.command(
        epilog=examples(
            "edgekit deploy model.keras --data test.npz -o build/model",
            "edgekit deploy model.keras --data train.npz --sparsity 0.75 -o build/sparse",
            "edgekit deploy model.tflite --board native -o build/model",
        )
    )(deploy)


def demo(
    out: o.Out = Path("demo"),
    board: o.BoardName = DEFAULT_BOARD,
    eval_samples: o.EvalSamples = 100,
    seed: o.Seed = 0,
    force: o.Force = False,
    as_json: o.Json = False,
    debug: o.Debug = False,
) -> None:
    """Digits: train, prune, quantize, build, run on an emulated Cortex-M4, measure."""
    from edgekit.cli.journey_tables import show_demo
    from edgekit.verbs.demo import demo as verb

    deliver(
        lambda progress: verb(
            out=out,
            board=board,
            eval_samples=eval_samples,
            seed=seed,
            force=force,
            progress=progress,
        ),
        show_demo,
        as_json=as_json,
    )


def deploy(
    model: o.Model,
    data: o.Data = None,
    out: o.Out = Path("build"),
    board: o.BoardName = DEFAULT_BOARD,
    runtime: o.RuntimeName = o.Runtime.AOT,
    optimize: o.OptimizeFor = o.Optimize.BALANCED,
    compress: o.Compressed = o.Compress.NONE,
    strip: o.Strip = False,
    allow: o.Allow = None,
    sparsity: Annotated[
        float | None,
        typer.Option(
            metavar="0..1", help="Prune to this share of zeros first.", rich_help_panel=o.DATA
        ),
    ] = None,
    samples: o.Samples = 200,
    eval_samples: o.EvalSamples = 100,
    seed: o.Seed = 0,
    port: o.Port = "",
    name: o.Name = "",
    custom: o.Custom = None,
    force: o.Force = False,
    as_json: o.Json = False,
    debug: o.Debug = False,
) -> None:
    """Take a model to a measured number: convert, firmware, build, bench, report."""
    from edgekit.cli.journey_tables import show_deploy
    from edgekit.verbs.deploy import deploy as verb

    deliver(
        lambda progress: verb(
            model,
            data,
            out=out,
            board=board,
            runtime=runtime.value,
            optimize=optimize.value,
            compress=o.mode_of(compress),
            strip=strip,
            allow=tuple(allow or ()),
            sparsity=sparsity,
            samples=samples,
            eval_samples=eval_samples,
            seed=seed,
            port=port,
            name=name,
            custom=tuple(custom or ()),
            force=force,
            progress=progress,
        ),
        show_deploy,
        as_json=as_json,
    )
