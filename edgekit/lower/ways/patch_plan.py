# SPDX-License-Identifier: Apache-2.0
"""How a depthwise layer is cut for firmware/runtime/ek_depthwise_patches.h, and what that costs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import product
from math import ceil

import numpy as np

INPUTS, EIGHT = 16, 8
LARGEST_OFFSET = (1 << 16) - 1  # of an output in its pass: lanes of offsets have 16 bits
SIDE = 4  # taps of a patch each way
SHARED_SIDE = 3  # of windows that share patches
LARGEST_SIDE = 8
# Counted in firmware/runtime/ek_helium_patches.h and ek_depthwise_patches.h: per eight outputs by
# patches of an output (0: shared), per channel and pass, per 16 columns, per run of columns, per
# four lines, per pass, per line that is saved and its 16 bytes.
PER_EIGHT = {0: 30.0, 1: 34.0, 2: 61.0, 4: 109.0}
PER_AWAY, PER_CHANNEL, PER_COLUMNS, PER_RUN = 4.0, 22.0, 9.0, 9.0
PER_STRIP, PER_PASS, PER_SAVED = 70.0, 60.0, (20.0, 7.0)


@dataclass(frozen=True, slots=True)
class Axis:
    """One direction of the window: inputs, outputs, taps, stride, dilation, padding before, bytes
    to the next input and to the next output."""

    size: int
    out: int
    taps: int
    stride: int
    dilation: int
    pad: int
    in_step: int
    out_step: int

    @property
    def patches(self) -> int:
        return ceil(self.taps / SIDE)

    @property
    def dense(self) -> bool:
        """Whether neighbouring outputs find their taps in one patch."""
        return self.taps <= SHARED_SIDE and self.stride == 1 and self.dilation == 1


@dataclass(frozen=True, slots=True)
class Plan:
    """Lines along one axis, strips of them across the other one, blocks of channels; `strips` of a
    pass."""

    along: Axis
    across: Axis
    rows: bool  # lines are rows
    channels: int  # of the input
    multiplier: int
    block: int
    strips: int
    flat: bool  # a line of the block's channels is taken as one run of bytes

    @property
    def shared(self) -> bool:
        return self.along.dense and self.across.dense

    @property
    def patches_each(self) -> int:
        """Patches of an output; 0 where they are shared."""
        return 0 if self.shared else self.along.patches * self.across.patches

    @property
    def tables(self) -> int:
        return 1 if self.shared else self.across.patches

    @property
    def each(self) -> int:
        """Output lines of a strip."""
        return 2 if self.shared else 1

    @property
    def all_strips(self) -> int:
        return ceil(self.across.out / self.each)

    @property
    def passes(self) -> int:
        return ceil(self.all_strips / self.strips)

    @property
    def columns(self) -> int:
        along = self.along
        reach = (SIDE * along.patches - 1) * along.dilation + 1
        return max(along.pad + along.size, (along.out - 1) * along.stride + reach)

    @property
    def run(self) -> int:
        return self.along.size * self.channels if self.flat else self.block

    @property
    def positions(self) -> int:
        return 1 if self.flat else self.along.size

    @property
    def same(self) -> bool:
        """Whether output lines lie over their input lines."""
        equal = (self.along.size, self.across.size) == (self.along.out, self.across.out)
        return equal and self.shared and self.across.pad == 1 and self.multiplier == 1

    @property
    def whole(self) -> bool:
        return self.strips == self.all_strips

    @property
    def save(self) -> int:
        """Bytes of a line to keep, so that `out` may be `in`."""
        return self.run * self.positions if self.same and not self.whole and not self.flat else 0

    @property
    def scratch_bytes(self) -> int:
        table = 4 * self.block * self.columns * self.tables
        return table * self.strips + self.run + self.save

    def fits(self) -> bool:
        once = self.strips * self.each
        reach = (once - 1) * self.across.out_step + (self.along.out - 1) * self.along.out_step
        wide = self.along.out >= 2 or not self.shared
        small = max(self.along.taps, self.across.taps) <= LARGEST_SIDE
        return wide and small and self.run >= INPUTS and reach <= LARGEST_OFFSET

    def patches(self, strips: int, lines: int) -> np.ndarray:
        """For `strips` at once with `lines` of outputs: where each patch is in the table, then what
        it makes: offsets of outputs. (patches, 1 + 4 or 1)."""
        found = []
        for strip in range(strips):
            line = min(strip * self.each, lines - self.each) if strip else 0
            for at in range(0, self.along.out, self.each):
                start = min(at, self.along.out - self.each)
                column = strip * self.columns * self.tables + start * self.along.stride
                outputs = [
                    (line + across) * self.across.out_step + (start + along) * self.along.out_step
                    for along in range(self.each)
                    for across in range(self.each)
                ]
                found.append([4 * self.block * column, *outputs])
        return np.array(found, np.int64)

    def lists(self) -> tuple[np.ndarray, int]:
        """Those of a pass and of the last one, int32, and where the latter begins."""
        once = self.strips * self.each
        last = self.all_strips - (self.passes - 1) * self.strips
        left = self.across.out - (self.passes - 1) * once
        rest = self._list(last, left)
        if (last, left) == (self.strips, once) or self.passes == 1:
            return rest, 0
        first = self._list(self.strips, once)
        return np.concatenate([first, rest]), len(first)

    def _list(self, strips: int, lines: int) -> np.ndarray:
        patches = self.patches(strips, lines)
        group = EIGHT // (self.each * self.each)
        order = np.minimum(np.arange(ceil(len(patches) / group) * group), len(patches) - 1)
        groups = patches[order].reshape(-1, group, patches.shape[1])
        offsets = groups[:, :, 1:].reshape(-1, 2, 4).transpose(0, 2, 1).astype(np.uint16)
        words = np.ascontiguousarray(offsets).reshape(-1, EIGHT).view("<i4")
        lines_of = np.concatenate([groups[:, :, 0].astype(np.int32), words], axis=1)
        return np.append(lines_of.reshape(-1), np.full(EIGHT, -1, np.int32)).astype(np.int32)

    def instructions(self, away: bool) -> float:
        """Of one image."""
        per_eight = PER_EIGHT[self.patches_each] + PER_AWAY * away
        sixteens = ceil(self.run / INPUTS)
        blocks = self.channels // self.block
        strip = self.tables * (PER_STRIP + self.positions * (PER_RUN + PER_COLUMNS * sixteens))
        outputs = ceil(self.along.out / self.each) * self.each * self.each
        eights = self.passes * ceil(self.strips * outputs / EIGHT)
        saved = self.save and self.positions * (PER_SAVED[1] + 3 * sixteens) + PER_SAVED[0]
        channels = self.block * self.multiplier
        passes = self.passes * (PER_PASS + saved + channels * PER_CHANNEL)
        return blocks * (self.all_strips * strip + passes + channels * eights * per_eight)


def plans_of(
    source: tuple[int, ...], output: tuple[int, ...], window: dict[str, int]
) -> Iterator[Plan]:
    """All ways to cut a layer of `source` and `output` (NHWC), whether they fit or not."""
    _, in_h, in_w, c = source
    _, out_h, out_w, out_c = output

    def axis(size: int, out: int, name: str, pad: int, in_step: int, out_step: int) -> Axis:
        taps, stride, dilation = (window[f"{key}_{name}"] for key in ("k", "stride", "dilation"))
        return Axis(size, out, taps, stride, dilation, pad, in_step, out_step)

    x = axis(in_w, out_w, "w", window["pad_left"], c, out_c)
    y = axis(in_h, out_h, "h", window["pad_top"], in_w * c, out_w * out_c)
    blocks = [block for block in range(INPUTS, c + 1) if c % block == 0] or [c]
    for along, across, rows in ((x, y, True), (y, x, False)):
        for block in blocks:
            most = Plan(along, across, rows, c, out_c // c, block, 1, False).all_strips
            flats = (False, True) if block == c == along.in_step else (False,)
            for strips, flat in product(sorted({*range(1, min(most, 8) + 1), most}), flats):
                yield Plan(along, across, rows, c, out_c // c, block, strips, flat)


def best_plans(plans: Iterable[Plan], away: bool, room: int) -> list[Plan]:
    """Of those that fit into `room` bytes of scratch the fastest, then each that takes less scratch
    than all faster ones."""
    found: list[Plan] = []
    some = [plan for plan in plans if plan.fits() and plan.scratch_bytes <= room]
    for plan in sorted(some, key=lambda plan: (plan.instructions(away), plan.scratch_bytes)):
        if not found or plan.scratch_bytes < found[-1].scratch_bytes:
            found.append(plan)
    return found
