# SPDX-License-Identifier: Apache-2.0
"""Random models on an emulated core: every kernel that fits, drawn at random, against TFLM."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from unittest.mock import patch

from edgekit.errors import EdgekitError
from edgekit.lower.build import lower_graph, refusals
from edgekit.lower.program import Program, Target
from edgekit.lower.ways import Way
from edgekit.tflite.graph import Graph
from edgekit.tflite.reader import read_graph
from tests.random_graphs.sweep import Task, model_of
from tests.support.core_models import golden_hashes
from tests.support.many_on_core import run_many
from tests.support.on_core import core_board

ROOT = Path(__file__).resolve().parents[2]
GOLDEN = "from tests.random_graphs.on_core import tell_golden; tell_golden()"
OWN = ("helium", "plain", "trio")
WHOLE = ("int8", "uint8", "int16", "int32", "int64", "bool")


@dataclass(slots=True)
class CoreSummary:
    """What came of the models: how many were equal, by which ways; names of those that were not."""

    equal: int = 0
    unfit: int = 0  # refused, with inputs of floats, or TFLM aborts
    ways: Counter[str] = field(default_factory=Counter)
    different: list[str] = field(default_factory=list)


Chooser = Callable[[Sequence[Sequence[Way]], Graph, Target], list[Way]]


def at_random(seed: int) -> Chooser:
    """A chooser that draws a way for each op: one for the core alone more often than others,
    portable C where nothing else fits."""

    def choose(ways: Sequence[Sequence[Way]], graph: Graph, target: Target) -> list[Way]:
        dice = random.Random(seed)
        own = [[way for way in some if way.name.startswith(OWN)] for some in ways]
        return [
            dice.choice(mine if mine and dice.random() < 0.7 else some[1:] or some)
            for some, mine in zip(ways, own, strict=True)
        ]

    return choose


def golden_of(tasks: Sequence[Task]) -> Iterator[tuple[Task, list[int] | None]]:
    """TFLM's hashes of each model, computed in processes that may abort: then None."""
    waiting = list(tasks)
    while waiting:
        lines = "\n".join(json.dumps([task.kind, task.seed]) for task in waiting)
        done = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", GOLDEN],
            input=lines,
            capture_output=True,
            text=True,
            cwd=ROOT,
            env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1"},
            check=False,
        )
        answers = [line[2:] for line in done.stdout.splitlines() if line.startswith("> ")]
        for line in answers:
            yield waiting.pop(0), json.loads(line)
        if waiting:
            yield waiting.pop(0), None


def tell_golden() -> None:
    """The worker of `golden_of`: tasks from standard input, an answer a line."""
    for line in sys.stdin:
        kind, seed = json.loads(line)
        hashes = None
        data = model_of(Task(kind, seed))
        graph = read_graph(data)
        whole = all(graph.tensor(index).dtype in WHOLE for index in graph.inputs)
        if whole and not refusals(graph):
            try:
                hashes = golden_hashes(data)
            except EdgekitError:
                hashes = None
        sys.stdout.write(f"> {json.dumps(hashes)}\n")
        sys.stdout.flush()


def lowered(task: Task, core: str) -> Program:
    """The model's program for `core`, with ways drawn by its seed."""
    with patch("edgekit.lower.build.choose_ways", at_random(task.seed)):
        return lower_graph(read_graph(model_of(task)), Target(core=core, optimize="speed"))


def run_batch(
    tasks: Sequence[tuple[Task, list[int] | None]], core: str, summary: CoreSummary
) -> None:
    """Runs the models as one program on `core` and adds what came of them."""
    programs, golden = {}, {}
    for task, hashes in tasks:
        if hashes is None:
            summary.unfit += 1
            continue
        name = f"{task.kind}_{task.seed}"
        programs[name], golden[name] = lowered(task, core), hashes
    if not programs:
        return
    with tempfile.TemporaryDirectory() as folder:
        got = run_many(programs, Path(folder), core_board(core))
    for name, program in programs.items():
        if got[name] == golden[name]:
            summary.equal += 1
            summary.ways.update(call.way for call in program.calls)
        else:
            summary.different.append(name)
