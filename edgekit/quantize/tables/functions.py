# SPDX-License-Identifier: Apache-2.0
"""What TFLite's elementwise ops compute on real numbers: numpy, one line for each op."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from edgekit.tflite.graph import Op

Array = np.ndarray
FUSED = "fused_activation_function"
# ActivationFunctionType of TFLite's schema.
ACTIVATIONS: dict[int, Callable[[Array], Array]] = {
    0: lambda x: x,
    1: lambda x: np.maximum(x, 0.0),
    2: lambda x: np.clip(x, -1.0, 1.0),
    3: lambda x: np.clip(x, 0.0, 6.0),
    4: np.tanh,
}
ONE: dict[str, Callable[[Array], Array]] = {
    "ABS": np.abs,
    "CEIL": np.ceil,
    "COS": np.cos,
    "ELU": lambda x: np.where(x > 0.0, x, np.expm1(np.minimum(x, 0.0))),
    "EXP": np.exp,
    "FLOOR": np.floor,
    "HARD_SWISH": lambda x: x * np.clip(x + 3.0, 0.0, 6.0) / 6.0,
    "LOG": np.log,
    "LOGICAL_NOT": np.logical_not,
    "LOGISTIC": lambda x: 1.0 / (1.0 + np.exp(-x)),
    "NEG": np.negative,
    "RELU": ACTIVATIONS[1],
    "RELU6": ACTIVATIONS[3],
    "RELU_N1_TO_1": ACTIVATIONS[2],
    "ROUND": np.rint,
    "RSQRT": lambda x: 1.0 / np.sqrt(x),
    "SIGN": np.sign,
    "SIN": np.sin,
    "SQRT": np.sqrt,
    "SQUARE": np.square,
    "TANH": np.tanh,
}
TWO: dict[str, Callable[[Array, Array], Array]] = {
    "ADD": np.add,
    "DIV": np.divide,
    "EQUAL": np.equal,
    "GREATER": np.greater,
    "GREATER_EQUAL": np.greater_equal,
    "LESS": np.less,
    "LESS_EQUAL": np.less_equal,
    "LOGICAL_AND": np.logical_and,
    "LOGICAL_OR": np.logical_or,
    "MAXIMUM": np.maximum,
    "MINIMUM": np.minimum,
    "MUL": np.multiply,
    "NOT_EQUAL": np.not_equal,
    "POW": np.power,
    "SQUARED_DIFFERENCE": lambda a, b: np.square(a - b),
    "SUB": np.subtract,
}
CHOICES = ("SELECT", "SELECT_V2")
# What TFLite Micro or the converter has no int8 version of, or only a coarse one.
_LACKING = (
    "CEIL COS DIV ELU EQUAL EXP FLOOR GREATER GREATER_EQUAL LESS LESS_EQUAL LOG LOGICAL_AND "
    "LOGICAL_NOT LOGICAL_OR NEG NOT_EQUAL POW ROUND RSQRT SELECT SELECT_V2 SIGN SIN SQRT SQUARE"
)
LACKING = frozenset(_LACKING.split())


def is_elementwise(op: Op) -> bool:
    known = op.kind in ONE or op.kind in TWO or op.kind in CHOICES
    known = known or op.kind in ("CAST", "LEAKY_RELU")
    return known and op.options.get(FUSED, 0) in ACTIVATIONS and len(op.outputs) == 1


def computed(op: Op, operands: list[Array], dtype: str) -> Array:
    """The op's result, as `dtype`, from operands of one shape or scalars."""
    if op.kind == "CAST":
        return operands[0].astype(dtype)
    if op.kind == "LEAKY_RELU":
        result = np.where(operands[0] > 0.0, operands[0], operands[0] * op.options["alpha"])
    elif op.kind in CHOICES:
        result = np.where(*operands)
    else:
        functions: dict[str, Any] = {**ONE, **TWO}
        result = functions[op.kind](*operands)
    return ACTIVATIONS[op.options.get(FUSED, 0)](result)
