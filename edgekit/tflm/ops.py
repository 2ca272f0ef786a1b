# SPDX-License-Identifier: Apache-2.0
"""What the pinned TFLite Micro runs: operators, data types, and what to do about the others.

The table ops.json is written by scripts/tflm_ops.py, which asks the real interpreter.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from edgekit.tflite.graph import Graph, Op, Tensor

# The operand whose type decides which kernel runs, where it is not the first.
_KEY_OPERAND = {
    "EMBEDDING_LOOKUP": 1,
    "FILL": 1,
    "SELECT_V2": 1,
    "SPLIT": 1,
    "TRANSPOSE_CONV": 2,
}
# Operators whose kernels differ by the types of input and output.
_CASTS = ("CAST", "QUANTIZE", "DEQUANTIZE")
_WEIGHTS = {"CONV_2D": 1, "DEPTHWISE_CONV_2D": 1, "FULLY_CONNECTED": 1, "TRANSPOSE_CONV": 1}
_OF_ITS_OWN = "write a custom kernel for it, or replace the layer"
REMEDIES = {
    "ATAN2": "compute angles before the model",
    "BIDIRECTIONAL_SEQUENCE_LSTM": "use two LSTM layers, one with go_backwards=True",
    "CONV_3D": "use Conv2D on stacked frames",
    "GELU": "use keras.activations.gelu in a layer that edgekit can rewrite, or relu",
    "LOCAL_RESPONSE_NORMALIZATION": "use BatchNormalization",
    "MATRIX_DIAG": "write it as a multiplication by a constant",
    "ONE_HOT": "feed one-hot inputs",
    "POW": "write whole powers as multiplications",
    "RANGE": "put the range into the model as a constant",
    "REDUCE_ANY": "use a maximum over the axis",
    "REDUCE_PROD": "use sums of logarithms, or a fixed number of multiplications",
    "RELU_0_TO_1": "use ReLU(max_value=6) or a clip of two comparisons",
    "RELU_N1_TO_1": "use ReLU(max_value=6) or tanh",
    "REVERSE_SEQUENCE": "reverse the input before the model",
    "SELECT": "write it as a multiplication by a mask, or with maximum and minimum",
    "SEGMENT_SUM": "use a sum over an axis",
    "SIGN": "use a comparison and a select",
    "SPARSE_TO_DENSE": "feed dense inputs",
    "TILE": "use concatenate or broadcasting",
    "TOPK_V2": "give out all scores and pick on the application's side",
    "UNIDIRECTIONAL_SEQUENCE_RNN": "use an LSTM, or unroll=True",
    "WHERE": "give out the mask and pick on the application's side",
}
# Operators that are there, but not for the types of a quantized model.
_TYPE_REMEDIES = {"EXP": "use relu, relu6, sigmoid, tanh, silu, hard_silu or gelu as activation"}


@dataclass(frozen=True, slots=True)
class Unsupported:
    """Why TFLite Micro does not run an op, and what to do about it; one line each."""

    reason: str
    remedy: str


@cache
def table() -> dict[str, Any]:
    """ops.json: `version` of the tflite-micro wheel that was asked, and `ops` by kind.

    An op has `dtypes` of its key operand ("int8"; of CAST, QUANTIZE and DEQUANTIZE "float32 to
    int8"), for those with weights also `per_channel` and `int4_weights`, `method` of the op
    resolver, `cmsis_nn` (the library has a kernel of its own for it) and `decoded_inputs`.
    """
    return dict(json.loads(Path(__file__).with_name("ops.json").read_text()))


def key_operand(kind: str) -> int:
    """Which input's type decides about the kernel of an operator."""
    return _KEY_OPERAND.get(kind, 0)


def unsupported_ops(graph: Graph) -> dict[int, Unsupported]:
    """The ops of `graph` that the pinned TFLite Micro does not run, by index."""
    found = {op.index: _unsupported(op, graph) for op in graph.ops}
    return {index: why for index, why in found.items() if why is not None}


def first_words(graph: Graph) -> str:
    """ "OP of layer 'x': reason; remedy" of the first op that is not run; "" where all are."""
    for index, why in unsupported_ops(graph).items():
        op = graph.ops[index]
        return f"{op.kind} of layer '{op.layer}': {why.reason}; {why.remedy}"
    return ""


def _unsupported(op: Op, graph: Graph) -> Unsupported | None:
    row = table()["ops"].get(op.kind)
    if row is None:
        remedy = REMEDIES.get(op.kind, _OF_ITS_OWN)
        return Unsupported(f"TFLite Micro has no operator {op.kind}", remedy)
    if not row["dtypes"]:
        return None  # not probed: nothing is known against it
    dtype = _dtype(op, graph)
    if dtype and dtype not in row["dtypes"]:
        return Unsupported(
            f"TFLite Micro's {op.kind} takes {_words(row['dtypes'])}, not {dtype}",
            _TYPE_REMEDIES.get(op.kind) or _retype(dtype),
        )
    return _weights(op, graph, row, dtype)


def _weights(op: Op, graph: Graph, row: dict[str, Any], dtype: str) -> Unsupported | None:
    weights = graph.operand(op, _WEIGHTS[op.kind]) if op.kind in _WEIGHTS else None
    if weights is None or weights.quant is None:
        return None
    if weights.stored_dtype == "int4" and dtype not in row["int4_weights"]:
        return Unsupported(f"TFLite Micro's {op.kind} takes no int4 weights", "use int8 weights")
    if weights.quant.per_channel and dtype not in row["per_channel"]:
        return Unsupported(
            f"TFLite Micro's {op.kind} takes one scale for all {dtype} weights",
            "quantize the weights of that layer per tensor",
        )
    return None


def _dtype(op: Op, graph: Graph) -> str:
    key: Tensor | None = graph.operand(op, key_operand(op.kind))
    if key is None:
        return ""
    return f"{key.dtype} to {graph.output_of(op).dtype}" if op.kind in _CASTS else key.dtype


def _retype(dtype: str) -> str:
    if dtype == "int8":
        return _OF_ITS_OWN
    if "float" in dtype:
        return "quantize the whole model to int8: edgekit convert with the Keras model"
    return "convert the model with int8 inputs and outputs (--input-dtype, --output-dtype)"


def _words(dtypes: list[str]) -> str:
    return ", ".join(dtypes)
