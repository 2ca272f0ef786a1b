# SPDX-License-Identifier: Apache-2.0
"""cluster and fit: smaller in values, smaller until a board takes it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from edgekit.cli import options as o
from edgekit.cli import training_options as t
from edgekit.cli.console import deliver
from edgekit.cli.examples import examples

SEARCH = "Search"


def add_to(app: typer.Typer) -> None:
    app.command(
        epilog=examples(
            "edgekit cluster model.keras --data train.npz --clusters 16 -o clustered.keras",
            "edgekit cluster model.keras --clusters 32 --epochs 0 -o clustered.keras",
        )
    )(cluster)
    app.command(
        epilog=examples(
            "edgekit fit model.keras --board my_board.toml --data train.npz --max-drop 0.02 -o fit",
            "edgekit fit model.keras --board my_board.toml --data train.npz --time-budget-s 1800",
            "edgekit fit model.keras --board my_board.toml --data train.npz --study sqlite:///f.db",
        )
    )(fit)


def cluster(
    model: o.Model,
    data: o.Data = None,
    out: Annotated[
        Path,
        typer.Option(
            "-o",
            "--out",
            metavar="FILE",
            help="Where to write the clustered .keras file.",
            rich_help_panel=o.OUTPUT,
        ),
    ] = Path("clustered.keras"),
    clusters: Annotated[
        int, typer.Option(metavar="N", min=2, max=256, help="Different values in each kernel.")
    ] = 16,
    start: Annotated[
        str,
        typer.Option(
            metavar="HOW", help="Where the values begin: kmeans, linear, density or random."
        ),
    ] = "kmeans",
    keep: t.Keep = None,
    epochs: t.Epochs = 1,
    batch_size: t.BatchSize = 128,
    learning_rate: t.LearningRate = 1e-4,
    seed: o.Seed = 0,
    custom: o.Custom = None,
    force: o.Force = False,
    as_json: o.Json = False,
    debug: o.Debug = False,
) -> None:
    """Let each kernel share a few values, so that tables of them compress it."""
    from edgekit.cli.shrink_tables import show_cluster
    from edgekit.verbs.cluster import cluster as verb

    deliver(
        lambda progress: verb(
            model,
            data,
            out=out,
            clusters=clusters,
            start=start,
            keep=tuple(keep or ()),
            epochs=epochs,
            batch_size=batch_size,
            learning_rate=learning_rate,
            seed=seed,
            custom=tuple(custom or ()),
            force=force,
            progress=progress,
        ),
        show_cluster,
        as_json=as_json,
    )


def fit(
    model: o.Model,
    board: o.BoardName,
    data: o.Data = None,
    out: o.Out = Path("fit"),
    max_drop: Annotated[
        float | None,
        typer.Option(metavar="0..1", help="Accuracy that may be lost.", rich_help_panel=o.TARGET),
    ] = None,
    max_latency: Annotated[
        float | None,
        typer.Option(
            metavar="N",
            help="Of an inference: instructions, or microseconds where time is measured.",
            rich_help_panel=o.TARGET,
        ),
    ] = None,
    trials: Annotated[
        int,
        typer.Option(metavar="N", min=1, help="Candidates in the study.", rich_help_panel=SEARCH),
    ] = 20,
    time_budget_s: Annotated[
        float | None,
        typer.Option(
            metavar="SECONDS", help="Start no candidate after this long.", rich_help_panel=SEARCH
        ),
    ] = None,
    study: Annotated[
        str,
        typer.Option(
            metavar="URL",
            help="Journal file or database URL; several processes may share it.",
            rich_help_panel=SEARCH,
        ),
    ] = "",
    search: Annotated[
        list[str] | None,
        typer.Option(
            metavar="PART",
            help="channels (default), sparsity or ranges; may be repeated.",
            rich_help_panel=SEARCH,
        ),
    ] = None,
    epochs: t.SomeEpochs = None,
    steps: t.SomeSteps = None,
    final_steps: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            min=1,
            help="More steps of the winner in the end.",
            rich_help_panel=t.PANEL,
        ),
    ] = None,
    batch_size: t.SomeBatchSize = None,
    learning_rate: t.LearningRate = 1e-3,
    augment: Annotated[
        str, typer.Option(metavar="HOW", help="none or flip_shift.", rich_help_panel=t.PANEL)
    ] = "none",
    optimize: o.OptimizeFor = o.Optimize.BALANCED,
    samples: o.Samples = 200,
    eval_samples: o.EvalSamples = 500,
    seed: o.Seed = 0,
    custom: o.Custom = None,
    force: o.Force = False,
    as_json: o.Json = False,
    debug: o.Debug = False,
) -> None:
    """Search for the model that fits a board's flash, RAM and time, and loses least."""
    from edgekit.cli.shrink_tables import show_fit
    from edgekit.verbs.fit import fit as verb

    deliver(
        lambda progress: verb(
            model,
            data,
            board=board,
            out=out,
            max_drop=max_drop,
            max_latency=max_latency,
            trials=trials,
            time_budget_s=time_budget_s,
            study=study,
            search=tuple(search or ("channels",)),
            epochs=epochs,
            steps=steps,
            final_steps=final_steps,
            batch_size=batch_size,
            learning_rate=learning_rate,
            augment=augment,
            optimize=optimize.value,
            samples=samples,
            eval_samples=eval_samples,
            seed=seed,
            custom=tuple(custom or ()),
            force=force,
            progress=progress,
        ),
        show_fit,
        as_json=as_json,
    )
