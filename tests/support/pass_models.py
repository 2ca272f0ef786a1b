# SPDX-License-Identifier: Apache-2.0
"""Pieces of models for the tests of graph passes."""

from __future__ import annotations

import numpy as np

from tests.support.tflite_builder import NONE, RELU, SAME, ModelBuilder

QUANT = {"scale": 0.05, "zero_point": -3}
RELUED = {"scale": 0.05, "zero_point": -128}


def weights(rng: np.random.Generator, *shape: int) -> np.ndarray:
    return rng.integers(-127, 128, shape).astype(np.int8)


def conv(
    b: ModelBuilder, x: int, shape: tuple[int, ...], w: np.ndarray, bias: list[int], **rest: object
) -> int:
    """A convolution with one weight scale of 0.004 and a scale of 0.05 behind it."""
    options = {"padding": SAME, "fused_activation_function": NONE} | rest
    quant = RELUED if options["fused_activation_function"] == RELU else QUANT
    k = b.constant(w, scale=0.004)
    add = b.constant(np.array(bias, np.int32), scale=0.0002)
    return b.op("CONV_2D", [x, k, add], shape, options=options, **quant)
