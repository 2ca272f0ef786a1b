# SPDX-License-Identifier: Apache-2.0
"""Convolutions."""

from edgekit.tflm.arena.node import Node, Use

CONV_OPTIONS = "e2ie2ie"
DEPTHWISE_OPTIONS = "e3ie2i"
TRANSPOSE_CONV_OPTIONS = "e2i2e"
# micro/kernels/conv.h: padding, zero points, multiplier and shift, arrays, range, buffer index.
CONV_DATA = "9i2p3i2c"
# lite/kernels/internal/types.h: ConvParams
CONV_PARAMS = "(b8h9i)"


def unpacked_filter(node: Node) -> None:
    """int4 weights are unpacked before each run."""
    if node.given(1).dtype == "int4":
        node.scratch("unpacked weights", node.given(1).elements)


def _conv(node: Node) -> None:
    node.temps("o0 i0 i1")
    node.per_channel(node.given(1).shape[0])
    node.temps("i0 i1 i2 o0")
    unpacked_filter(node)


def _depthwise(node: Node) -> None:
    node.temps("o0 i0 i1")
    node.per_channel(node.given(1).shape[3])
    unpacked_filter(node)
    node.temps("i0 i1 i2 o0")


def wide_bias(node: Node) -> None:
    """TRANSPOSE_CONV widens an int16 bias before each run."""
    bias = node.input(3)
    if bias is not None and bias.dtype == "int16" and node.given(2).dtype == "int16":
        node.scratch("bias", 8 * bias.elements)


def _transpose_conv(node: Node) -> None:
    node.temps("o0 i2 i1")
    node.per_channel(node.given(1).shape[0])
    sums = {"int8": 4, "int16": 8}.get(node.given(2).dtype)
    if sums:
        node.scratch("sums", sums * node.output().elements)
        node.temps("i2 i1 i3 o0")
        wide_bias(node)


USES = {
    "CONV_2D": Use(options=CONV_OPTIONS, data=CONV_DATA, prepare=_conv),
    "DEPTHWISE_CONV_2D": Use(options=DEPTHWISE_OPTIONS, data=CONV_DATA, prepare=_depthwise),
    "TRANSPOSE_CONV": Use(
        options=TRANSPOSE_CONV_OPTIONS, data=f"{CONV_PARAMS}i2ci2p", prepare=_transpose_conv
    ),
}
