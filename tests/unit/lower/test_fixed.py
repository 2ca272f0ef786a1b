# SPDX-License-Identifier: Apache-2.0
"""Integer scaling against exact rational arithmetic."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest

from edgekit.lower.fixed import (
    NONE,
    RELU,
    RELU6,
    RELU_N1_TO_1,
    activation_range,
    float32,
    mul_high,
    quantize_multiplier,
    round_half_away,
    scale,
    shift_right,
)
from edgekit.tflite.graph import Quant, Tensor

INT32 = 1 << 31


def _round_half_up(value: Fraction) -> int:
    return math.floor(value + Fraction(1, 2))


def _round_half_away(value: Fraction) -> int:
    return _round_half_up(value) if value >= 0 else -_round_half_up(-value)


def test_float32_is_numpys() -> None:
    for value in (0.1, 1 / 3, 1e-40, -2.5e30, 16777217.0):
        assert float32(value) == float(np.float32(value))


@pytest.mark.parametrize(
    ("value", "expected"), [(0.5, 1), (-0.5, -1), (1.49, 1), (-1.5, -2), (2.5, 3), (0.0, 0)]
)
def test_halves_go_away_from_zero(value: float, expected: int) -> None:
    assert round_half_away(value) == expected


@pytest.mark.parametrize("real", [1.0, 0.5, 0.75, 1e-9, 3.7, 1234.5, 2.0**-31, 1 - 2.0**-40])
def test_multiplier_is_within_half_a_unit(real: float) -> None:
    multiplier, shift = quantize_multiplier(real)
    assert 1 << 30 <= multiplier < INT32
    unit = Fraction(2) ** (shift - 31)
    assert abs(multiplier * unit - Fraction(real)) <= unit / 2


def test_multiplier_at_its_limits() -> None:
    assert quantize_multiplier(0.0) == (0, 0)
    assert quantize_multiplier(2.0**-34) == (0, 0)
    assert quantize_multiplier(1 - 2.0**-40) == (1 << 30, 1)  # rounds up to a power of two


def test_mul_high_rounds_half_up() -> None:
    rng = np.random.default_rng(0)
    for a, b in rng.integers(-INT32, INT32, (300, 2)).tolist():
        b = abs(b) % INT32
        assert mul_high(a, b) == _round_half_up(Fraction(a * b, 1 << 31))


def test_shift_right_rounds_half_away() -> None:
    rng = np.random.default_rng(1)
    values = [*rng.integers(-INT32, INT32, 100).tolist(), *range(-40, 41)]
    for value in values:
        for exponent in (0, 1, 3, 8, 31):
            expected = _round_half_away(Fraction(value, 1 << exponent))
            assert shift_right(value, exponent) == expected


def test_scale_rounds_twice_and_wraps_the_left_shift() -> None:
    assert scale(3, 1 << 30, 1) == 3
    assert scale(5, 1 << 30, -1) == 2  # 5 / 4: 2.5 -> 3 high, 3 / 2 -> 2
    assert scale(1 << 30, 1 << 30, 2) == 0  # the left shift lost every bit


def _tensor(dtype: str, scale_: float, zero_point: int) -> Tensor:
    return Tensor(0, "t", (1,), dtype, Quant((scale_,), (zero_point,)))


@pytest.mark.parametrize(
    ("function", "expected"),
    [(NONE, (-128, 127)), (RELU, (-10, 127)), (RELU6, (-10, 50)), (RELU_N1_TO_1, (-20, 0))],
)
def test_activation_range(function: int, expected: tuple[int, int]) -> None:
    assert activation_range(function, _tensor("int8", 0.1, -10)) == expected


def test_activation_range_stays_in_the_type() -> None:
    assert activation_range(RELU6, _tensor("int8", 1e-3, 100)) == (100, 127)
    assert activation_range(NONE, _tensor("uint8", 1.0, 0)) == (0, 255)
