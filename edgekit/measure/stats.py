# SPDX-License-Identifier: Apache-2.0
"""Ticks of a counter to a latency that can be trusted: a distribution with unit and provenance."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from edgekit.errors import DeviceError, EdgekitError

P95_DEFINITION = "nearest rank: the smallest sample that at least 95 % of the samples do not exceed"


@dataclass(frozen=True, slots=True)
class Scale:
    """What one tick is worth: `per_tick` of `unit` ("instructions" or "us")."""

    unit: str
    per_tick: float

    def of(self, ticks: float) -> float:
        """`ticks` in `unit`: whole instructions, or microseconds to the nanosecond."""
        value = ticks * self.per_tick
        return round(value) if self.unit == "instructions" else round(value, 3)


@dataclass(frozen=True, slots=True)
class LatencySummary:
    """A distribution in `unit`. `resolution` is one tick; figures below it say nothing."""

    unit: str
    n: int
    warmup: int
    min: float
    median: float
    p95: float
    max: float
    resolution: float
    p95_definition: str = P95_DEFINITION


@dataclass(frozen=True, slots=True)
class Latency:
    """Raw ticks of one counter, one entry per inference. Refuses a counter that did not move."""

    counter: str
    hz: int
    ticks: tuple[int, ...]

    def __post_init__(self) -> None:
        if self.hz <= 0:
            raise DeviceError(
                f"the counter '{self.counter}' does not move on this device",
                hint="this core or emulator has no such counter; name another in the board file",
            )
        if not self.ticks:
            raise DeviceError("no inference was timed", hint="ask for at least one sample")
        if (least := min(self.ticks)) <= 0:
            raise DeviceError(
                f"the counter '{self.counter}' gave {least} ticks for a whole inference",
                hint="the counter stands still or wrapped; name another in the board file",
            )

    def summary(self, scale: Scale, *, warmup: int) -> LatencySummary:
        """The distribution in the scale's unit; `warmup` runs came before and are not in it."""
        return LatencySummary(
            unit=scale.unit,
            n=len(self.ticks),
            warmup=warmup,
            min=scale.of(min(self.ticks)),
            median=scale.of(statistics.median(self.ticks)),
            p95=scale.of(percentile_95(self.ticks)),
            max=scale.of(max(self.ticks)),
            resolution=round(scale.per_tick, 6),
        )


def percentile_95(values: Sequence[int]) -> int:
    """The 95th percentile by nearest rank: always one of `values`, never between two."""
    ordered = sorted(values)
    return ordered[math.ceil(0.95 * len(ordered)) - 1]


def instructions(ticks: float, hz: int, icount_shift: int) -> float:
    """Instructions in `ticks` of a counter at `hz` under QEMU's `-icount shift=N`.

    One instruction takes 2^N ns of the emulator's virtual time (QEMU documentation, "TCG
    instruction counting"), and the counter runs on virtual time.
    """
    return ticks / hz * 1e9 / 2**icount_shift


def scale_for(kind: str, hz: int, icount_shift: int | None) -> Scale:
    """Instructions on an emulated board, microseconds elsewhere.

    Raises EdgekitError for an emulated board without instruction counting: its ticks follow the
    host's clock and say nothing about the board.
    """
    if hz <= 0:
        raise DeviceError(
            "the device reports a counter that does not move",
            hint="this core or emulator has no such counter; name another in the board file",
        )
    if kind != "emulated":
        return Scale("us", 1e6 / hz)
    if icount_shift is None:
        raise EdgekitError(
            "this emulated board does not count instructions, so its ticks are the host's time",
            hint="set icount_shift in the board file's [emulator] table",
        )
    return Scale("instructions", instructions(1, hz, icount_shift))
