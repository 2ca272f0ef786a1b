# SPDX-License-Identifier: Apache-2.0
"""Recurrent ops; their states are variables of the model."""

from edgekit.tflm.arena.node import TYPE_BYTES, Node, Use

SVDF_OPTIONS = "ieb"
LSTM_OPTIONS = "e2i3b"
LSTM_DATA = "86d"
_HIDDEN_STATE, _CELL_STATE = 18, 19


def svdf_scratches(node: Node) -> None:
    """SVDF's sums: one for each filter, and where quantized one for each unit."""
    batches, filters = node.given(0).shape[0], node.given(1).shape[0]
    node.scratch("filter sums", 4 * batches * filters)
    if node.given(0).dtype == "int8":
        node.scratch("unit sums", 4 * batches * (filters // node.op.options["rank"]))


def _svdf(node: Node) -> None:
    node.temps("i0 i1 i2 i3 i4 o0")
    svdf_scratches(node)


def lstm_scratches(node: Node, count: int) -> None:
    """`count` gates' values."""
    batches = node.given(0).shape[1 if node.op.options.get("time_major") else 0]
    each = TYPE_BYTES[node.given(_CELL_STATE).dtype]
    for _ in range(count):
        node.scratch("gate", batches * lstm_states(node) * each)


def lstm_states(node: Node) -> int:
    return node.given(_HIDDEN_STATE).shape[1]


def lstm_temps(node: Node) -> None:
    node.temps(" ".join(f"i{position}" for position in range(24)) + " o0")


def _lstm(node: Node) -> None:
    lstm_temps(node)
    lstm_scratches(node, 4)


USES = {
    "SVDF": Use(options=SVDF_OPTIONS, data="9i", prepare=_svdf),
    "UNIDIRECTIONAL_SEQUENCE_LSTM": Use(options=LSTM_OPTIONS, data=LSTM_DATA, prepare=_lstm),
}
