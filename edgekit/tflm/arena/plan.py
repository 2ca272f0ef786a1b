# SPDX-License-Identifier: Apache-2.0
"""How large an arena has to be for TFLite Micro to accept it, and what is in it."""

from __future__ import annotations

from dataclasses import dataclass

from edgekit.tflite.graph import Graph
from edgekit.tflm.arena.abi import align_up
from edgekit.tflm.arena.allocate import ACTIVATIONS, Allocation, allocate
from edgekit.tflm.arena.calls import ARENA_ALIGNMENT, Need, needs
from edgekit.tflm.arena.greedy import Buffer
from edgekit.tflm.arena.kernels import KERNEL_SETS, Target, kernel_sets_of, target_of

__all__ = ["KERNEL_SETS", "ArenaPart", "ArenaPlan", "arena_for", "plan_arena", "plan_target"]

# Of the sources whose structs and allocator these are; later ones may need a little more.
VERSION = "2026-08"

# What the largest share of an arena is called where it is only needed while TFLM starts.
START_ONLY = "free once AllocateTensors is done"


@dataclass(frozen=True, slots=True)
class ArenaPart:
    """A share of the arena, in bytes."""

    name: str
    bytes: int


@dataclass(frozen=True, slots=True)
class ArenaPlan:
    """The arena of a graph for one kernel set on one core; all sizes in bytes.

    `arena_bytes` is the smallest multiple of 16 that AllocateTensors accepts, whatever the size
    that the array really gets beyond it, where the arena starts at a multiple of 16.
    `used_bytes` is what `arena_used_bytes()` reports then; the rest is needed only while it
    starts. `parts` adds up to `arena_bytes`. `limited_by` is what decides the size.
    """

    kernels: str
    core: str
    arena_bytes: int
    used_bytes: int
    limited_by: str
    parts: tuple[ArenaPart, ...]
    buffers: tuple[Buffer, ...]
    offsets: tuple[int, ...]

    @property
    def how(self) -> str:
        """How the number was found, in words."""
        kernels = "CMSIS-NN" if self.kernels == "cmsis_nn" else "reference"
        return f"planned as TFLite Micro of {VERSION} allocates: {kernels} kernels on {self.core}"

    def largest(self, count: int = 3) -> tuple[Buffer, ...]:
        """The largest tensors, without the kernels' scratch buffers."""
        tensors = [buffer for buffer in self.buffers if buffer.op is None]
        return tuple(sorted(tensors, key=lambda b: -b.bytes)[:count])


def plan_arena(graph: Graph, *, kernels: str, core: str) -> ArenaPlan:
    """The arena for `kernels` ("reference" or "cmsis_nn") on `core` (a board's, "cortex-m4").

    `graph` is op for op what TFLite Micro executes: read with `decode=False`. Raises EdgekitError
    for an op whose needs are not known, and for a core that the kernels are not for.
    """
    return plan_target(graph, target_of(kernels, core))


def arena_for(graph: Graph, core: str) -> ArenaPlan:
    """The larger of the plans of all kernel sets that are known on `core`; raises as above."""
    plans = [plan_arena(graph, kernels=kernels, core=core) for kernels in kernel_sets_of(core)]
    return max(plans, key=lambda plan: plan.arena_bytes)


def plan_target(graph: Graph, target: Target) -> ArenaPlan:
    """As `plan_arena`, for a target with any struct sizes."""
    done = allocate(graph, target)
    least = max(needs(done.calls, residue).least_bytes for residue in range(ARENA_ALIGNMENT))
    need = needs(done.calls)
    arena_bytes = align_up(least, ARENA_ALIGNMENT)
    return ArenaPlan(
        kernels=target.kernels,
        core=target.core,
        arena_bytes=arena_bytes,
        used_bytes=need.used_bytes,
        limited_by=need.least_part,
        parts=_parts(done, need, arena_bytes),
        buffers=tuple(done.buffers),
        offsets=tuple(done.offsets),
    )


def _parts(done: Allocation, need: Need, arena_bytes: int) -> tuple[ArenaPart, ...]:
    sizes = {ACTIVATIONS: need.head_bytes, **need.parts, START_ONLY: arena_bytes - need.used_bytes}
    return tuple(ArenaPart(name, size) for name, size in sizes.items() if size)
