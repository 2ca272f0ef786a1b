# SPDX-License-Identifier: Apache-2.0
"""Which inputs of which kernels may come from a DECODE op, and why others may not.

A DECODE op writes its result when the model runs. A kernel that reads the tensor earlier, while
the model is prepared, would read memory that holds nothing yet. Each input listed was tried in
the TFLM wheel with plain and decoded weights (tests/unit/compress/test_kernels.py); the Prepare
functions of kernels/*.cc and kernels/cmsis_nn/*.cc of tflite-micro (2026-08) do not read them.
The portable kernels of the ops in `EARLY` take decoded weights too, but CMSIS-NN's refuse what is
no constant, and a file should run on both.
"""

from __future__ import annotations

_EITHER = frozenset({0, 1})
DECODABLE: dict[str, frozenset[int]] = {
    "CONV_2D": frozenset({1}),
    "DEPTHWISE_CONV_2D": frozenset({1}),
    "FULLY_CONNECTED": frozenset({1}),
    "TRANSPOSE_CONV": frozenset({1}),
    "BATCH_MATMUL": _EITHER,
    "ADD": _EITHER,
    "SUB": _EITHER,
    "MUL": _EITHER,
    "MAXIMUM": _EITHER,
    "MINIMUM": _EITHER,
    "SQUARED_DIFFERENCE": _EITHER,
    "PRELU": frozenset({1}),
    "GATHER": frozenset({0}),
}
EARLY = {
    "UNIDIRECTIONAL_SEQUENCE_LSTM": "CMSIS-NN's kernel reads the weights in Prepare, before DECODE",
    "SVDF": "CMSIS-NN's kernel reads the weights in Prepare, before DECODE",
    "CUSTOM:TFLM_DECODE": "it is encoded already",
}


def why_not(kind: str, position: int) -> str:
    """Why input `position` of an op of `kind` cannot be decoded weights; "" where it can."""
    if position in DECODABLE.get(kind, ()):
        return ""
    return EARLY.get(kind, f"input {position} of {kind} is not known to be read only when it runs")
