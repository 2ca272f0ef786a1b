# SPDX-License-Identifier: Apache-2.0
"""The arena that TFLite Micro needs for a graph, found without running it.

`MicroInterpreter::AllocateTensors` is replayed call by call (facts: tflite-micro 90b983c of
2026-08-20, CMSIS-NN 4ab83cc). Everything that a kernel asks for is one entry of a table in `ops`
(reference kernels) or `cmsis_nn` (what differs there); C struct sizes are computed in `abi`.
"""

from edgekit.tflm.arena.advice import arena_advice
from edgekit.tflm.arena.plan import KERNEL_SETS, ArenaPart, ArenaPlan, arena_for, plan_arena

__all__ = [
    "KERNEL_SETS",
    "ArenaPart",
    "ArenaPlan",
    "arena_advice",
    "arena_for",
    "plan_arena",
]
