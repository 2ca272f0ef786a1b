# SPDX-License-Identifier: Apache-2.0
"""Ops on one element at a time: no scratch, op data of fixed size."""

from edgekit.tflm.arena.node import Node, Use

_ONE = "i0 o0"
_TWO = "i0 i1 o0"

USES = {
    **dict.fromkeys(("FLOOR", "NEG", "LOGICAL_AND", "LOGICAL_OR", "MAXIMUM", "MINIMUM"), Use()),
    **dict.fromkeys(("CEIL", "EXP", "ROUND", "ZEROS_LIKE"), Use(prepare=_ONE)),
    **dict.fromkeys(("COS", "LOG", "LOGICAL_NOT", "SIN", "SQRT", "SQUARE"), Use(prepare=_ONE)),
    **dict.fromkeys(("FLOOR_DIV", "FLOOR_MOD"), Use(prepare=_TWO)),
    **dict.fromkeys(
        ("EQUAL", "NOT_EQUAL", "GREATER", "GREATER_EQUAL", "LESS", "LESS_EQUAL"),
        Use(data="8i", prepare="i0 i1"),
    ),
    "ABS": Use(data="7i", prepare=_ONE),
    "RSQRT": Use(data="7i", prepare=_ONE),
    "RELU": Use(data="7i", prepare=_ONE),
    "RELU6": Use(data="2i", prepare="i0"),
    "ELU": Use(data="256b", prepare=_ONE),
    "HARD_SWISH": Use(data="5i", prepare=_ONE),
    "LEAKY_RELU": Use(options="i", data="6i", prepare=_ONE),
    "PRELU": Use(data="7i", prepare=_TWO),
    "LOGISTIC": Use(data="4i", prepare=_ONE),
    "TANH": Use(data="4i", prepare="i0 i0 o0"),
    "ADD": Use(options="eb", data="15i", prepare=_TWO),
    "SUB": Use(options="eb", data="13i", prepare=_TWO),
    "MUL": Use(options="e", data="9i", prepare=_TWO),
    "DIV": Use(options="e", data="7i", prepare=_TWO),
    "SQUARED_DIFFERENCE": Use(data="14d", prepare=_TWO),
    "CAST": Use(options="2e", prepare=_ONE),
    "QUANTIZE": Use(data="d6i", prepare=_ONE),
    "DEQUANTIZE": Use(data="d6i", prepare=_ONE),
    "SELECT_V2": Use(data="b", prepare="i0 i1 i2 o0"),
}


def _add_n(node: Node) -> None:
    count = len(node.op.inputs)
    node.temps("i0 o0 " + " ".join(f"i{position}" for position in range(1, count)))
    if node.output().dtype == "int8":
        node.persistent(node.struct("10i"))
    node.scratch("pointers to the inputs", node.struct(f"{count}p"))


USES["ADD_N"] = Use(prepare=_add_n)
