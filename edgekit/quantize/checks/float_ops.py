# SPDX-License-Identifier: Apache-2.0
"""float-ops: every op computes with integers."""

from __future__ import annotations

from collections.abc import Iterator

from edgekit.errors import EdgekitError
from edgekit.quantize.checks.finding import Check, Evidence, Finding
from edgekit.tflite.graph import Graph, Op

_REMEDIES = {
    "ELU": "use relu, leaky_relu, silu or hard_silu",
    "CONV_3D": "use Conv2D on stacked frames",
    "CONV_3D_TRANSPOSE": "use Conv2DTranspose on stacked frames",
    "CUMSUM": "use softmax",
    "NOT_EQUAL": "leave Masking out: give sequences of one length",
    "SQUARE": "multiply the tensor by itself",
    "RSQRT": "use BatchNormalization, which folds into the layer before it",
    "NEG": "subtract from 0, or use relu, sigmoid, tanh, silu or gelu as activation",
    "GELU": "use relu or hard_swish",
}


def _look(evidence: Evidence) -> Iterator[Finding]:
    """Float inputs and outputs with QUANTIZE and DEQUANTIZE next to them are no float op."""
    graph = evidence.graph
    edges = {*graph.inputs, *graph.outputs}
    floats = [op for op in graph.ops if _is_float_op(op, graph, edges)]
    computing = [op for op in floats if op.kind not in ("QUANTIZE", "DEQUANTIZE")]
    for op in computing or floats:
        layer = _island_layer(op, graph)
        if evidence.converted:
            yield Finding(
                layer,
                f"op {op.kind} of layer '{layer}' stays float: TFLite has no int8 version of it",
                _REMEDIES.get(op.kind, "replace that layer by ones with int8 kernels"),
            )
        else:
            yield Finding(
                layer,
                f"'{evidence.where}' is not full-integer int8: op {op.kind} of layer '{layer}' "
                "is float",
                "give edgekit convert the Keras model it came from, with --data to calibrate",
            )


FLOAT_OPS = Check("float-ops", "no float op", _look)


def check_full_integer(graph: Graph, where: str, *, converted: bool) -> None:
    """EdgekitError naming op, layer and remedy where a float op is left, or a shape is open."""
    for finding in _look(Evidence(graph, where, converted)):
        raise EdgekitError(finding.text, hint=finding.remedy)
    check_closed(graph, where)


def check_closed(graph: Graph, where: str) -> None:
    """EdgekitError for an input without a fixed shape."""
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
