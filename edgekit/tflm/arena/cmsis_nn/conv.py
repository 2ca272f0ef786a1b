# SPDX-License-Identifier: Apache-2.0
"""Convolutions."""

from dataclasses import replace
from typing import Any

from edgekit.tflm.arena.cmsis_nn import buffers
from edgekit.tflm.arena.cmsis_nn.buffers import Window
from edgekit.tflm.arena.node import Node, Use
from edgekit.tflm.arena.ops.conv import (
    CONV_DATA,
    CONV_OPTIONS,
    CONV_PARAMS,
    DEPTHWISE_OPTIONS,
    TRANSPOSE_CONV_OPTIONS,
    wide_bias,
)

# The reference kernel's data and the index of a buffer.
_DATA = f"({CONV_DATA})i"
_SAME, _INTEGERS = 0, ("int8", "int16")


def _window(node: Node, source: int) -> Window:
    given, weights, made = node.given(source).shape, node.given(1).shape, node.output().shape
    options = node.op.options
    stride = (options["stride_h"], options["stride_w"])
    dilation = (options.get("dilation_h_factor", 1), options.get("dilation_w_factor", 1))
    axes = zip(given[1:3], weights[1:3], stride, dilation, strict=True)
    top, left = (_padding(*axis, options) for axis in axes)
    return Window(
        batches=given[0],
        input=(given[1], given[2]),
        output=(made[1], made[2]),
        kernel=(weights[1], weights[2]),
        input_channels=given[3],
        filter_channels=weights[3],
        output_channels=made[3],
        stride=stride,
        dilation=dilation,
        padding=(top, left),
    )


def _padding(side: int, kernel: int, stride: int, dilation: int, options: dict[str, Any]) -> int:
    """Values before the first (lite/kernels/padding.h)."""
    extent = (kernel - 1) * dilation + 1
    same = options["padding"] == _SAME
    output = -(-side // stride) if same else (side + stride - extent) // stride
    return max((output - 1) * stride + extent - side, 0) // 2


def _scratch(node: Node, size: int) -> None:
    if size > 0:
        node.scratch("CMSIS-NN buffer", size)


def _conv(node: Node) -> None:
    node.temps("i0 i1 o0 o2")
    if node.given(0).dtype in _INTEGERS:
        node.per_channel(node.given(1).shape[0])
    node.temps("i0 i1 i2 o0")
    window, bias = _window(node, 0), node.input(2)
    if node.given(0).dtype == "int8":
        _scratch(node, buffers.conv_bytes(window, node.extension))
    elif node.given(0).dtype == "int16" and (bias is None or bias.dtype == "int64"):
        _scratch(node, buffers.conv_int16_bytes(window, node.extension))


def _depthwise(node: Node) -> None:
    node.temps("i0 i1 o0")
    if node.given(0).dtype in _INTEGERS:
        node.per_channel(node.given(1).shape[3])
    node.temps("i0 i1 i2 o0")
    if node.given(0).dtype == "int8":
        int4 = node.given(1).dtype == "int4"
        size = buffers.depthwise_int4_bytes if int4 else buffers.depthwise_bytes
        _scratch(node, size(_depthwise_window(node), node.extension))


def _depthwise_window(node: Node) -> Window:
    """The weights are [1, h, w, channels]; as a convolution they have one input channel."""
    return replace(_window(node, 0), filter_channels=1)


def _transpose_conv(node: Node) -> None:
    node.temps("o0 i2 i1")
    node.per_channel(node.given(1).shape[0])
    if node.given(2).dtype == "int8":
        window = _window(node, 2)
        for name, size in zip(
            ("CMSIS-NN buffer", "turned weights"),
            buffers.transpose_conv_bytes(window, node.extension),
            strict=True,
        ):
            node.scratch(name, size)
    elif node.given(2).dtype == "int16":
        node.scratch("sums", 8 * node.output().elements)
    if node.given(2).dtype in _INTEGERS:
        node.temps("i2 i1 i3 o0")
        wide_bias(node)


USES = {
    "CONV_2D": Use(options=CONV_OPTIONS, data=_DATA, prepare=_conv),
    "DEPTHWISE_CONV_2D": Use(options=DEPTHWISE_OPTIONS, data=_DATA, prepare=_depthwise),
    "TRANSPOSE_CONV": Use(
        options=TRANSPOSE_CONV_OPTIONS, data=f"{CONV_PARAMS}3i2p", prepare=_transpose_conv
    ),
}
