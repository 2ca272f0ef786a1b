# SPDX-License-Identifier: Apache-2.0
"""Instructions of the kernels for cores with plain 32-bit products, counted at -O3 on the emulated
cores over the MLPerf Tiny models: what is not in this table is taken as a Cortex-M0+."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class BlockCosts:
    """Convolutions: per input and per channel of a block of pixels, with the correction of halves,
    per byte that becomes a word (of a trio: per three of them), per run of such bytes, per pixel
    (of a trio: per three)."""

    per_input: float
    per_channel: float
    per_away: float
    per_byte: float
    per_run: float
    per_pixel: float


@dataclass(frozen=True, slots=True)
class RowCosts:
    """Dense layers: per input and per four channels of a row, with the correction, per input of
    the row, per row."""

    per_input: float
    per_four: float
    per_away: float
    per_byte: float
    per_row: float


@dataclass(frozen=True, slots=True)
class LineCosts:
    """Depthwise layers: `abreast` places of a line at a time; per tap of those, per that many
    places, with the correction, per output (of trios: none), per line of outputs, per channel and
    strip, per tap of those; per word of the plane (of a trio: place), per line of it."""

    abreast: int
    per_tap: float
    per_places: float
    per_away: float
    per_output: float
    per_line: float
    per_strip: float
    per_weight: float
    per_word: float
    per_in_line: float


@dataclass(frozen=True, slots=True)
class WinogradCosts:
    """Per tile and input channel, per tile and output channel, with the correction, per four tiles
    and output channel, and per input channel of those."""

    per_tile_in: float
    per_tile_out: float
    per_away: float
    per_sums: float
    per_channel: float


@dataclass(frozen=True, slots=True)
class PlainCosts:
    """All kernels of one core."""

    block: BlockCosts
    row: RowCosts
    lines: LineCosts
    winograd: WinogradCosts
    trio_block: BlockCosts
    trio_lines: LineCosts


THUMB_1 = PlainCosts(
    block=BlockCosts(10.4, 78.0, 12.0, 5.1, 42.0, 60.0),
    row=RowCosts(13.55, 85.0, 12.0, 6.0, 100.0),
    lines=LineCosts(4, 11.4, 34.0, 12.0, 16.0, 20.0, 150.0, 6.0, 6.2, 45.0),
    winograd=WinogradCosts(640.0, 985.0, 77.0, 1000.0, 36 * 11.4),
    trio_block=BlockCosts(10.4, 126.0, 18.0, 14.0, 150.0, 95.0),
    trio_lines=LineCosts(2, 11.4, 125.0, 18.0, 0.0, 20.0, 150.0, 6.0, 13.0, 125.0),
)
THUMB_2 = PlainCosts(
    block=BlockCosts(6.4, 68.0, 12.0, 5.1, 42.0, 60.0),
    row=RowCosts(9.6, 88.0, 12.0, 6.0, 100.0),
    lines=LineCosts(4, 7.4, 34.0, 12.0, 12.0, 20.0, 150.0, 6.0, 6.2, 45.0),
    winograd=WinogradCosts(420.0, 580.0, 45.0, 1000.0, 36 * 7.5),
    trio_block=BlockCosts(6.4, 101.0, 12.0, 10.0, 125.0, 95.0),
    trio_lines=LineCosts(2, 7.4, 100.0, 12.0, 0.0, 20.0, 150.0, 6.0, 11.0, 110.0),
)
RV32 = PlainCosts(
    block=BlockCosts(10.8, 120.0, 0.0, 5.1, 42.0, 60.0),
    row=RowCosts(14.5, 150.0, 0.0, 6.0, 100.0),
    lines=LineCosts(4, 17.0, 40.0, 0.0, 30.0, 20.0, 150.0, 6.0, 6.2, 45.0),
    winograd=WinogradCosts(480.0, 700.0, 0.0, 1000.0, 36 * 14.5),
    trio_block=BlockCosts(10.8, 165.0, 6.0, 15.0, 125.0, 95.0),
    trio_lines=LineCosts(3, 23.5, 190.0, 9.0, 0.0, 20.0, 150.0, 6.0, 15.0, 110.0),
)
_CORES = {"cortex-m3": THUMB_2, "rv32": RV32}


def plain_costs(core: str) -> PlainCosts:
    """The table of `core`."""
    return _CORES.get(core, THUMB_1)
