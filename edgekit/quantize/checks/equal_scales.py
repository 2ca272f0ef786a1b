# SPDX-License-Identifier: Apache-2.0
"""equal-scales: ops that only move or choose values take one scale for all that they touch.

The lists are TFLite's int8 quantization specification; TFLite Micro's kernels of these ops copy
integers and look at no scale (AVERAGE_POOL_2D sums them), so another scale means other numbers.
"""

from __future__ import annotations

from collections.abc import Iterator

from edgekit.quantize.checks.finding import Check, Evidence, Finding
from edgekit.tflite.graph import Graph, Op, Tensor

# Every quantized operand and result. MEAN, SUM, RELU, ADD and MUL rescale, and are not among them.
_MOVES = (
    "AVERAGE_POOL_2D BATCH_TO_SPACE_ND BROADCAST_TO CONCATENATION DEPTH_TO_SPACE "
    "DYNAMIC_UPDATE_SLICE EXPAND_DIMS GATHER GATHER_ND MAXIMUM MAX_POOL_2D MINIMUM MIRROR_PAD "
    "PACK PAD PADV2 REDUCE_MAX REDUCE_MIN RESHAPE RESIZE_BILINEAR RESIZE_NEAREST_NEIGHBOR "
    "REVERSE_V2 SELECT SELECT_V2 SLICE SPACE_TO_BATCH_ND SPACE_TO_DEPTH SPLIT SPLIT_V SQUEEZE "
    "STRIDED_SLICE TILE TRANSPOSE UNPACK"
)
MOVES = frozenset(_MOVES.split())
# It clamps, and TFLM's kernel copies what lies between as it is stored (its RELU rescales).
_CLAMPS = ("RELU6",)
# Results with a scale and zero point of their own, by dtype.
FIXED = {
    "LOGISTIC": {"int8": (1 / 256, -128), "int16": (1 / 32768, 0)},
    "SOFTMAX": {"int8": (1 / 256, -128), "int16": (1 / 32768, 0)},
    "TANH": {"int8": (1 / 128, 0), "int16": (1 / 32768, 0)},
    "L2_NORMALIZATION": {"int8": (1 / 128, 0)},
    "LOG_SOFTMAX": {"int8": (16 / 256, 127)},
}
# A fused LSTM's last output is its state, operand 18: copied as it is stored.
_FUSED, _STATE = "UNIDIRECTIONAL_SEQUENCE_LSTM", 18
TOLERANCE = 1e-6  # a scale is a float32
_VALUES = ("int8", "uint8", "int16")


def _look(evidence: Evidence) -> Iterator[Finding]:
    for op in evidence.graph.ops:
        words = ""
        if op.kind in MOVES or op.kind in _CLAMPS:
            words = _unequal(op, evidence.graph)
        elif op.kind in FIXED:
            words = _not_fixed(op, evidence.graph)
        elif op.kind == _FUSED:
            words = _other_state(op, evidence.graph)
        if words:
            yield _finding(op, words)


EQUAL_SCALES = Check("equal-scales", "equal scales where TFLite's specification asks", _look)


def _finding(op: Op, words: str) -> Finding:
    return Finding(
        op.layer,
        f"op {op.kind} of layer '{op.layer}' {words}",
        "convert the Keras model again, without quantization nodes of its own, and leave "
        "--calibration converter away",
    )


def _unequal(op: Op, graph: Graph) -> str:
    touched = [graph.tensor(index) for index in (*op.inputs, *op.outputs) if index >= 0]
    values = [t for t in touched if t.dtype in _VALUES and t.quant is not None]
    for other in values[1:]:
        if not same(values[0], other):
            return (
                f"copies '{values[0].name}' (scale {values[0].q.scale:.6g}, zero point "
                f"{values[0].q.zero_point}) to '{other.name}' (scale {other.q.scale:.6g}, zero "
                f"point {other.q.zero_point}) as it is stored"
            )
    return ""


def _other_state(op: Op, graph: Graph) -> str:
    state, output = graph.operand(op, _STATE), graph.output_of(op)
    if state is None or state.quant is None or output.quant is None or same(state, output):
        return ""
    return (
        f"copies its state (scale {state.q.scale:.6g}) to its output (scale "
        f"{output.q.scale:.6g}) as it is stored"
    )


def same(one: Tensor, other: Tensor) -> bool:
    """Whether two quantized tensors have one scale and one zero point."""
    if one.q.zero_point != other.q.zero_point:
        return False
    return abs(one.q.scale - other.q.scale) <= TOLERANCE * max(one.q.scale, other.q.scale)


def _not_fixed(op: Op, graph: Graph) -> str:
    output = graph.output_of(op)
    wanted = FIXED[op.kind].get(output.dtype)
    if wanted is None or output.quant is None:
        return ""
    scale, zero_point = wanted
    if abs(output.q.scale - scale) <= TOLERANCE * scale and output.q.zero_point == zero_point:
        return ""
    return (
        f"gives scale {scale:.6g} and zero point {zero_point}, and its output says "
        f"{output.q.scale:.6g} and {output.q.zero_point}"
    )
