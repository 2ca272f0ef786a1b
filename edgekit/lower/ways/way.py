# SPDX-License-Identifier: Apache-2.0
"""What a way is: a kernel call that is exact for an op, with what it is predicted to cost."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cache

from edgekit.lower.opkind import REGISTRY
from edgekit.lower.program import DSP, KernelCall, Target
from edgekit.lower.ways.portable_cost import portable_instructions
from edgekit.lower.ways.timing import per_instruction
from edgekit.tflite.graph import Graph, Op

PORTABLE = "portable"
PORTABLE_CODE_BYTES = 600


@dataclass(frozen=True, slots=True)
class Way:
    """One way to run one op.

    `instructions` are predicted for one inference on the target's core, `flash_bytes` are weights
    and constants, `code` names the functions that the way calls and their bytes: layers share them.
    `lower` makes the call; asked of the ways that are planned, and once. `lead` is that of input 0
    (`KernelCall.leads`, or 0 for `in_place`), None where the output cannot lie over it.
    """

    name: str
    instructions: float
    flash_bytes: int
    scratch_bytes: int
    code: tuple[tuple[str, int], ...]
    lower: Callable[[], KernelCall]
    lead: int | None = None

    @property
    def cycles(self) -> float:
        """Predicted cycles of one inference on a Cortex-M4, without wait states."""
        return self.instructions * per_instruction("cortex-m4", self.name)


Maker = Callable[[Op, Graph, Target], Iterator[Way]]
_MAKERS: dict[str, list[tuple[str, Maker]]] = {}


def way_for(*kinds: str, needs: str = DSP) -> Callable[[Maker], Maker]:
    """Registers a function that yields the ways it knows for ops of `kinds` on cores that have
    what it `needs` (`Target.features`)."""

    def register(maker: Maker) -> Maker:
        for kind in kinds:
            _MAKERS.setdefault(kind, []).append((needs, maker))
        return maker

    return register


def ways_of(op: Op, graph: Graph, target: Target) -> list[Way]:
    """All ways to run `op` on the target's core, portable C first: that one always exists."""
    makers = [make for needs, make in _MAKERS.get(op.kind, []) if needs in target.features]
    others = (way for make in makers for way in make(op, graph, target))
    return [
        _portable(op, graph, target),
        *(replace(way, lower=cache(way.lower)) for way in others),
    ]


def _portable(op: Op, graph: Graph, target: Target) -> Way:
    constants = (graph.tensor(index) for index in op.inputs if index >= 0)
    call = REGISTRY[op.kind].lower(op, graph, target)
    return Way(
        name=PORTABLE,
        instructions=portable_instructions(call, op, graph, target.core),
        flash_bytes=sum(tensor.bytes for tensor in constants if tensor.is_constant),
        scratch_bytes=call.scratch_bytes,
        code=((f"{call.kernel} {sorted(call.params.items(), key=str)}", PORTABLE_CODE_BYTES),),
        lower=lambda: call,
        lead=0 if 0 in call.in_place else dict(call.leads).get(0),
    )
