# SPDX-License-Identifier: Apache-2.0
"""Everything else that CMSIS-NN has kernels for with memory of their own."""

from edgekit.tflm.arena.cmsis_nn import buffers
from edgekit.tflm.arena.node import Node, Use
from edgekit.tflm.arena.ops import matmul, pool, recurrent, reduce

_INTEGERS = ("int8", "int16")


def _average_pool(node: Node) -> None:
    node.temps("i0 o0 i0 o0")
    if node.given(0).dtype in _INTEGERS:
        size = buffers.average_pool_bytes(node.output().shape[3], node.extension)
        if size > 0:
            node.scratch("CMSIS-NN buffer", size)


def _fully_connected(node: Node) -> None:
    node.temps("i0 i1 i2 o0")
    matmul.fully_connected_channels(node)
    weights, bias = node.given(1), node.input(2)
    if node.given(0).dtype != "int8" or weights.dtype == "int4":
        return
    outputs = node.output().shape[-1]
    if len(node.output().shape) > 2 and weights.shape[-1] % 4 == 0:
        if not (weights.quant and weights.quant.per_channel):
            node.scratch("multipliers of a 1x1 convolution", 8 * outputs)
        return
    size = buffers.kernel_sum_bytes(outputs, node.extension)
    if size > 0 and weights.is_constant and (bias is None or bias.is_constant):
        node.persistent(size, "kernel sums")
    elif size > 0:
        node.scratch("kernel sums", size)


def _batch_matmul(node: Node) -> None:
    node.temps("i0 i1 o0")
    matmul.transposed_operands(node)
    node.writable_dims(node.output())
    matmul.quantization(node)
    if node.given(0).dtype == "int8":
        size = buffers.kernel_sum_bytes(node.output().shape[-1], node.extension)
        if size > 0:
            node.scratch("kernel sums", size)


def _svdf(node: Node) -> None:
    node.temps("i0 i1 i2 i3 i4 o0")
    recurrent.svdf_scratches(node)
    size = buffers.kernel_sum_bytes(node.given(1).shape[0], node.extension)
    if node.given(0).dtype == "int8" and size > 0:
        node.persistent(size, "kernel sums")


def _lstm(node: Node) -> None:
    recurrent.lstm_temps(node)
    bias_bytes = {"int8": 4, "int16": 8}.get(node.given(0).dtype)
    for _ in range(8 if bias_bytes else 0):
        node.persistent((bias_bytes or 0) * recurrent.lstm_states(node), "kernel sums")
    recurrent.lstm_scratches(node, 3 if bias_bytes else 4)


USES = {
    "AVERAGE_POOL_2D": Use(
        options=pool.POOL_OPTIONS, data=f"({pool.POOL_DATA})i", prepare=_average_pool
    ),
    "MAX_POOL_2D": Use(options=pool.POOL_OPTIONS, data=f"({pool.POOL_DATA})i", prepare="i0 o0"),
    "SOFTMAX": Use(options="i", data=f"({reduce.SOFTMAX_DATA})2i", prepare=reduce.softmax),
    "FULLY_CONNECTED": Use(
        options=matmul.FULLY_CONNECTED_OPTIONS,
        data=f"({matmul.FULLY_CONNECTED_DATA})2ip3i",
        prepare=_fully_connected,
    ),
    "BATCH_MATMUL": Use(
        options=matmul.BATCH_MATMUL_OPTIONS,
        data=f"({matmul.BATCH_MATMUL_DATA})5i",
        prepare=_batch_matmul,
    ),
    "SVDF": Use(options=recurrent.SVDF_OPTIONS, data="9ip", prepare=_svdf),
    "UNIDIRECTIONAL_SEQUENCE_LSTM": Use(
        options=recurrent.LSTM_OPTIONS, data=f"({recurrent.LSTM_DATA})24p16d", prepare=_lstm
    ),
}
