# SPDX-License-Identifier: Apache-2.0
"""Narrowing of sums to int8 with 32-bit products only: a line whose steps are where they must be.

The output of a channel is a staircase over its sum: it reaches value i at sum t_i. With
a = sum - lowest, kept within 0..span, the kernels compute

    (((a * p0) >> 12) + a * p1 + k) >> 23

(where halves below zero must go away from zero, the line has a second k for sums below 0,) which
never decreases, so it equals the reference for every sum if it does at t_i and t_i - 1 for all i.
The generator finds the steps by bisection and checks each of them: what is emitted is exact.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgekit.lower.ways.narrow import HALF, Narrowed

FRACTION, SHIFT = 12, 23
FAR = 1 << 40  # beyond every sum
LARGEST_SPAN = 1 << 20  # a * p0 must fit 32 bits
SLOPES = sorted(range(-24, 25), key=abs)  # from the real slope, in its last place


@dataclass(frozen=True, slots=True, eq=False)
class Stepped:
    """`records`: per channel what its sum starts from (bias - lowest), span, k, p0, p1, then for
    layers with `away` where 0 is (in a), and what is added to k below it; int64."""

    layer: Narrowed
    records: np.ndarray

    def filled(self, group: int) -> Stepped:
        """With channels of weight 0 at the end, up to a multiple of `group`."""
        extra = -len(self.records) % group
        zeros = np.zeros((extra, self.records.shape[1]), np.int64)
        return Stepped(self.layer.filled(group), np.concatenate([self.records, zeros]))


def stepped(layer: Narrowed | None) -> Stepped | None:
    """None where some channel has no such line."""
    if layer is None:
        return None
    rows = _lines(layer)
    return None if rows is None else Stepped(layer, rows)


def outputs(sums: np.ndarray, layer: Narrowed) -> np.ndarray:
    """The reference's int8 outputs for `sums` (channels, any), int64."""
    multiplier = np.where(layer.factor == 0, HALF, (layer.high + (1 << 32)) >> 1)[:, None]
    exponent = (32 - np.log2(np.maximum(layer.factor, 1)).astype(np.int64))[:, None]
    scaled = (sums * multiplier + (1 << 30)) >> 31
    half = np.int64(1) << (exponent - 1)
    rounded = np.where(scaled < 0, -((-scaled + half) >> exponent), (scaled + half) >> exponent)
    return np.clip(rounded + layer.zero_point, layer.low, layer.high_clamp)


def _steps(layer: Narrowed) -> tuple[np.ndarray, np.ndarray]:
    """Values low + 1 .. high, and for each channel the least sum that gives each of them; one above
    the largest sum where none does. (values,), (channels, values)."""
    values = np.arange(layer.low + 1, layer.high_clamp + 1)
    largest = np.broadcast_to(layer.largest[:, None], (len(layer.bias), len(values)))
    below, reach = -largest - 1, largest + 1
    while (reach - below).max(initial=0) > 1:
        middle = (below + reach) // 2
        there = outputs(middle, layer) >= values
        open_ = reach - below > 1
        reach = np.where(there & open_, middle, reach)
        below = np.where(~there & open_, middle, below)
    return values, reach


def _lines(layer: Narrowed) -> np.ndarray | None:
    values, steps = _steps(layer)
    largest = layer.largest[:, None]
    reached = (steps > -largest) & (steps <= largest)
    some = reached.any(axis=1)
    lowest = np.where(some, np.where(reached, steps, FAR).min(axis=1, initial=FAR) - 1, 0)
    span = np.where(some, np.where(reached, steps, -FAR).max(axis=1, initial=-FAR) - lowest, 0)
    if span.max(initial=0) > LARGEST_SPAN:
        return None
    slope = np.where(some, _slopes(layer), 0)
    above = steps > 0
    at = np.where(reached, steps - lowest[:, None], 1)
    found = np.zeros(len(slope), bool)
    chosen = np.zeros((3, len(slope)), np.int64)
    for nudge in SLOPES:
        line = slope + nudge * some
        if layer.away:
            upper = _within(_room(line, values, at, reached & above), line, lowest, layer, 0)
            lower = _within(_room(line, values, at, reached & ~above), line, lowest, layer, -1)
        else:
            upper = lower = _room(line, values, at, reached)
        fits = (upper[0] <= upper[1]) & (lower[0] <= lower[1]) & ~found & some
        chosen[:, fits] = np.stack([line, _middle(*upper), _middle(*lower)])[:, fits]
        found |= fits
        if (found | ~some).all():
            break
    if not (found | ~some).all():
        return None
    base = outputs(lowest[:, None], layer)[:, 0] << SHIFT
    line = np.where(some, chosen[0], 0)
    k, k_below = np.where(some, chosen[1], base), np.where(some, chosen[2], base)
    p0, p1 = line & ((1 << FRACTION) - 1), line >> FRACTION
    zero = np.maximum(-lowest, 0)
    return np.stack([layer.bias - lowest, span, k, p0, p1, zero, k_below - k], axis=1)


def _within(
    room: tuple[np.ndarray, np.ndarray],
    slope: np.ndarray,
    lowest: np.ndarray,
    layer: Narrowed,
    total: int,
) -> tuple[np.ndarray, np.ndarray]:
    """Of `room` what gives the right output for a sum of `total` as well."""
    value = outputs(np.full((len(lowest), 1), total), layer)[:, 0] << SHIFT
    line = _line((total - lowest)[:, None], slope)[:, 0]
    return np.maximum(room[0], value - line), np.minimum(room[1], value + (1 << SHIFT) - 1 - line)


def _line(a: np.ndarray, slope: np.ndarray) -> np.ndarray:
    """What the kernels compute for `a` (channels, any) before k."""
    p0, p1 = (slope & ((1 << FRACTION) - 1))[:, None], (slope >> FRACTION)[:, None]
    return ((a * p0) >> FRACTION) + a * p1


def _middle(least: np.ndarray, most: np.ndarray) -> np.ndarray:
    """Between the two; 0 where there is no bound at all, or one that leaves 0 free."""
    return np.where((least <= 0) & (most >= 0), 0, (least + most) // 2)


def _slopes(layer: Narrowed) -> np.ndarray:
    """Outputs per sum, with FRACTION + SHIFT bits behind the point."""
    multiplier = np.where(layer.factor == 0, HALF, (layer.high + (1 << 32)) >> 1).astype(float)
    scale = multiplier / 2.0**31 * np.maximum(layer.factor, 1) / 2.0**32
    return np.round(scale * 2.0 ** (FRACTION + SHIFT)).astype(np.int64)


def _room(
    slope: np.ndarray, values: np.ndarray, steps: np.ndarray, reached: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Least and greatest k with which the line of each channel has all its steps."""
    levels = values.astype(np.int64) << SHIFT
    least = np.where(reached, levels - _line(steps, slope), -(1 << 62)).max(
        axis=1, initial=-(1 << 62)
    )
    most = np.where(reached, levels - 1 - _line(steps - 1, slope), 1 << 62).min(
        axis=1, initial=1 << 62
    )
    return least, most
