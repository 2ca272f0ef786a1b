# SPDX-License-Identifier: Apache-2.0
"""TFLM's greedy planner on cases whose offsets are worked out by hand."""

from __future__ import annotations

from edgekit.tflm.arena.greedy import Buffer, place, total_bytes


def _placed(*buffers: tuple[int, int, int]) -> tuple[list[int], int]:
    made = [Buffer(str(i), *buffer) for i, buffer in enumerate(buffers)]
    offsets = place(made)
    return offsets, total_bytes(made, offsets)


def test_buffers_that_never_meet_share_offset_zero() -> None:
    assert _placed((32, 0, 1), (64, 2, 3)) == ([0, 0], 64)


def test_the_largest_comes_first() -> None:
    assert _placed((16, 0, 1), (64, 0, 1)) == ([64, 0], 80)


def test_of_equal_sizes_the_last_comes_first() -> None:
    assert _placed((32, 0, 1), (32, 0, 1)) == ([32, 0], 64)


def test_a_life_includes_its_last_time() -> None:
    assert _placed((32, 0, 1), (32, 1, 2)) == ([32, 0], 64)


def test_a_gap_that_is_just_large_enough_is_taken() -> None:
    # 96 at 0; 64 behind it; 48 lives with the 64 only, and fits below it.
    assert _placed((96, 0, 1), (64, 0, 3), (48, 2, 3)) == ([0, 96, 0], 160)
    # A gap of 96 for 112 is none, although nothing else lives there.
    assert _placed((96, 0, 1), (64, 0, 3), (96, 2, 3), (112, 4, 4))[0][2] == 0


def test_a_buffer_too_large_for_the_gap_goes_behind() -> None:
    offsets, total = _placed((128, 0, 1), (96, 1, 3), (32, 3, 4), (64, 4, 5), (112, 2, 2))
    assert offsets[4] == 0 and offsets[1] == 128
    assert total == 224


def test_nothing_needs_nothing() -> None:
    assert _placed() == ([], 0)
    assert _placed((0, 1, 1), (16, 1, 1)) == ([0, 0], 16)


def test_fixed_buffers_stay_where_they_are_and_come_first() -> None:
    made = [Buffer("large", 64, 0, 1), Buffer("fixed", 16, 0, 1, fixed=32)]
    assert place(made) == [48, 32]
    made = [Buffer("fits", 32, 0, 1), Buffer("fixed", 16, 0, 1, fixed=32)]
    assert place(made) == [0, 32]
    overlapping = [Buffer("a", 16, 0, 1, fixed=0), Buffer("b", 16, 0, 1, fixed=8)]
    assert place(overlapping) == [0, 8]
