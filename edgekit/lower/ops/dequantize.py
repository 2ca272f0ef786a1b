# SPDX-License-Identifier: Apache-2.0
"""DEQUANTIZE from int8, uint8 or int16 to float32: kernel ek_dequantize."""

from __future__ import annotations

from edgekit.lower.opkind import OpKind
from edgekit.lower.program import KernelCall, Target
from edgekit.tflite.graph import ITEM_BYTES, Graph, Op


class Dequantize(OpKind):
    kind = "DEQUANTIZE"

    def refuse(self, op: Op, graph: Graph) -> str:
        source, output = graph.input_of(op), graph.output_of(op)
        if source.dtype not in ("int8", "uint8", "int16") or output.dtype != "float32":
            return f"TFLite Micro does not dequantize {source.dtype} to {output.dtype}"
        if source.quant is None:
            return f"tensor '{source.name}' has no quantization"
        if source.q.per_channel:
            return "its input has a scale per channel"
        return "" if source.elements == output.elements else "its shapes disagree"

    def lower(self, op: Op, graph: Graph, target: Target) -> KernelCall:
        source = graph.input_of(op)
        return KernelCall(
            kernel="dequantize",
            params={
                "count": source.elements,
                "zero_point": source.q.zero_point,
                "in_bytes": ITEM_BYTES[source.dtype],
                "in_signed": int(source.dtype != "uint8"),
                "scale": source.q.scale,
            },
            inputs=op.inputs,
            outputs=op.outputs,
        )
