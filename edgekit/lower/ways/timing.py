# SPDX-License-Identifier: Apache-2.0
"""Predicted cycles: instructions of each way times what one of them takes on the core.

Counted by firmware/emulator/ek_cycles.c on layers of random shapes and on sparse ones
(benchmarks/prediction_shapes.py, benchmarks/sparse_table.py), without wait states.
"""

from __future__ import annotations

from edgekit.lower.program import KernelCall, Program

# Core -> the one whose timings Arm publishes and that are charged; no others are known.
TIMED = {
    "cortex-m0plus": "cortex-m0plus",
    "cortex-m3": "cortex-m3",
    "cortex-m4": "cortex-m4",
    "cortex-m33": "cortex-m4",
}
# By a way's name, its first word, or the kernel that portable C runs.
CYCLES: dict[str, dict[str, float]] = {
    "cortex-m4": {
        **{"wide rows": 1.5, "wide windows": 1.52, "planes taps": 1.5},
        **{"packed row": 1.38, "packed rows": 1.41, "packed windows": 1.42},
        **{"winograd": 1.45, "winograd small": 1.41, "planes": 1.31},
        **{"pool": 1.42, "formula": 1.12, "2x2": 1.36, "8x2": 1.27, "4x2": 1.27},
        **{"conv_2d": 1.43, "depthwise_conv_2d": 1.27, "fully_connected": 1.43},
        **{"add": 1.08, "sub": 1.08, "mul": 1.11, "max_pool_2d": 1.18, "mean": 1.57},
        **{"strided_copy": 1.59},
    },
    "cortex-m3": {
        # Products with sums take two cycles: more the longer the sums, here of about 64 inputs.
        **{"plain lines": 1.81, "plain row": 1.81, "plain rows": 2.1, "plain windows": 2.05},
        **{"plain winograd": 1.58, "trio lines": 1.7, "trio rows": 2.0, "trio windows": 1.95},
        **{"trio rows in parts": 2.1, "trio windows in parts": 2.2},
        **{"formula": 1.335, "conv_2d": 1.72, "depthwise_conv_2d": 1.38, "fully_connected": 1.66},
        **{"softmax": 1.58, "add": 1.27, "sub": 1.27, "max_pool_2d": 1.25},
    },
    "cortex-m0plus": {
        **{"plain lines": 1.465, "plain row": 1.42, "plain": 1.475, "plain winograd": 1.365},
        **{"trio lines": 1.43, "trio rows": 1.42, "trio windows": 1.46},
        **{"formula": 1.37, "conv_2d": 1.27, "depthwise_conv_2d": 1.34, "fully_connected": 1.29},
        **{"table": 1.63, "average_pool_2d": 1.27, "strided_copy": 1.5},
    },
}
OTHERS = {"cortex-m4": 1.37, "cortex-m3": 1.45, "cortex-m0plus": 1.34}


def predicted_cycles(program: Program, core: str) -> int | None:
    """What the chosen ways are predicted to take; None for a core without published timings."""
    each = [call_cycles(call, core) for call in program.calls]
    return None if None in each else round(sum(filter(None, each)))


def call_cycles(call: KernelCall, core: str) -> float | None:
    """What one call is predicted to take; None for a core without published timings."""
    if core not in TIMED:
        return None
    if call.alias:
        return 0.0
    return call.instructions * per_instruction(TIMED[core], call.way, call.kernel)


def per_instruction(core: str, way: str, kernel: str = "") -> float:
    """Cycles of one instruction of `way`, or of `kernel` in portable C."""
    known = CYCLES[core]
    for name in (way, way.split(" ")[0], kernel):
        if name in known:
            return known[name]
    return OTHERS[core]
