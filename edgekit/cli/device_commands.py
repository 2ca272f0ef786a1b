# SPDX-License-Identifier: Apache-2.0
"""firmware, build, bench: from an int8 model to a number off a board."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from edgekit.boards import DEFAULT_BOARD
from edgekit.cli import options as o
from edgekit.cli.console import deliver
from edgekit.cli.examples import examples
from edgekit.progress import Progress


def add_to(app: typer.Typer) -> None:
    app.command(
        epilog=examples(
            "edgekit firmware build/kws -o build/kws/fw",
            "edgekit firmware kws.tflite --board qemu-mps2-an505 -o fw-m33",
            "edgekit firmware kws.tflite --runtime tflm -o fw-tflm",
            "edgekit firmware kws.tflite --mlperf auto -o fw-mlperf",
            "edgekit firmware vww.tflite --stream-rows -o fw-camera",
            "edgekit firmware kws.tflite --template arduino --board arduino-nano-33-ble -o ino",
        )
    )(firmware)
    app.command(
        epilog=examples(
            "edgekit build build/kws/fw",
            "edgekit build fw-native --sanitize",
            "edgekit build fw-tflm --tflm-dir ~/tflite-micro",
        )
    )(build)
    app.command(
        epilog=examples(
            "edgekit bench build/kws/fw --data test.npz --eval-samples 500",
            "edgekit bench build/kws/fw",
            "edgekit bench build/kws/fw --port /dev/ttyACM0",
            "edgekit bench build/kws/fw --board all -o build/kws/boards",
            "edgekit bench fw-m4 fw-m7 --port /dev/ttyACM0 --port /dev/ttyACM1",
        )
    )(bench)


def firmware(
    model: o.ConvertedModel,
    out: o.Out = Path("fw"),
    board: o.BoardName = DEFAULT_BOARD,
    runtime: o.RuntimeName = o.Runtime.AOT,
    template: o.TemplateName = "",
    optimize: o.OptimizeFor = o.Optimize.BALANCED,
    name: o.Name = "",
    arena_bytes: Annotated[
        int | None,
        typer.Option(
            "--arena-bytes",
            metavar="N",
            min=1,
            help="TFLite Micro's arena; default: as planned.",
            rich_help_panel=o.TARGET,
        ),
    ] = None,
    mlperf: Annotated[
        str,
        typer.Option(
            "--mlperf",
            metavar="TASK",
            help="Speak MLPerf Tiny's text protocol too: ad01, ic01, kws01, vww01, or auto.",
            rich_help_panel=o.TARGET,
        ),
    ] = "",
    stream_rows: Annotated[
        bool,
        typer.Option(
            "--stream-rows",
            help="Take the input by rows as they arrive, and hold a few of them only (aot).",
            rich_help_panel=o.TARGET,
        ),
    ] = False,
    force: o.Force = False,
    as_json: o.Json = False,
    debug: o.Debug = False,
) -> None:
    """Write a firmware project that a person can open, read and build."""
    from edgekit.cli.tables import show_firmware
    from edgekit.verbs.firmware import firmware as verb

    deliver(
        lambda progress: verb(
            model,
            out=out,
            board=board,
            runtime=runtime.value,
            template=template,
            optimize=optimize.value,
            name=name,
            arena_bytes=arena_bytes,
            mlperf=mlperf,
            stream_rows=stream_rows,
            force=force,
        ),
        show_firmware,
        as_json=as_json,
    )


def build(
    folder: o.Folder,
    sanitize: Annotated[
        bool,
        typer.Option(
            "--sanitize",
            help="Address and undefined-behaviour checks (board native).",
            rich_help_panel=o.TARGET,
        ),
    ] = False,
    tflm_dir: o.TflmDir = "",
    as_json: o.Json = False,
    debug: o.Debug = False,
) -> None:
    """Compile the firmware and hold its flash and RAM against the board's limits."""
    from edgekit.cli.tables import show_build
    from edgekit.verbs.build import build as verb

    deliver(
        lambda progress: verb(folder, sanitize=sanitize, tflm_dir=tflm_dir),
        show_build,
        as_json=as_json,
    )


def bench(
    folders: o.Folders,
    data: o.Data = None,
    board: o.Boards = None,
    port: o.Ports = None,
    eval_samples: o.EvalSamples = 100,
    samples: Annotated[
        int,
        typer.Option(
            metavar="N",
            min=0,
            help="What calibration took of labelled data; those are left out.",
            rich_help_panel=o.DATA,
        ),
    ] = 200,
    seed: o.Seed = 0,
    profile: Annotated[
        bool,
        typer.Option("--profile/--no-profile", help="Time each layer.", rich_help_panel=o.TARGET),
    ] = True,
    out: o.OptionalOut = None,
    force: o.Force = False,
    as_json: o.Json = False,
    debug: o.Debug = False,
) -> None:
    """Run samples on the board; compare every output, measure latency and memory."""
    from edgekit.cli.journey_tables import show_bench
    from edgekit.cli.several_tables import show_boards_run
    from edgekit.verbs.bench import bench as verb
    from edgekit.verbs.bench_boards import bench_boards

    asked: dict[str, Any] = {
        "eval_samples": eval_samples,
        "seed": seed,
        "calibrated": samples,
        "profile": profile,
    }
    several = len(folders) > 1 or bool(board) or len(port or ()) > 1

    def run(progress: Progress) -> Any:
        if not several:
            one = port[0] if port else ""
            return verb(
                folders[0], data, port=one, out=out, force=force, progress=progress, **asked
            )
        return bench_boards(
            *folders,
            data=data,
            boards=board or (),
            ports=port or (),
            out=out,
            force=force,
            progress=progress,
            **asked,
        )

    deliver(run, show_boards_run if several else show_bench, as_json=as_json)
