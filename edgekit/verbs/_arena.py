# SPDX-License-Identifier: Apache-2.0
"""TFLite Micro's arena for a .tflite file, and how that number was found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from edgekit.boards import DEFAULT_BOARD, Board, load_board
from edgekit.errors import EdgekitError, LimitBroken
from edgekit.tflite.layers import layer_of
from edgekit.tflm.arena import ArenaPart, ArenaPlan, arena_advice, plan_arena
from edgekit.tflm.arena.kernels import KERNEL_SETS, kernel_sets_of

if TYPE_CHECKING:
    from edgekit.tflite.golden import TflmGolden
    from edgekit.tflite.graph import Graph


@dataclass(frozen=True, slots=True)
class TflmArena:
    """The arena that TFLite Micro needs, in bytes: the larger of the kernel sets on `core`.

    `plans` holds each kernel set's own. `parts` adds up to `arena_bytes`, `largest` are the three
    largest tensors in it. Where an op's needs are
    not known, `exact` is False, `plans` and `parts` are empty, and the number is what the 64-bit
    interpreter of this host uses, which may be too small for `AllocateTensors` on the device.
    """

    arena_bytes: int
    exact: bool
    how: str
    core: str
    plans: dict[str, int]
    parts: tuple[ArenaPart, ...]
    largest: tuple[ArenaPart, ...] = ()


def plans_for(graph: Graph, core: str) -> tuple[ArenaPlan, ...]:
    """The plan of each kernel set that is known on `core`; raises as `plan_arena` does."""
    return tuple(plan_arena(graph, kernels=each, core=core) for each in kernel_sets_of(core))


def largest_of(plans: tuple[ArenaPlan, ...]) -> TflmArena:
    """The plan that needs most, which is enough for whichever kernels a library has."""
    plan = max(plans, key=lambda each: each.arena_bytes)
    return TflmArena(
        arena_bytes=plan.arena_bytes,
        exact=True,
        how=f"{plan.how}, the larger of both sets" if len(plans) > 1 else plan.how,
        core=plan.core,
        plans={each.kernels: each.arena_bytes for each in plans},
        parts=plan.parts,
        largest=tuple(ArenaPart(buffer.name, buffer.bytes) for buffer in plan.largest(3)),
    )


def tflm_arena(graph: Graph, board: Board | None, tflm: TflmGolden | None) -> TflmArena | None:
    """The arena of `graph`, op for op what TFLite Micro runs (read with `decode=False`).

    `tflm` is the interpreter with the model in it, for an op whose needs are not known; None is
    given back where that is missing too. Without `board` it is the default board's core.
    """
    core = (board or load_board(DEFAULT_BOARD)).core
    try:
        return largest_of(plans_for(graph, core))
    except EdgekitError as error:
        return _estimate(str(error), core, tflm)


def _estimate(reason: str, core: str, tflm: TflmGolden | None) -> TflmArena | None:
    if tflm is None:
        return None
    how = f"estimate: what TFLite Micro {tflm.version} uses on this 64-bit host; {reason}"
    return TflmArena(tflm.arena_bytes(), exact=False, how=how, core=core, plans={}, parts=())


def check_arena(arena: TflmArena, board: Board) -> None:
    """LimitBroken, with by how much and the three largest tensors, unless `board` has the RAM."""
    over = arena.arena_bytes - board.memory.ram_bytes
    if over <= 0:
        return
    tensors = ", ".join(f"{layer_of(part.name)} {part.bytes:,} bytes" for part in arena.largest)
    raise LimitBroken(
        f"the tensor arena alone needs {arena.arena_bytes:,} bytes, {over:,} more than the RAM of "
        f"{board.id}{'; the largest tensors: ' if tensors else ''}{tensors}",
        hint="give the model a smaller input or fewer channels there, or take a board with more "
        "RAM: edgekit boards",
    )


def used_arena_words(used: int, given: int, kernels: str, plans: dict[str, int]) -> str:
    """What to say of an arena after a run on the device, "" where it is right.

    `used` and `given` are as the device reports them, `kernels` the library's ("reference",
    "cmsis-nn", "" where it does not know), `plans` the planned arenas by kernel set.
    """
    known = kernels.replace("-", "_")
    least = plans.get(known, 0) if known in KERNEL_SETS else max(plans.values(), default=0)
    return arena_advice(used, given, least)
