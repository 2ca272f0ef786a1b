# SPDX-License-Identifier: Apache-2.0
"""Ways under a limit of RAM: chosen by what their plans take, never slower with more of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgekit.lower.build import lower_graph
from edgekit.lower.program import Program, Target
from edgekit.tflite.reader import read_graph
from tests.support.separable import separable

LIMITS = (0, 3000, 2600, 2400, 2200, 2000, 1800)  # falling; 0 is any


def lowered(data: bytes, ram_bytes: int, core: str = "cortex-m4") -> Program:
    return lower_graph(read_graph(data), Target(core, "speed", ram_bytes=ram_bytes))


def instructions(program: Program) -> float:
    return sum(call.instructions for call in program.calls)


@pytest.mark.parametrize("core", ["cortex-m4", "cortex-m0plus", "cortex-m55"])
def test_more_memory_is_never_slower_and_nothing_that_fits_is_missed(core: str) -> None:
    data = separable()
    programs = [lowered(data, limit, core) for limit in LIMITS]
    costs = [instructions(program) for program in programs]
    assert costs == sorted(costs)
    arenas = [program.plan.arena_bytes for program in programs]
    for limit, arena in zip(LIMITS[1:], arenas[1:], strict=True):
        assert arena <= limit or min(arenas) > limit
    assert costs[0] < costs[-1] and arenas[0] > arenas[-1]


def test_ways_at_the_top_of_the_arena_become_leaner_not_portable() -> None:
    free, tight = (lowered(separable(), limit) for limit in (0, 2200))
    assert tight.plan.arena_bytes <= 2200 < free.plan.arena_bytes
    assert {call.way for call in tight.calls} == {call.way for call in free.calls}
    assert instructions(tight) < 1.5 * instructions(free)


def test_a_layer_of_kws_is_not_left_to_portable_c_for_a_few_bytes(shared: Path) -> None:
    graph = read_graph(shared / "models" / "mlperf_tiny" / "kws_ref_model.tflite")
    free, tight, leanest = (
        lower_graph(graph, Target("cortex-m4", "balanced", ram_bytes=limit))
        for limit in (0, 9100, 8600)
    )
    assert tight.plan.arena_bytes <= 9100 < free.plan.arena_bytes
    assert instructions(tight) < 1.2 * instructions(free)
    assert leanest.plan.arena_bytes <= 8600
    assert instructions(leanest) < 2 * instructions(free)
