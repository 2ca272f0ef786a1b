# SPDX-License-Identifier: Apache-2.0
"""What a way is: a kernel call that is exact for an op, with what it is predicted to cost."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from edgekit.lower.opkind import REGISTRY
from edgekit.lower.program import DSP, KernelCall, Program, Target
from edgekit.tflite.graph import Graph, Op

PORTABLE = "portable"
# Instructions of the portable kernels per multiply-accumulate (pools: per input of a window) and
# per output, by kind: measured at -O2 on a Cortex-M4. Only their order against others matters.
PORTABLE_COSTS = {
    "ADD": (0.0, 41.0),
    "SUB": (0.0, 41.0),
    "AVERAGE_POOL_2D": (7.0, 40.0),
    "CONV_2D": (4.0, 30.0),
    "DEPTHWISE_CONV_2D": (9.0, 40.0),
    "FULLY_CONNECTED": (4.0, 30.0),
}
PORTABLE_OTHERS = (0.0, 30.0)
# The same on other cores, as a multiple: measured on FULLY_CONNECTED and DEPTHWISE_CONV_2D.
PORTABLE_FACTORS = {"cortex-m0": 1.6, "cortex-m0plus": 1.6, "rv32": 1.15}
# Cycles of a Cortex-M4 per instruction, by the first word of a way's name: counted by
# firmware/emulator/ek_cycles.c over the MLPerf Tiny models, dense and pruned.
CYCLES = {
    **{"packed": 1.39, "winograd": 1.41, "planes": 1.3, "pool": 1.37, "formula": 1.18},
    **{"2x2": 1.36, "8x2": 1.27, "4x2": 1.27},
}
CYCLES_OTHERS = 1.37
TIMED_ALIKE = ("cortex-m4", "cortex-m33")
PORTABLE_CODE_BYTES = 600


@dataclass(frozen=True, slots=True)
class Way:
    """One way to run one op.

    `instructions` are predicted for one inference on the target's core, `flash_bytes` are weights
    and constants, `code` names the functions that the way calls and their bytes: layers share them.
    `lower` makes the call; only the chosen way's is asked. `lead` is that of input 0
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
        return self.instructions * _per_instruction(self.name)


def predicted_cycles(program: Program, core: str) -> int | None:
    """What the chosen ways are predicted to take; None for a core that is timed otherwise."""
    each = [call_cycles(call, core) for call in program.calls]
    return None if None in each else round(sum(filter(None, each)))


def call_cycles(call: KernelCall, core: str) -> float | None:
    """What one call is predicted to take; None for a core that is timed otherwise."""
    if core not in TIMED_ALIKE:
        return None
    return 0.0 if call.alias else call.instructions * _per_instruction(call.way)


def _per_instruction(way: str) -> float:
    return CYCLES.get(way.split(" ")[0], CYCLES_OTHERS)


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
    return [
        _portable(op, graph, target),
        *(way for make in makers for way in make(op, graph, target)),
    ]


def _portable(op: Op, graph: Graph, target: Target) -> Way:
    kind = REGISTRY[op.kind]
    per_mac, per_output = PORTABLE_COSTS.get(op.kind, PORTABLE_OTHERS)
    factor = PORTABLE_FACTORS.get(target.core, 1.0)
    outputs = sum(graph.tensor(index).elements for index in op.outputs)
    constants = (graph.tensor(index) for index in op.inputs if index >= 0)
    call = kind.lower(op, graph, target)
    return Way(
        name=PORTABLE,
        instructions=factor * (_work(op, graph) * per_mac + outputs * per_output),
        flash_bytes=sum(tensor.bytes for tensor in constants if tensor.is_constant),
        scratch_bytes=call.scratch_bytes,
        code=((f"{call.kernel} {sorted(call.params.items(), key=str)}", PORTABLE_CODE_BYTES),),
        lower=lambda: call,
        lead=0 if 0 in call.in_place else dict(call.leads).get(0),
    )


def _work(op: Op, graph: Graph) -> int:
    if "filter_height" not in op.options:
        return REGISTRY[op.kind].macs(op, graph)
    window = op.options["filter_height"] * op.options["filter_width"]
    return graph.output_of(op).elements * int(window)
