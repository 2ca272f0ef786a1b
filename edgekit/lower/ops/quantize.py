# SPDX-License-Identifier: Apache-2.0
"""QUANTIZE from float32 (kernel ek_quantize) or between integers (ek_table, ek_requantize)."""

from __future__ import annotations

import numpy as np

from edgekit.lower.fixed import INTEGER_RANGE, quantize_multiplier, scale
from edgekit.lower.opkind import OpKind
from edgekit.lower.program import Const, KernelCall, Target
from edgekit.lower.table import table_call
from edgekit.tflite.graph import ITEM_BYTES, Graph, Op, Tensor

# From -> to, as TFLM's EvalQuantizeReference.
TYPES = {
    "float32": ("int8", "int16"),
    "int8": ("int8", "uint8", "int16", "int32"),
    "uint8": ("int8",),
    "int16": ("int8", "int16", "int32"),
    "int32": ("int8", "int16"),
}


def _rescale(source: Tensor, output: Tensor) -> tuple[int, int]:
    return quantize_multiplier(source.q.scale / output.q.scale)


class Quantize(OpKind):
    kind = "QUANTIZE"

    def refuse(self, op: Op, graph: Graph) -> str:
        source, output = graph.input_of(op), graph.output_of(op)
        if output.dtype not in TYPES.get(source.dtype, ()):
            return f"TFLite Micro does not quantize {source.dtype} to {output.dtype}"
        if output.quant is None or (source.quant is None and source.dtype != "float32"):
            return "a tensor has no quantization"
        if output.q.per_channel:
            return "its output has a scale per channel"
        return "" if source.elements == output.elements else "its shapes disagree"

    def lower(self, op: Op, graph: Graph, target: Target) -> KernelCall:
        source, output = graph.input_of(op), graph.output_of(op)
        if source.dtype == "float32":
            return _from_float(op, source, output)
        if ITEM_BYTES[source.dtype] == ITEM_BYTES[output.dtype] == 1:
            multiplier, shift = _rescale(source, output)
            low, high = INTEGER_RANGE[output.dtype]

            def entry(value: int) -> int:
                scaled = scale(value - source.q.zero_point, multiplier, shift)
                return min(max(scaled + output.q.zero_point, low), high)

            return table_call(op, graph, entry)
        return _between(op, source, output)


def _from_float(op: Op, source: Tensor, output: Tensor) -> KernelCall:
    return KernelCall(
        kernel="quantize",
        params={
            "count": source.elements,
            "zero_point": output.q.zero_point,
            "out_bytes": ITEM_BYTES[output.dtype],
            "scale": output.q.scale,
        },
        inputs=op.inputs,
        outputs=op.outputs,
        in_place=(0,),
    )


def _between(op: Op, source: Tensor, output: Tensor) -> KernelCall:
    info = np.iinfo(output.dtype)
    quant = [-source.q.zero_point, *_rescale(source, output), output.q.zero_point]
    quant += [int(info.min), int(info.max)]
    return KernelCall(
        kernel="requantize",
        params={
            "count": source.elements,
            "in_bytes": ITEM_BYTES[source.dtype],
            "out_bytes": ITEM_BYTES[output.dtype],
        },
        inputs=op.inputs,
        outputs=op.outputs,
        consts=(Const("quant", np.array([quant], np.int32), struct="ek_requantize_quant"),),
        in_place=(0,),
    )
