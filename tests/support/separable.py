# SPDX-License-Identifier: Apache-2.0
"""A small network of depthwise and 1x1 convolutions."""

from __future__ import annotations

import numpy as np

from tests.support.tflite_builder import RELU, SAME, ModelBuilder


def separable(side: int = 12, channels: int = 12, layers: int = 3) -> bytes:
    """Depthwise and 1x1 convolutions in turn, behind a convolution of one channel: in place, over
    their input, with scratch of many sizes."""
    rng = np.random.default_rng(5)
    b = ModelBuilder()
    x = b.input((1, 2 * side, 2 * side, 1), scale=0.05, zero_point=-128)
    first = b.constant(rng.integers(-127, 128, (channels, 3, 3, 1)).astype(np.int8), scale=0.004)
    bias = b.constant(rng.integers(-900, 900, channels).astype(np.int32), scale=2e-4)
    halves = {"padding": SAME, "stride_h": 2, "stride_w": 2, "fused_activation_function": RELU}
    shape = (1, side, side, channels)
    x = b.op("CONV_2D", [x, first, bias], shape, scale=0.05, zero_point=-128, options=halves)
    window = {"padding": SAME, "stride_h": 1, "stride_w": 1, "fused_activation_function": RELU}
    for _ in range(layers):
        for kind, shape, axis in (
            ("DEPTHWISE_CONV_2D", (1, 3, 3, channels), 3),
            ("CONV_2D", (channels, 1, 1, channels), 0),
        ):
            values = rng.integers(-127, 128, shape).astype(np.int8)
            w = b.constant(values, scales=list(rng.uniform(0.002, 0.01, channels)), axis=axis)
            bias = b.constant(rng.integers(-900, 900, channels).astype(np.int32), scale=1e-4)
            shape = (1, side, side, channels)
            x = b.op(kind, [x, w, bias], shape, scale=0.05, zero_point=-128, options=window)
    return b.finish([x])
