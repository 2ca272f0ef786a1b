# SPDX-License-Identifier: Apache-2.0
"""What a candidate of `fit` will take, foretold from its int8 graph in seconds, not built.

The activations' arena and the constants are counted in the graph, as `inspect` does it; code and
everything else are taken as they are in the firmware of the model as it came. What is built later
shows how far off that was.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from edgekit.errors import EdgekitError
from edgekit.progress import SILENT

if TYPE_CHECKING:
    from edgekit.boards import Board
    from edgekit.lower.program import Program
    from edgekit.tflite.graph import Graph

SAMPLES = 8  # that calibrate: sizes do not depend on ranges
GRID = 0.125  # in which shares of channels are tried
MOST = 0.875
MARGIN = 0.05  # of a limit: what is foretold to be above it by more is not built


@dataclass(frozen=True, slots=True)
class Foretold:
    """Bytes: of constants and arena as counted in the graph, and MACs of one inference."""

    constant_bytes: int
    arena_bytes: int
    macs: int


def foretell(model: Any, board: Board, optimize: str, seed: int) -> Foretold:
    """Quantize with generated samples and count; EdgekitError where it cannot be converted."""
    from edgekit.lower.build import lower_graph
    from edgekit.lower.program import Target
    from edgekit.verbs._conversion import Options, from_keras

    graph = from_keras(model, None, Options(SAMPLES, 0, seed), SILENT).graph
    return count(graph, lower_graph(graph, Target(core=board.core, optimize=optimize)))


def count(graph: Graph, program: Program) -> Foretold:
    from edgekit.lower.build import macs

    used = {i for op in graph.ops for i in op.inputs if i >= 0 and graph.tensor(i).is_constant}
    return Foretold(
        constant_bytes=sum(graph.tensor(index).bytes for index in used),
        arena_bytes=program.plan.arena_bytes,
        macs=sum(macs(op, graph) for op in graph.ops),
    )


def as_firmware(foretold: Foretold, base: Mapping[str, Any]) -> tuple[int, int]:
    """Flash and RAM in bytes: those of `base`, the row of the model as it came, less what went."""
    return (
        base["flash_bytes"] - base["foretold"]["constant_bytes"] + foretold.constant_bytes,
        base["ram_bytes"] - base["foretold"]["arena_bytes"] + foretold.arena_bytes,
    )


def tightest(
    fits: Callable[[dict[str, float]], bool], groups: Sequence[str], worth: Mapping[str, float]
) -> dict[str, float]:
    """Shares of channels to remove, name of a group -> share, such that no group could keep more.

    From the smallest share of all groups that fits on, each group takes back what it can, the one
    with the most `worth` first. {} where not even the largest share fits.
    """
    steps = [GRID * step for step in range(int(MOST / GRID) + 1)]

    def least(point: Callable[[float], dict[str, float]], most: int) -> int:
        """The first of `steps` that fits; the last, `most`, is known to."""
        low = 0
        while low < most:
            middle = (low + most) // 2
            if _holds(fits, point(steps[middle])):
                most = middle
            else:
                low = middle + 1
        return most

    last = len(steps) - 1
    if not groups or not _holds(fits, dict.fromkeys(groups, steps[last])):
        return {}
    share = least(lambda s: dict.fromkeys(groups, s), last)
    found = dict.fromkeys(groups, steps[share])
    for name in sorted(groups, key=lambda group: -worth.get(group, 0.0)):

        def other(s: float, name: str = name) -> dict[str, float]:
            return found | {name: s}

        found[name] = steps[least(other, share)]
    return found


def _holds(fits: Callable[[dict[str, float]], bool], point: dict[str, float]) -> bool:
    try:
        return fits(point)
    except EdgekitError:
        return False
