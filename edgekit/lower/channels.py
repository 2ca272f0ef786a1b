# SPDX-License-Identifier: Apache-2.0
"""What convolutions and fully connected layers share: weight layout and per-channel constants."""

from __future__ import annotations

import numpy as np

from edgekit.lower.fixed import activation_range, float32, quantize_multiplier
from edgekit.lower.opkind import not_int8
from edgekit.lower.program import Const
from edgekit.tflite.graph import Tensor

ABREAST = 4


def blocked_channels(out_channels: int, groups: int = 1) -> int:
    """Output channels that are stored four abreast: all fours, if no four spans two groups."""
    if (out_channels // groups) % ABREAST == 0:
        return out_channels
    return out_channels // ABREAST * ABREAST if groups == 1 else 0


def pack_channels(weights: np.ndarray, blocked: int) -> np.ndarray:
    """Weights (out, taps) with the first `blocked` channels interleaved four abreast.

    Memory order: for each four channels, tap by tap, the four weights; then the rest by channel.
    """
    flat = weights.reshape(weights.shape[0], -1)
    fours = flat[:blocked].reshape(-1, ABREAST, flat.shape[1]).transpose(0, 2, 1)
    return np.concatenate([fours.reshape(-1), flat[blocked:].reshape(-1)])


def refuse_weights(source: Tensor, weights: Tensor, bias: Tensor | None, output: Tensor) -> str:
    """Reason to refuse operands that are not int8, or weights and bias that are not constant."""
    if reason := not_int8(source, weights, output):
        return reason
    if weights.data is None:
        return "its weights are not constant"
    if bias is not None and (bias.dtype != "int32" or bias.data is None):
        return "its bias is not constant int32"
    return ""


def channel_consts(
    source: Tensor,
    weights: Tensor,
    bias: Tensor | None,
    output: Tensor,
    function: int,
    channels: int,
    *,
    float_product: bool = False,
) -> tuple[Const, Const]:
    """`ek_channel` per output channel (bias, multiplier, shift) and the layer's `ek_quant`.

    The real multiplier is s_in * s_w / s_out in double precision from the file's float32 scales
    (PopulateConvolutionQuantizationParams); `float_product` rounds s_in * s_w to float32 first,
    as TFLM does for fully connected layers with one weight scale
    (GetQuantizedConvolutionMultipler).
    """
    scales = weights.q.scales if weights.q.per_channel else weights.q.scales * channels
    products = [source.q.scale * scale for scale in scales]
    if float_product:
        products = [float32(product) for product in products]
    rows = [quantize_multiplier(product / output.q.scale) for product in products]
    biases = np.zeros(channels, np.int32) if bias is None else bias.data
    assert biases is not None
    table = np.column_stack([biases.reshape(-1), np.array(rows, np.int64)]).astype(np.int32)
    low, high = activation_range(function, output)
    quant = np.array([[-source.q.zero_point, output.q.zero_point, low, high]], np.int32)
    return (
        Const("channels", table, struct="ek_channel"),
        Const("quant", quant, struct="ek_quant"),
    )
