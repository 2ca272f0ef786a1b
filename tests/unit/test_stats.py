# SPDX-License-Identifier: Apache-2.0
"""Ticks to latencies: definitions, units, and the refusal of counters that stand still."""

import pytest

from edgekit.errors import DeviceError, EdgekitError
from edgekit.measure.stats import Latency, Scale, instructions, percentile_95, scale_for


def test_summary_of_a_known_distribution():
    latency = Latency("systick", 25_000_000, tuple(range(1, 101)))
    summary = latency.summary(Scale("instructions", 40.0), warmup=2)
    assert (summary.min, summary.median, summary.p95, summary.max) == (40, 2020, 3800, 4000)
    assert (summary.unit, summary.n, summary.warmup) == ("instructions", 100, 2)
    assert summary.resolution == 40


@pytest.mark.parametrize(
    ("values", "expected"),
    [([7], 7), ([3, 1, 2], 3), (list(range(1, 21)), 19), (list(range(1, 22)), 20)],
)
def test_p95_is_a_sample_by_nearest_rank(values, expected):
    assert percentile_95(values) == expected


def test_one_tick_of_a_25_mhz_counter_is_40_instructions_at_shift_0():
    assert instructions(1500, 25_000_000, 0) == pytest.approx(60_000)
    assert instructions(1500, 25_000_000, 3) == pytest.approx(7_500)


@pytest.mark.parametrize(
    ("hz", "ticks"), [(0, (5, 6)), (1000, ()), (1000, (5, 0, 6)), (1000, (-3,))]
)
def test_a_counter_that_does_not_move_is_refused(hz, ticks):
    with pytest.raises(DeviceError):
        Latency("dwt", hz, ticks)


def test_the_refusal_names_the_counter():
    with pytest.raises(DeviceError, match="'dwt' does not move"):
        Latency("dwt", 0, (1, 2))


def test_measured_boards_give_microseconds():
    scale = scale_for("measured", 64_000_000, None)
    assert (scale.unit, scale.of(64)) == ("us", 1.0)


def test_emulated_ticks_without_instruction_counting_are_refused():
    with pytest.raises(EdgekitError, match="does not count instructions"):
        scale_for("emulated", 25_000_000, None)


def test_emulated_boards_never_give_a_time():
    assert scale_for("emulated", 25_000_000, 0).unit == "instructions"
