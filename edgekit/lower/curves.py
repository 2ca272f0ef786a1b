# SPDX-License-Identifier: Apache-2.0
"""Logistic and tanh in fixed point, bit for bit as gemmlowp's, which TFLM's int8 kernels use.

"Qi.f" is an int32 with i integer and f fractional bits. The constants are those functions'
mathematical values in fixed point; the order of the roundings is gemmlowp's (fixedpoint.h).
"""

from __future__ import annotations

import math
from collections.abc import Callable

from edgekit.lower.fixed import mul_high, scale, shift_right
from edgekit.tflite.graph import Tensor

LOWEST, HIGHEST = -(1 << 31), (1 << 31) - 1
INTEGER_BITS = 4  # of the input on its way into either function: Q4.27
EXP_MINUS_EIGHTH = 1895147668
THIRD = 715827883
# exp(-1/4), exp(-1/2), exp(-1) .. exp(-16) in Q0.31.
EXP_FACTORS = (1672461947, 1302514674, 790015084, 290630308, 39332535, 720401, 242)
NEWTON_48_17, NEWTON_MINUS_32_17 = 1515870810, -1010580540  # Q2.29
ONE_Q2, HALF_Q0 = 1 << 29, 1 << 30


def _left(value: int, bits: int) -> int:
    return min(max(value << bits, LOWEST), HIGHEST)


def _exp_quarter(a: int) -> int:
    """exp(a) for a in [-1/4, 0), Q0.31 to Q0.31."""
    x = a + (1 << 28)
    x2 = mul_high(x, x)
    x3, x4 = mul_high(x2, x), mul_high(x2, x2)
    tail = mul_high(shift_right(x4, 2) + x3, THIRD) + x2
    return EXP_MINUS_EIGHTH + mul_high(EXP_MINUS_EIGHTH, x + shift_right(tail, 1))


def exp_negative(a: int, integer_bits: int) -> int:
    """exp(a) for a <= 0 with `integer_bits` integer bits, to Q0.31; exp(0) is the largest int32."""
    if a == 0:
        return HIGHEST
    fraction_bits = 31 - integer_bits
    quarter = 1 << (fraction_bits - 2)
    rest = (a & (quarter - 1)) - quarter
    result = _exp_quarter(_left(rest, integer_bits))
    for exponent, factor in enumerate(EXP_FACTORS, start=-2):
        used = integer_bits > exponent and (rest - a) >> (fraction_bits + exponent) & 1
        result = mul_high(result, factor) if used else result
    return result


def _newton(a: int) -> int:
    """2 / (1 + a) for a in [0, 1], Q0.31 to Q2.29."""
    half = (a + HIGHEST + 1) // 2
    x = NEWTON_48_17 + mul_high(half, NEWTON_MINUS_32_17)
    for _ in range(3):
        x += _left(mul_high(x, ONE_Q2 - mul_high(half, x)), 2)
    return x


def logistic(a: int) -> int:
    """1 / (1 + exp(-a)), Q4.27 to Q0.31."""
    if a == 0:
        return HALF_Q0
    positive = _left(_newton(exp_negative(-abs(a), INTEGER_BITS)), 1)
    return positive if a > 0 else HIGHEST - positive


def tanh(a: int) -> int:
    """tanh(a), Q4.27 to Q0.31."""
    if a == 0:
        return 0
    doubled = exp_negative(-abs(a), INTEGER_BITS + 1)  # same bits read as Q5.26: twice the value
    positive = _left(_newton(doubled) - ONE_Q2, 2)
    return positive if a > 0 else -positive


def curve_entry(curve: Callable[[int], int], source: Tensor, bits: int, offset: int) -> Callable:
    """Input integer to output: saturated beyond the input's radius, else `bits` of the curve."""
    fraction, shift = math.frexp(source.q.scale * (1 << (31 - INTEGER_BITS)))
    multiplier = round(fraction * (1 << 31))  # exact: a float32 has 24 bits
    radius = ((1 << INTEGER_BITS) - 1) * (1 << (31 - INTEGER_BITS)) >> shift

    def entry(value: int) -> int:
        centred = value - source.q.zero_point
        if centred <= -radius:
            return -128
        if centred >= radius:
            return 127
        result = shift_right(curve(scale(centred, multiplier, shift)), 31 - bits)
        return min(max(result + offset, -128), 127)

    return entry


def no_curve(source: Tensor) -> str:
    """Reason to refuse an input whose scale is out of the range of Q4.27, "" otherwise."""
    return "" if source.q.scale >= 2.0**-28 else "its input's scale is below 2^-28"
