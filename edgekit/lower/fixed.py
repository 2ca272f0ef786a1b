# SPDX-License-Identifier: Apache-2.0
"""Real scales to the integer multipliers that kernels use, exactly as TFLM computes them."""

from __future__ import annotations

import math
import struct

from edgekit.tflite.graph import Tensor

# ActivationFunctionType of TFLite's schema.
NONE, RELU, RELU_N1_TO_1, RELU6 = 0, 1, 2, 3
INTEGER_RANGE = {"int8": (-128, 127), "uint8": (0, 255)}


def float32(value: float) -> float:
    """`value` rounded to the nearest float32, as C's (float) does."""
    return float(struct.unpack("<f", struct.pack("<f", value))[0])


def round_half_away(value: float) -> int:
    """C's round(): halves go away from zero."""
    return math.floor(value + 0.5) if value >= 0 else math.ceil(value - 0.5)


def quantize_multiplier(real: float) -> tuple[int, int]:
    """(multiplier, shift) with real ~ multiplier * 2^(shift - 31), 2^30 <= multiplier < 2^31.

    The arithmetic of TFLM's QuantizeMultiplier: values below 2^-32 become (0, 0).
    """
    if real == 0.0:
        return 0, 0
    fraction, shift = math.frexp(real)
    multiplier = round_half_away(fraction * (1 << 31))
    if multiplier == 1 << 31:
        multiplier //= 2
        shift += 1
    return (0, 0) if shift < -31 else (multiplier, shift)


def activation_range(function: int | tuple[int, int], output: Tensor) -> tuple[int, int]:
    """Clamp of a fused activation in the output's integers (CalculateActivationRangeQuantized).

    A pass may have put the clamp itself, (low, high), in the place of the schema's number.
    """
    if isinstance(function, tuple):
        return function
    low, high = INTEGER_RANGE[output.dtype]
    bounds: tuple[float | None, float | None] = {
        NONE: (None, None),
        RELU: (0.0, None),
        RELU_N1_TO_1: (-1.0, 1.0),
        RELU6: (0.0, 6.0),
    }[function]

    def quantized(real: float) -> int:
        return output.q.zero_point + round_half_away(float32(real / output.q.scale))

    if bounds[0] is not None:
        low = max(low, quantized(bounds[0]))
    if bounds[1] is not None:
        high = min(high, quantized(bounds[1]))
    return low, high


def no_activation_range(function: object, output: Tensor) -> str:
    """Reason to refuse a fused activation whose limit is no int32 in the output's integers, as
    TFLM's Quantize does; "" where it is one, or where there is no such activation."""
    limit = {RELU_N1_TO_1: 1.0, RELU6: 6.0}.get(function) if isinstance(function, int) else None
    if limit is None or output.quant is None or limit / output.q.scale < 1 << 31:
        return ""
    return "its output's scale is too small for the limits of its activation"


def mul_high(a: int, b: int) -> int:
    """`ek_mul_high` of the runtime, in Python."""
    return (a * b + (1 << 30)) >> 31


def shift_right(value: int, exponent: int) -> int:
    """`ek_shift_right` of the runtime, in Python."""
    mask = (1 << exponent) - 1
    threshold = (mask >> 1) + (1 if value < 0 else 0)
    return (value >> exponent) + (1 if value & mask > threshold else 0)


def scale(value: int, multiplier: int, shift: int) -> int:
    """`ek_scale` of the runtime, in Python (32-bit wrap of the left shift included)."""
    left, right = max(shift, 0), max(-shift, 0)
    wide = (value << left) & 0xFFFFFFFF
    wide -= (wide & 0x80000000) << 1
    return shift_right(mul_high(wide, multiplier), right)
