# SPDX-License-Identifier: Apache-2.0
"""mlperf and serve: MLPerf Tiny's measurement, and an emulated board as a serial port."""

from __future__ import annotations

import signal
import sys
from enum import StrEnum
from typing import Annotated

import typer

from edgekit.cli import options as o
from edgekit.cli.console import console, deliver
from edgekit.cli.examples import examples


class Mode(StrEnum):
    PERFORMANCE = "performance"
    ACCURACY = "accuracy"
    BOTH = "both"


def add_to(app: typer.Typer) -> None:
    app.command(
        epilog=examples(
            "edgekit mlperf build/ic/fw",
            "edgekit mlperf build/ic/fw --data cifar10.npz --mode both --files 200",
            "edgekit mlperf build/ic/fw --data cifar10.npz --make-data datasets --files 200",
            "edgekit mlperf build/kws/fw --port /dev/ttyACM0 --data datasets",
        ),
    )(mlperf)
    app.command(
        epilog=examples(
            "edgekit serve build/ic/fw",
            "edgekit serve build/ic/fw --link /tmp/ttyBoard",
            "edgekit serve build/ic/fw --icount --seconds 600",
        ),
    )(serve)


def mlperf(
    folder: o.Folder,
    data: Annotated[
        str | None,
        typer.Option(
            "--data",
            metavar="DATA",
            help="A folder in the official runner's layout, or what bench takes, with labels."
            " Without it, generated inputs.",
            rich_help_panel=o.DATA,
        ),
    ] = None,
    port: o.Port = "",
    mode: Annotated[
        Mode, typer.Option("--mode", help="What to measure.", rich_help_panel=o.TARGET)
    ] = Mode.PERFORMANCE,
    files: Annotated[
        int,
        typer.Option(
            "--files",
            metavar="N",
            min=0,
            help="Files of the data; default: 5 for performance, else 60.",
            rich_help_panel=o.DATA,
        ),
    ] = 0,
    make_data: Annotated[
        str,
        typer.Option(
            "--make-data",
            metavar="FOLDER",
            help="Run nothing; write the files in the official runner's layout.",
            rich_help_panel=o.OUTPUT,
        ),
    ] = "",
    seed: o.Seed = 0,
    as_json: o.Json = False,
    debug: o.Debug = False,
) -> None:
    """Measure throughput and accuracy as MLPerf Tiny does, over its text protocol."""
    from edgekit.cli.mlperf_tables import show_mlperf
    from edgekit.verbs.mlperf import mlperf as verb

    deliver(
        lambda progress: verb(
            folder,
            data,
            port=port,
            mode=mode.value,
            files=files,
            make_data=make_data,
            seed=seed,
            progress=progress,
        ),
        show_mlperf,
        as_json=as_json,
    )


def serve(
    folder: o.Folder,
    link: Annotated[
        str,
        typer.Option(
            "--link",
            metavar="PATH",
            help="A name for the port, as long as it is served.",
            rich_help_panel=o.OUTPUT,
        ),
    ] = "",
    icount: Annotated[
        bool,
        typer.Option(
            "--icount",
            help="Let the board's clock count instructions, not this computer's time.",
            rich_help_panel=o.TARGET,
        ),
    ] = False,
    seconds: Annotated[
        float | None,
        typer.Option(metavar="S", min=0.0, help="How long; default: until Ctrl-C."),
    ] = None,
    as_json: o.Json = False,
    debug: o.Debug = False,
) -> None:
    """Run an emulated board as a serial port that any program can open."""
    import json

    from edgekit.artifacts import plain
    from edgekit.cli.mlperf_tables import show_served
    from edgekit.verbs.serve import ServeRecord
    from edgekit.verbs.serve import serve as verb

    def ready(record: ServeRecord) -> None:
        """The port is needed while it is served: on stdout at once, alone on its line."""
        sys.stdout.write(f"{json.dumps(plain(record)) if as_json else record.port}\n")
        sys.stdout.flush()
        show_served(console(), plain(record), quiet=as_json)

    # ended by another program it also takes the link away
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    verb(folder, link=link, icount=icount, seconds=seconds, ready=ready)
