# SPDX-License-Identifier: Apache-2.0
"""RELU6 alone, with another scale behind it than before it, made of ops that rescale.

The converter writes such an op where no kernel or sum before it can take the clamp in (behind a
slice, a concatenation). TFLite Micro's RELU6 clamps integers as they are stored and looks at no
scale (kernels/activations.cc); its RELU rescales, and ends where the output's type ends. Where
that end is not above 6, it is the clamp: the output saturates there. Elsewhere a QUANTIZE goes
before it, and RELU6 has its output's scale. Both tensors keep the scales that suit them.
"""

from __future__ import annotations

import copy
from typing import Any

from edgekit.quantize.flatbuffer import pack, schema, unpack
from edgekit.quantize.formats.file import ModelFile

SIX = 6.0
HALF = 0.5  # of a step: 6 itself is then the last value
INT8_HIGH = 127


def rescaled_clamps(tflite: bytes) -> bytes:
    """The file with each such int8 RELU6 written otherwise; unchanged where there is none."""
    file = ModelFile(unpack(tflite))
    graph, kinds = file.subgraph, schema().BuiltinOperator
    done, changed = [], False
    for op in graph.operators:
        if _kind(file.model, op) == kinds.RELU6 and _rescales(graph, op):
            changed = True
            if _ends_at_six(graph.tensors[int(op.outputs[0])]):
                op.opcodeIndex = _relu_code(file.model)
            else:
                done.append(_quantized_before(file, op))
        done.append(op)
    graph.operators = done
    return pack(file.model) if changed else tflite


def _quantized_before(file: ModelFile, op: Any) -> Any:
    """The QUANTIZE that puts `op`'s input on the scale of its output; clamping comes after, as 6
    lies nearer to a step of the narrower range."""
    graph = file.subgraph
    source, output = int(op.inputs[0]), int(op.outputs[0])
    between = copy.copy(graph.tensors[source])
    between.quantization = graph.tensors[output].quantization
    graph.tensors.append(between)
    op.inputs = [len(graph.tensors) - 1]
    return file.quantize_op(source, len(graph.tensors) - 1)


def _kind(model: Any, op: Any) -> int:
    code = model.operatorCodes[op.opcodeIndex]
    return int(max(code.builtinCode, code.deprecatedBuiltinCode))


def _rescales(graph: Any, op: Any) -> bool:
    source, output = (graph.tensors[int(i)] for i in (op.inputs[0], op.outputs[0]))
    return _is_int8(source) and _is_int8(output) and _ends(source) != _ends(output)


def _ends_at_six(output: Any) -> bool:
    scale, zero_point = _ends(output)
    return (INT8_HIGH - zero_point) * scale <= SIX + HALF * scale


def _is_int8(tensor: Any) -> bool:
    quantization = tensor.quantization
    known = quantization is not None and quantization.scale is not None
    return tensor.type == schema().TensorType.INT8 and known and len(quantization.scale) == 1


def _ends(tensor: Any) -> tuple[float, int]:
    return float(tensor.quantization.scale[0]), int(tensor.quantization.zeroPoint[0])


def _relu_code(model: Any) -> int:
    """The number of the operator code of RELU, new where there is none."""
    kinds = schema().BuiltinOperator
    for number, code in enumerate(model.operatorCodes):
        if max(code.builtinCode, code.deprecatedBuiltinCode) == kinds.RELU:
            return number
    code = copy.copy(model.operatorCodes[0])
    code.builtinCode = code.deprecatedBuiltinCode = kinds.RELU
    code.customCode, code.version = None, 2  # 1 has no int8
    model.operatorCodes.append(code)
    return len(model.operatorCodes) - 1
