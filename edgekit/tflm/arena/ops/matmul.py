# SPDX-License-Identifier: Apache-2.0
"""Matrix products."""

from edgekit.tflite.graph import Tensor
from edgekit.tflm.arena.node import Node, Use, int_array_bytes, tensor_bytes
from edgekit.tflm.arena.structs import EVAL_TENSOR

FULLY_CONNECTED_OPTIONS = "2e2be2q"
FULLY_CONNECTED_DATA = "9i2pb2c"
BATCH_MATMUL_OPTIONS = "3b"
BATCH_MATMUL_DATA = "3p3b"
_QUANTIZATION = "7i"


def fully_connected_channels(node: Node) -> None:
    """Multipliers for each output, where the weights have several scales."""
    weights = node.given(1)
    if node.given(0).dtype != "float32" and weights.quant and weights.quant.per_channel:
        node.per_channel(len(weights.quant.scales))


def _fully_connected(node: Node) -> None:
    node.temps("i0 i1 i2 o0")
    if node.given(1).dtype == "int4":
        node.scratch("unpacked weights", node.given(1).elements)
    fully_connected_channels(node)


def _transposed(node: Node, tensor: Tensor) -> None:
    node.persistent(node.struct(EVAL_TENSOR))
    node.persistent(int_array_bytes(len(tensor.shape)))
    node.persistent(tensor_bytes(tensor), "transposed matrices")


def transposed_operands(node: Node) -> None:
    """BATCH_MATMUL keeps a transposed copy of the operands that do not lie as it wants them."""
    if node.op.options.get("adj_x"):
        _transposed(node, node.given(0))
    if not node.op.options.get("adj_y"):
        _transposed(node, node.given(1))


def quantization(node: Node) -> None:
    """BATCH_MATMUL's multiplier and zero points."""
    if node.given(0).dtype != "float32":
        node.persistent(node.struct(_QUANTIZATION))


def _batch_matmul(node: Node) -> None:
    node.temps("i0 i1 o0")
    quantization(node)
    transposed_operands(node)
    node.writable_dims(node.output())


USES = {
    "FULLY_CONNECTED": Use(
        options=FULLY_CONNECTED_OPTIONS, data=FULLY_CONNECTED_DATA, prepare=_fully_connected
    ),
    "BATCH_MATMUL": Use(
        options=BATCH_MATMUL_OPTIONS, data=BATCH_MATMUL_DATA, prepare=_batch_matmul
    ),
}
