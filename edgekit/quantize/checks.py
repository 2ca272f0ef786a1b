# SPDX-License-Identifier: Apache-2.0
"""Is a .tflite really full-integer, and did the converter write what it should have?"""

from __future__ import annotations

from edgekit.errors import EdgekitError
from edgekit.tflite.graph import Graph, Op, Tensor

# A converter defect gave a bias 7.7 times too large; rounding of float32 scales gives 1e-7.
BIAS_SCALE_TOLERANCE = 1e-4
_BIASED = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED")
_REMEDIES = {
    "RSQRT": "use BatchNormalization, which folds into the layer before it",
    "NEG": "use BatchNormalization, which folds into the layer before it",
    "GELU": "use relu or hard_swish",
}


def check_full_integer(graph: Graph, where: str, *, converted: bool) -> None:
    """EdgekitError naming op, layer and remedy where a float op is left, or a shape is open.

    Float inputs and outputs with QUANTIZE and DEQUANTIZE next to them are no float op.
    `converted` says that edgekit made the file, otherwise the user gave it.
    """
    edges = {*graph.inputs, *graph.outputs}
    floats = [op for op in graph.ops if _is_float_op(op, graph, edges)]
    computing = [op for op in floats if op.kind not in ("QUANTIZE", "DEQUANTIZE")]
    for op in (computing or floats)[:1]:
        layer = _island_layer(op, graph)
        if converted:
            raise EdgekitError(
                f"op {op.kind} of layer '{layer}' stays float: TFLite has no int8 version of it",
                hint=_REMEDIES.get(op.kind, "replace that layer by ones with int8 kernels"),
            )
        raise EdgekitError(
            f"'{where}' is not full-integer int8: op {op.kind} of layer '{layer}' is float",
            hint="give edgekit convert the Keras model it came from, with --data to calibrate",
        )
    for index in graph.inputs:
        if graph.tensor(index).dynamic:
            raise EdgekitError(
                f"input '{graph.tensor(index).name}' of '{where}' has an open shape",
                hint="convert the model again with a fixed input shape",
            )


def _is_float_op(op: Op, graph: Graph, edges: set[int]) -> bool:
    touched = [graph.tensor(index) for index in (*op.inputs, *op.outputs) if index >= 0]
    floats = [t for t in touched if t.dtype in ("float32", "float16", "float64")]
    if op.kind not in ("QUANTIZE", "DEQUANTIZE"):
        return bool(floats)
    return any(t.index not in edges for t in floats)


def _island_layer(op: Op, graph: Graph) -> str:
    """The layer of a float op: that of the DEQUANTIZE before it or the QUANTIZE after it, which
    keep their names where the converter renames what lies between."""
    for other in graph.ops:
        if other.kind == "QUANTIZE" and other.inputs[0] in op.outputs:
            return other.layer
    return op.layer


def check_bias_scales(graph: Graph) -> None:
    """EdgekitError where a bias is not scaled by input scale times weight scale, per channel."""
    for op in graph.ops:
        bias = graph.operand(op, 2)
        if op.kind not in _BIASED or bias is None or bias.quant is None:
            continue
        worst = _bias_error(graph.input_of(op, 0), graph.input_of(op, 1), bias)
        if worst > BIAS_SCALE_TOLERANCE:
            raise EdgekitError(
                f"TensorFlow's converter gave layer '{op.layer}' a bias scale that is off by "
                f"{100 * worst:.3g} %, so its outputs would be wrong",
                hint="remove fake-quantization nodes from the model and convert again",
            )


def _bias_error(data: Tensor, weights: Tensor, bias: Tensor) -> float:
    expected = [data.q.scale * scale for scale in weights.q.scales]
    actual = bias.q.scales
    if len(actual) == len(expected):
        pairs = zip(actual, expected, strict=True)
        return max(abs(a - e) / e if e else 0.0 for a, e in pairs)
    return 0.0
