# SPDX-License-Identifier: Apache-2.0
"""ranges: those that are far wider than what the tensor holds on the calibration set.

TensorFlow 2.21's calibration logs the inputs of an ADD again after it ran, when its output may
have taken the memory of one of them: that input then gets the range of both. The mark of it is an
end that equals the output's end and is never reached.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from edgekit.quantize.checks.equal_scales import FIXED, MOVES
from edgekit.quantize.checks.finding import Check, Evidence, Finding
from edgekit.quantize.observe import Seen
from edgekit.tflite.graph import Graph, Op, Tensor

COPIED_REMARK, COPIED_WRONG = 1.25, 8.0  # times too wide; 8 = three of eight bits lost
WIDE_REMARK = 16.0
SAME_END = 1.0  # steps: the converter moves both ends by up to one, so that 0 is a whole number
_IN_PLACE = ("ADD", "SUB", "MUL")


def _look(evidence: Evidence) -> Iterator[Finding]:
    graph, seen = evidence.graph, evidence.seen or {}
    tied = _tied(graph)
    done = set()
    for op in graph.ops:
        if op.kind not in _IN_PLACE:
            continue
        for index in dict.fromkeys(op.inputs):
            factor = _too_wide(graph, seen, index, tied)
            if factor >= COPIED_REMARK and _shares_end(graph.tensor(index), graph.output_of(op)):
                done.add(index)
                yield _copied(_maker(graph, index), op, factor)
    for op in graph.ops:
        factor = _too_wide(graph, seen, op.outputs[0], tied)
        if op.outputs[0] not in done and factor >= WIDE_REMARK:
            yield Finding(
                op.layer,
                f"layer '{op.layer}': its range is {factor:.0f} times what {evidence.samples} "
                "samples reach",
                "try --calibration percentile or mse",
                wrong=False,
            )


RANGES = Check("ranges", "ranges as wide as the tensors need", _look, needs="seen")


def _copied(maker: str, op: Op, factor: float) -> Finding:
    return Finding(
        maker,
        f"layer '{maker}': the converter gave its output the range of the {op.kind} of layer "
        f"'{op.layer}' after it, {factor:.1f} times too wide ({math.log2(factor):.1f} bits lost)",
        "use --calibration mse or minmax, which do not go through the converter's ranges",
        wrong=factor >= COPIED_WRONG,
    )


def _maker(graph: Graph, index: int) -> str:
    return next((op.layer for op in graph.ops if index in op.outputs), graph.tensor(index).name)


def _tied(graph: Graph) -> set[int]:
    """Activations whose range is not their own: of ops that move values, and fixed ones."""
    tied: set[int] = set()
    for op in graph.ops:
        if op.kind in MOVES:
            tied.update((*op.inputs, *op.outputs))
        elif op.kind in FIXED:
            tied.update(op.outputs)
    return tied


def _too_wide(graph: Graph, seen: dict[int, Seen] | object, index: int, tied: set[int]) -> float:
    """Width of the range over the width that was seen, 0 included in both; 1 where unknown."""
    found = seen.get(index) if isinstance(seen, dict) else None
    tensor = graph.tensor(index) if index >= 0 else None
    if found is None or tensor is None or tensor.quant is None or index in tied:
        return 1.0
    zero = tensor.q.zero_point
    low, high = min(int(found.low.min()), zero), max(int(found.high.max()), zero)
    ends = np.iinfo(tensor.dtype)
    return float(ends.max - ends.min) / max(high - low, 1)


def _shares_end(tensor: Tensor, output: Tensor) -> bool:
    if tensor.quant is None or output.quant is None:
        return False
    return any(
        abs(a - b) <= SAME_END * tensor.q.scale and a != 0
        for a, b in zip(_ends(tensor), _ends(output), strict=True)
    )


def _ends(tensor: Tensor) -> tuple[float, float]:
    ends = np.iinfo(tensor.dtype)
    low, high = (tensor.q.scale * (end - tensor.q.zero_point) for end in (ends.min, ends.max))
    return low, high
