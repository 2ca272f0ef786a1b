# SPDX-License-Identifier: Apache-2.0
"""ADD on int8, with broadcasting: kernel ek_add."""

from __future__ import annotations

import numpy as np

from edgekit.lower.broadcast import broadcast_shape
from edgekit.lower.fixed import activation_range, quantize_multiplier
from edgekit.lower.opkind import OpKind, not_int8
from edgekit.lower.program import Const, KernelCall, Target
from edgekit.tflite.graph import Graph, Op, Tensor

LEFT_SHIFT = 20  # spare bits of the common scale, as in TFLM's AddPrepare


def _real_out(a: Tensor, b: Tensor, output: Tensor) -> float:
    """Multiplier from the common scale to the output's; TFLM aborts unless it is below one."""
    return 2.0 * max(a.q.scale, b.q.scale) / ((1 << LEFT_SHIFT) * output.q.scale)


class Add(OpKind):
    kind = "ADD"

    def refuse(self, op: Op, graph: Graph) -> str:
        a, b, output = graph.input_of(op), graph.input_of(op, 1), graph.output_of(op)
        if reason := not_int8(a, b, output):
            return reason
        if a.is_constant and b.is_constant:
            return "both inputs are constants"
        if broadcast_shape(a, b, output) is None:
            return "its inputs' shapes cannot be broadcast in four axes"
        small = quantize_multiplier(_real_out(a, b, output))[1] <= 0
        return "" if small else "its inputs' scales are too large for its output's"

    def lower(self, op: Op, graph: Graph, target: Target) -> KernelCall:
        a, b, output = graph.input_of(op), graph.input_of(op, 1), graph.output_of(op)
        twice = 2.0 * max(a.q.scale, b.q.scale)
        quant: list[int] = []
        for tensor in (a, b):
            quant += [-tensor.q.zero_point, *quantize_multiplier(tensor.q.scale / twice)]
        quant += [output.q.zero_point, *quantize_multiplier(_real_out(a, b, output))]
        quant += activation_range(op.options["fused_activation_function"], output)
        return KernelCall(
            kernel="add",
            params={"shape": broadcast_shape(a, b, output)},
            inputs=op.inputs,
            outputs=op.outputs,
            consts=(Const("quant", np.array([quant], np.int32), struct="ek_add_quant"),),
            in_place=tuple(
                i for i, t in enumerate((a, b)) if t.shape == output.shape and not t.is_constant
            ),
        )
