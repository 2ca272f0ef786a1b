# SPDX-License-Identifier: Apache-2.0
"""What portable C takes: instructions of its loops, as GCC 12 compiles them at -O2.

Every kernel is a sum of loops; each has a row with how often it runs and what one round takes on
Thumb-2, on Thumb-1 and on RV32. The rounds were counted in QEMU on layers of random shapes
(benchmarks/prediction_shapes.py), not on the models that are measured elsewhere.
"""

from __future__ import annotations

from typing import Any

from edgekit.lower.program import KernelCall
from edgekit.tflite.graph import Graph, Op

THUMB_2, THUMB_1, RV32 = 0, 1, 2
_COLUMN = {"cortex-m0": THUMB_1, "cortex-m0plus": THUMB_1, "rv32": RV32}
Row = tuple[float, float, float]
_SUM: dict[str, Row] = {"outputs": (42.9, 147.5, 44.2), "once": (40, 60, 30)}
_MOVE: dict[str, Row] = {"outputs": (1.1, 4.5, 3.0), "once": (60, 80, 60)}
_WINDOWED = ("conv_2d", "depthwise_conv_2d")
ROUNDS: dict[str, dict[str, Row]] = {
    "conv_2d": {
        "macs of fours": (3.24, 5.72, 4.25),
        "macs of single channels": (12.3, 8.97, 10.2),
        "runs": (17.0, 51.6, 25.3),
        "outputs": (50.0, 94.9, 38.7),
        "pixels": (10.0, 52.0, 11.4),
    },
    "depthwise_conv_2d": {
        "taps of fours": (40.5, 46.0, 51.2),
        "fours": (230.0, 524.0, 185.0),
        "taps of single channels": (8.03, 7.1, 8.2),
        "single channels": (38.4, 94.8, 38.8),
        "runs": (12.2, 27.8, 15.0),
    },
    "fully_connected": {
        "macs of fours": (3.25, 6.58, 4.25),
        "macs of single channels": (5.97, 8.14, 8.02),
        "outputs": (50.0, 109.0, 43.9),
        "once": (5, 10, 35),
    },
    "average_pool_2d, one pixel": {
        "window": (4.12, 6.58, 3.95),
        "window rows": (4.5, 0.0, 3.0),
        "outputs": (26.0, 68.0, 26.1),
    },
    "average_pool_2d, a few": {"window": (4.07, 4.42, 4.14), "pixels": (9.6, 136.0, 17.6)},
    "average_pool_2d": {"window": (9.8, 17.2, 8.35), "pixels": (0.0, 42.0, 13.8)},
    "max_pool_2d": {"window": (4.05, 4.52, 3.06), "pixels": (13.5, 48.5, 14.3)},
    "softmax": {
        "exponentials": (287.0, 1255.0, 363.0),
        "outputs": (32.6, 31.1, 23.3),
        "rows": (36.8, 0.0, 66.9),
    },
    "table": {"outputs": (4.0, 4.4, 6.05), "once": (29, 40, 25)},
    "add": _SUM,
    "sub": _SUM,
    "mul": {"outputs": (28.0, 78.7, 24.6), "once": (18, 40, 18)},
    "mean": {"inputs": (5.3, 6.8, 4.25), "outputs": (17.0, 37.0, 14.0)},
    "strided_copy": {"outputs": (5.1, 6.1, 5.1), "once": (15, 50, 5)},
    "concatenation": _MOVE,
    "pad": _MOVE,
    "resize_nearest_neighbor": _MOVE,
}
OTHERS: dict[str, Row] = {"outputs": (30.0, 60.0, 32.0)}
A_FEW = 4  # pixels of a window that is unrolled


def portable_instructions(call: KernelCall, op: Op, graph: Graph, core: str) -> float:
    """Instructions of `call` in one inference."""
    if call.alias:
        return 0.0
    kernel, counts = _counted(call, op, graph)
    rounds = ROUNDS.get(kernel, OTHERS)
    column = _COLUMN.get(core, THUMB_2)
    return sum(row[column] * counts[name] for name, row in rounds.items())


def _counted(call: KernelCall, op: Op, graph: Graph) -> tuple[str, dict[str, float]]:
    """The row of ROUNDS, and how often each of its loops runs."""
    outputs = sum(graph.tensor(index).elements for index in op.outputs)
    channels = graph.output_of(op).shape[-1] if graph.output_of(op).shape else 1
    counts: dict[str, float] = {"once": 1, "outputs": outputs, "pixels": outputs / channels}
    counts["inputs"] = next((graph.tensor(i).elements for i in op.inputs if i >= 0), 0)
    if call.kernel in _WINDOWED:
        return call.kernel, counts | _windowed(call, channels, outputs)
    if call.kernel == "fully_connected":
        rows, depth, out_c, fours = (call.params[k] for k in ("rows", "depth", "out_c", "blocked"))
        macs = {"macs of fours": fours, "macs of single channels": out_c - fours}
        return call.kernel, counts | {key: rows * depth * n for key, n in macs.items()}
    if call.kernel == "softmax":
        inside = min(1.0, -call.params["diff_min"] / 255)  # of inputs that are anything
        return call.kernel, counts | {
            "exponentials": outputs * inside,
            "rows": call.params["rows"],
        }
    if "k_h" in call.params:
        return _pooled(call, counts)
    return call.kernel, counts


def _pooled(call: KernelCall, counts: dict[str, float]) -> tuple[str, dict[str, float]]:
    k_h, k_w = call.params["k_h"], call.params["k_w"]
    counts |= {"window": counts["outputs"] * k_h * k_w, "window rows": counts["outputs"] * k_h}
    if call.kernel != "average_pool_2d":
        return call.kernel, counts
    one = counts["pixels"] == call.params["batches"]
    kind = ", one pixel" if one else ", a few" if k_h * k_w <= A_FEW else ""
    return call.kernel + kind, counts


def _windowed(call: KernelCall, channels: int, outputs: int) -> dict[str, float]:
    """Taps that lie in the input, by how channels are taken: four at once or one."""
    p = call.params
    tall, wide = _inside(p, "h", "top"), _inside(p, "w", "left")
    taps, runs = p["batches"] * tall * wide, p["batches"] * tall * p["out_w"]
    if call.kernel == "conv_2d":
        fours, single = p["blocked"], p["out_c"] - p["blocked"]
        if p["dilation_w"] != 1 or p["k_c"] != p["in_c"]:
            runs = taps
        return {
            "macs of fours": taps * p["k_c"] * fours,
            "macs of single channels": taps * p["k_c"] * single,
            "runs": runs * (fours / 4 + single),
        }
    fours = channels // 4 * 4 if p["multiplier"] == 1 else 0
    pixels, single = outputs / channels, channels - fours
    return {
        "taps of fours": taps * fours / 4,
        "fours": pixels * fours / 4,
        "taps of single channels": taps * single,
        "single channels": pixels * single,
        "runs": runs * (fours / 4 + single),
    }


def _inside(p: dict[str, Any], axis: str, side: str) -> int:
    """Taps along an axis that lie in the input, of all output positions."""
    starts = (at * p[f"stride_{axis}"] - p[f"pad_{side}"] for at in range(p[f"out_{axis}"]))
    taps = [at * p[f"dilation_{axis}"] for at in range(p[f"k_{axis}"])]
    return sum(0 <= start + tap < p[f"in_{axis}"] for start in starts for tap in taps)
