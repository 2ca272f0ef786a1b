# SPDX-License-Identifier: Apache-2.0
"""saturation: values of the calibration set that lie outside of what a tensor can hold.

Looked at where values are made without a natural end: behind sums and products. The end that a
fused ReLU, or the type of an image, gives is no saturation. Values that only round to an end, as
those of a channel that hardly varies may, are told from others where float values were measured.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from edgekit.quantize.checks.finding import Check, Evidence, Finding
from edgekit.quantize.observe import Seen
from edgekit.tflite.graph import Graph, Op, Tensor

# A range that clips on purpose (percentile, MSE) clips 0.001 to 1 % of values.
WRONG, REMARKABLE = 0.05, 0.02
_UNBOUNDED = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "TRANSPOSE_CONV", "BATCH_MATMUL")
_SUMS = ("ADD", "SUB", "SQUARED_DIFFERENCE", "SUM")
# A range found on these samples has its ends from some of them.
HITS = 4
# Upper and lower end of TFLite's fused activations (schema: NONE 0, RELU 1, RELU_N1_TO_1 2,
# RELU6 3), where a value that is cut off is what the model asks for.
_ENDS = {1: (0.0, None), 2: (-1.0, 1.0), 3: (0.0, 6.0)}


def _look(evidence: Evidence) -> Iterator[Finding]:
    graph, seen, clipped = evidence.graph, evidence.seen or {}, evidence.clipped or {}
    moved = _bounded_next(graph)
    for op in graph.ops:
        if op.kind not in (*_UNBOUNDED, *_SUMS) or op.outputs[0] in moved:
            continue
        output = graph.output_of(op)
        share = _share(op, output, seen.get(output.index))
        share = min(share, clipped.get(output.index, share))
        if share >= REMARKABLE:
            yield Finding(
                op.layer,
                f"layer '{op.layer}': {100 * share:.1f} % of its values lie at the end of the "
                "range, where larger ones are cut off",
                "use --calibration minmax and more --samples; if it stays, the layers after it "
                "force their range on it: replace them",
                wrong=share >= WRONG,
            )


SATURATION = Check("saturation", "ranges hold the calibration set", _look, needs="seen")


def _bounded_next(graph: Graph) -> set[int]:
    """Tensors whose only use is an op with bounds of its own: what is cut off changes nothing."""
    users: dict[int, list[Op]] = {}
    for op in graph.ops:
        for index in op.inputs:
            users.setdefault(index, []).append(op)
    kinds = ("LOGISTIC", "TANH", "SOFTMAX", "HARD_SWISH", "RELU6", "RELU", "MINIMUM", "MAXIMUM")
    return {i for i, ops in users.items() if ops and all(op.kind in kinds for op in ops)}


def _share(op: Op, output: Tensor, seen: Seen | None) -> float:
    """Of values at an end of the type that is no end of the activation function."""
    if seen is None or output.quant is None:
        return 0.0
    ends = np.iinfo(output.dtype)
    low, high = _ENDS.get(int(op.options.get("fused_activation_function", 0)), (None, None))
    low = 0.0 if op.kind == "SQUARED_DIFFERENCE" else low
    hits = 0
    for limit, stored, at in ((low, ends.min, seen.at_low), (high, ends.max, seen.at_high)):
        real = output.q.scale * (stored - output.q.zero_point)
        if limit is None or abs(real - limit) > 2 * output.q.scale:
            hits += max(at - HITS, 0)
    return hits / max(seen.values, 1)
