# SPDX-License-Identifier: Apache-2.0
"""CONCATENATION of any type: kernel ek_concatenation."""

from __future__ import annotations

from edgekit.lower.fixed import NONE
from edgekit.lower.moves import (
    UNEQUAL_PARTS,
    cannot_move,
    parts_disagree,
    parts_params,
    positive_axis,
)
from edgekit.lower.opkind import OpKind
from edgekit.lower.program import KernelCall, Target
from edgekit.tflite.graph import Graph, Op, Tensor

DTYPES = ("int8", "int16", "int32", "int64", "float32", "bool")


def _same_scale(a: Tensor, b: Tensor) -> bool:
    def scale(tensor: Tensor) -> tuple[float, int]:
        return (tensor.quant.scale, tensor.quant.zero_point) if tensor.quant else (0.0, 0)

    return scale(a) == scale(b)


class Concatenation(OpKind):
    kind = "CONCATENATION"

    def refuse(self, op: Op, graph: Graph) -> str:
        output = graph.output_of(op)
        parts = [graph.operand(op, i) for i in range(len(op.inputs))]
        if reason := cannot_move(DTYPES, output, *parts):
            return reason
        present = [part for part in parts if part is not None]
        if len(present) > UNEQUAL_PARTS:
            return f"it joins more than {UNEQUAL_PARTS} tensors, as many as TFLite Micro takes"
        if op.options.get("fused_activation_function", NONE) != NONE:
            return "it has a fused activation"
        if output.dtype == "int8" and not all(_same_scale(part, output) for part in present):
            return "its inputs and output have different scales"
        if output.dtype == "int16" and any(t.quant and t.q.zero_point for t in (*present, output)):
            return "an int16 tensor has a zero point"
        axis = positive_axis(op.options.get("axis", 0), len(output.shape))
        return "it has no such axis" if axis is None else parts_disagree(output, present, axis)

    def lower(self, op: Op, graph: Graph, target: Target) -> KernelCall:
        output = graph.output_of(op)
        parts = [graph.tensor(index) for index in op.inputs]
        axis = op.options.get("axis", 0) % len(output.shape)
        return KernelCall(
            kernel="concatenation",
            params=parts_params(output, parts, axis),
            inputs=op.inputs,
            outputs=op.outputs,
        )
