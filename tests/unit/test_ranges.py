# SPDX-License-Identifier: Apache-2.0
"""Ranges: histograms of constant size, the methods that choose from them, images."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from edgekit.errors import EdgekitError
from edgekit.quantize.arrays import dequantize_array, quantize_array
from edgekit.quantize.ranges import METHODS, Histogram, Measured, choose_ranges, method_named
from edgekit.quantize.ranges.histogram import BINS
from edgekit.quantize.ranges.images import Pixels
from edgekit.quantize.ranges.noise import Noise
from edgekit.quantize.ranges.ties import tied_ranges

RNG = np.random.default_rng(5)
SHAPES = {
    "normal": RNG.normal(0, 1, 40_000),
    "relu": np.maximum(RNG.normal(-0.5, 1, 40_000), 0),
    "tail": RNG.standard_t(2, 40_000) * 3,
    "offset": RNG.normal(100, 0.5, 20_000),
    "negative": -np.abs(RNG.normal(0, 1e-6, 20_000)),
    "large": RNG.normal(0, 1e30, 20_000),
    "two": RNG.choice([-3.0, 7.0], 5_000),
}


def _histogram(values: np.ndarray, pieces: int = 37) -> Histogram:
    found = Histogram()
    for part in np.array_split(values.astype(np.float32), pieces):
        found.add(part)
    return found


def _error(values: np.ndarray, low: float, high: float) -> float:
    """Mean squared error of quantizing to int8 as TFLite does, measured value by value."""
    low, high = min(low, 0.0), max(high, 0.0)
    scale = (high - low) / 255
    zero_point = int(np.clip(round(-128 - low / scale), -128, 127))
    stored = quantize_array(values, scale, zero_point, "int8")
    wide = dequantize_array(stored, scale, zero_point).astype(np.float64) - values
    return float(np.mean(wide**2))


@pytest.mark.parametrize("shape", SHAPES)
def test_a_histogram_counts_everything_and_its_moments_are_exact(shape: str) -> None:
    values = SHAPES[shape].astype(np.float32)
    found = _histogram(values)
    centres, counts, width = found.bins()
    assert counts.sum() + found.zeros == found.count == len(values)
    assert found.zeros == np.sum(values == 0)
    assert (found.low, found.high) == (values.min(), values.max())
    wide = values.astype(np.float64)
    assert found.mean == pytest.approx(wide.mean(), rel=1e-9, abs=1e-12 * abs(wide).max())
    assert found.power == pytest.approx((wide**2).mean(), rel=1e-9)
    assert len(counts) <= BINS and width <= 4 * (max(found.high, 0) - min(found.low, 0)) / BINS
    expected = np.sort(np.abs(values[values != 0]))
    assert np.allclose(np.sort(np.repeat(np.abs(centres), counts)), expected, atol=width)


@pytest.mark.parametrize("shape", SHAPES)
def test_percentiles_to_the_width_of_a_bin(shape: str) -> None:
    values = SHAPES[shape].astype(np.float32)
    found = _histogram(values)
    wanted = np.array([0.0, 0.1, 10.0, 49.0, 90.0, 99.9, 100.0])
    near = 200 / len(values)  # two values more or less
    below, above = (
        np.percentile(values, np.clip(wanted + by, 0, 100), method="inverted_cdf")
        for by in (-near, near)
    )
    width = found.bins()[2]
    assert (below - width <= found.percentiles(wanted)).all()
    assert (found.percentiles(wanted) <= above + width).all()


def test_order_and_parts_do_not_matter() -> None:
    values = np.concatenate([SHAPES["normal"] * scale for scale in (1e-3, 1.0, 50.0)])
    one, other = _histogram(values, 1), _histogram(values[::-1].copy(), 999)
    assert one.percentiles([1, 50, 99]) == pytest.approx(
        other.percentiles([1, 50, 99]), abs=2 * max(one.bins()[2], other.bins()[2])
    )


@pytest.mark.parametrize("shape", ["normal", "relu", "tail", "offset", "large"])
@pytest.mark.parametrize("part", [1.0, 0.7, 0.3, 0.05])
def test_the_foretold_error_is_the_measured_one(shape: str, part: float) -> None:
    values = SHAPES[shape].astype(np.float32)
    found = _histogram(values)
    low, high = part * min(found.low, 0.0), part * max(found.high, 0.0)
    foretold = Noise(found).of(np.array([low]), np.array([high]))[0]
    # rounding errs by step^2 / 12 where values spread over a step, which tails do less evenly
    near = 0.35 if shape == "tail" else 0.1
    assert foretold == pytest.approx(_error(values, low, high), rel=near)


@pytest.mark.parametrize("shape", ["normal", "relu", "tail", "offset"])
def test_mse_finds_a_range_as_good_as_any_of_a_thousand(shape: str) -> None:
    values = SHAPES[shape].astype(np.float32)
    chosen = METHODS["mse"].choose(_histogram(values), 0.0)
    parts = np.linspace(0.02, 1.0, 32)
    lows = [0.0] if values.min() >= 0 else list(parts * values.min())
    best = min(_error(values, a, b) for a, b in itertools.product(lows, parts * values.max()))
    assert _error(values, *chosen) <= 1.03 * best


def test_a_heavy_tail_is_cut_and_a_flat_distribution_is_not() -> None:
    tail, flat = SHAPES["tail"], RNG.uniform(-1, 1, 50_000)
    for method in ("percentile", "kl"):
        low, high = METHODS[method].choose(_histogram(tail), 99.9)
        assert high - low < 0.6 * (tail.max() - tail.min()), method
    for method in METHODS:
        low, high = METHODS[method].choose(_histogram(flat), 99.999)
        assert low < -0.95 and high > 0.95, method
    assert METHODS["minmax"].choose(_histogram(tail), 0.0) == pytest.approx(
        (tail.min(), tail.max())
    )


def test_kl_leaves_zeros_out() -> None:
    """With the zeros of a ReLU in its distribution the method clips at a part of the range."""
    values = np.maximum(RNG.normal(-1.0, 1, 60_000), 0)
    assert METHODS["kl"].choose(_histogram(values), 0.0)[1] > 0.6 * values.max()


def test_ranges_hold_zero_and_images_keep_theirs() -> None:
    histograms = {0: _histogram(SHAPES["offset"]), 1: _histogram(SHAPES["negative"])}
    histograms |= {2: _histogram(np.zeros(9)), 3: _histogram(np.arange(200.0))}
    measured = Measured(histograms, {3: (0.0, 255.0)}, 1)
    for method in METHODS.values():
        chosen = choose_ranges(measured, method)
        assert all(low <= 0 <= high and low < high for low, high in chosen.ranges.values())
        assert chosen.ranges[3] == (0.0, 255.0) and chosen.dead == (2,)
        assert chosen.ranges[0][1] > 98


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (np.arange(0, 240), (0.0, 255.0)),
        (np.arange(0, 240) / 255, (0.0, 1.0)),
        (np.arange(0, 240).astype(np.float32) / np.float32(127.5) - 1, (-1.0, 1.0)),
        (np.arange(-20, 240), None),
        (np.arange(0, 300), None),
        (np.array([0, 1, 1, 0]), (0.0, 1.0)),
        (np.array([0, 1, 2, 3]), None),
        (np.random.default_rng(1).uniform(0, 255, 99), None),
        (np.random.default_rng(1).uniform(0, 1, 99), None),
    ],
)
def test_images_are_known_by_their_levels(
    values: np.ndarray, expected: tuple[float, float] | None
) -> None:
    pixels = Pixels()
    for part in np.array_split(values.astype(np.float32), 3):
        pixels.add(part)
    assert pixels.range() == expected


def test_tensors_that_share_a_scale_get_one_range() -> None:
    ranges = {0: (-1.0, 2.0), 1: (-3.0, 1.0), 2: (0.0, 9.0), 3: (0.0, 5.0), 4: (0.0, 1.0)}
    found = tied_ranges(ranges, [(0, 1, 77), (2, 1), (3,), (88, 99)], {})
    assert found == {0: (-3.0, 9.0), 1: (-3.0, 9.0), 2: (-3.0, 9.0), 3: (0.0, 5.0), 4: (0.0, 1.0)}
    fixed = tied_ranges(ranges, [(2, 4)], {4: (0.0, 6.0)})
    assert fixed[2] == fixed[4] == (0.0, 6.0) and fixed[3] == (0.0, 5.0)


def test_methods_are_named() -> None:
    assert method_named("percentile").default == 99.999
    assert method_named("percentile:99.9").default == 99.9
    assert method_named("mse").name == "mse"
    for wrong in ("best", "mse:3", "percentile:x", "percentile:200", "percentile:3", ""):
        with pytest.raises(EdgekitError) as caught:
            method_named(wrong)
        assert caught.value.hint
