# SPDX-License-Identifier: Apache-2.0
"""What ways were predicted to take, beside what the emulated core counts."""

from __future__ import annotations

import random
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch

from edgekit.link.cycles import MODELS as TIMED
from edgekit.lower.build import lower_graph
from edgekit.lower.program import Target
from edgekit.lower.ways import ways_of
from edgekit.lower.ways.timing import call_cycles
from edgekit.tflite.reader import read_graph
from tests.support.core_cycles import core_cycles
from tests.support.core_models import run_model
from tests.support.layer_shapes import FAMILIES
from tests.support.on_core import core_board
from tests.support.way_models import only


@dataclass(frozen=True, slots=True)
class Found:
    """One layer run one way; cycles are None where no timings are known."""

    way: str
    shape: str
    predicted: float
    counted: int
    predicted_cycles: float | None
    cycles: int | None

    @property
    def error(self) -> float:
        return self.predicted / self.counted - 1


def measure(
    family: str, core: str, dice: random.Random, count: int, *, timed: bool = True
) -> Iterator[Found]:
    """Every layer of a family in every way that can run it."""
    data, shapes = FAMILIES[family](dice, count)
    target = Target(core=core, optimize="speed")
    graph = read_graph(data)
    fitting = [[way.name for way in ways_of(op, graph, target)] for op in graph.ops]
    for name in sorted({way for some in fitting for way in some}):
        with (
            patch("edgekit.lower.build.choose_ways", only(name)),
            patch("edgekit.lower.build.run_passes", lambda graph, target: graph),
        ):
            program = lower_graph(graph, target)
        board = core_board(core)
        with tempfile.TemporaryDirectory() as folder:
            run = run_model(program, Path(folder), board)
            metered = timed and core in TIMED
            costs = core_cycles(Path(folder) / "program.elf", board).ops if metered else ()
        for i, op in enumerate(program.graph.ops):
            call = program.calls[i]
            if call.way == name:
                shape = shapes[graph.output_of(op).name]
                cycles = costs[i].cycles if costs else None
                told = call_cycles(call, core)
                yield Found(name, shape, call.instructions, run.ops[i], told, cycles)
