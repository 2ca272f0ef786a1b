# SPDX-License-Identifier: Apache-2.0
"""3x3 DEPTHWISE_CONV_2D of any stride with Helium, from tables that hold many channels."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil

import numpy as np

from edgekit.lower.overlap import row_lead
from edgekit.lower.program import HELIUM, Const, KernelCall, Target
from edgekit.lower.ways.helium_depthwise import TAPS, records
from edgekit.lower.ways.narrow import Narrowed, narrowed
from edgekit.lower.ways.way import Way, way_for
from edgekit.lower.window import window_params
from edgekit.tflite.graph import Graph, Op

INPUTS, EIGHT = 16, 8
LARGEST_OFFSET = (1 << 16) - 1  # of an output in its pass: lanes of offsets have 16 bits
LEAST_COLUMNS = 4  # of a patch
SCRATCH_BYTES = (8192, 2560)  # the fastest within each is offered
# Counted in firmware/runtime/ek_helium_patches.h and ek_depthwise_patches.h: per eight outputs from
# own patches and from shared ones, per channel and pass, per 16 columns, per run of columns, per
# strip, per pass, per line that is saved and its 16 bytes, per layer.
PER_EIGHT, PER_AWAY, PER_CHANNEL, PER_COLUMNS, PER_RUN = (34.0, 30.0), 4.0, 19.0, 9.0, 9.0
PER_STRIP, PER_PASS, PER_SAVED, PER_LAYER = 70.0, 60.0, (20.0, 7.0), 150.0
LAY_CODE, DRIVER_CODE = ("helium lay", 180), ("helium patches driver", 640)
PATCHES_CODE = 290


@dataclass(frozen=True, slots=True)
class _Axis:
    """One direction of the window: inputs, outputs, stride, padding before, bytes to the next
    input and to the next output."""

    size: int
    out: int
    stride: int
    pad: int
    in_step: int
    out_step: int


@dataclass(frozen=True, slots=True)
class _Plan:
    """Lines along one axis, strips of them across the other one, blocks of channels; `strips` of a
    pass."""

    along: _Axis
    across: _Axis
    rows: bool  # lines are rows
    channels: int
    block: int
    strips: int

    @property
    def shared(self) -> bool:
        return self.along.stride == 1 and self.across.stride == 1

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
    def flat(self) -> bool:
        """Whether a line of the block's channels is one run of bytes."""
        return self.block == self.channels == self.along.in_step

    @property
    def columns(self) -> int:
        along = self.along
        return max(along.pad + along.size, (along.out - 1) * along.stride + LEAST_COLUMNS)

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
        return equal and self.shared and self.across.pad == 1

    @property
    def whole(self) -> bool:
        return self.strips == self.all_strips

    @property
    def save(self) -> int:
        """Bytes of a line to keep, so that `out` may be `in`."""
        return self.run * self.positions if self.same and not self.whole and not self.flat else 0

    @property
    def scratch_bytes(self) -> int:
        return 4 * self.block * self.columns * self.strips + self.run + self.save

    def fits(self) -> bool:
        once = self.strips * self.each
        reach = (once - 1) * self.across.out_step + (self.along.out - 1) * self.along.out_step
        wide = self.along.out >= 2 or not self.shared
        return wide and self.run >= INPUTS and reach <= LARGEST_OFFSET

    def patches(self, strips: int, lines: int) -> np.ndarray:
        """For `strips` at once with `lines` of outputs: where each patch is in the table, then what
        it makes: offsets of outputs. (patches, 1 + 4 or 1)."""
        found = []
        for strip in range(strips):
            line = min(strip * self.each, lines - self.each) if strip else 0
            for at in range(0, self.along.out, self.each):
                start = min(at, self.along.out - self.each)
                column = strip * self.columns + start * self.along.stride
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
        if self.passes == 1:
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
        per_eight = PER_EIGHT[self.shared] + PER_AWAY * away
        sixteens = ceil(self.run / INPUTS)
        blocks = self.channels // self.block
        strip = PER_STRIP + self.positions * (PER_RUN + PER_COLUMNS * sixteens)
        outputs = ceil(self.along.out / self.each) * self.each * self.each
        eights = self.passes * ceil(self.strips * outputs / EIGHT)
        saved = self.save and self.positions * (PER_SAVED[1] + 3 * sixteens) + PER_SAVED[0]
        passes = self.passes * (PER_PASS + saved + self.block * PER_CHANNEL)
        return blocks * (self.all_strips * strip + passes + self.block * eights * per_eight)


@way_for("DEPTHWISE_CONV_2D", needs=HELIUM)
def helium_patches(op: Op, graph: Graph, target: Target) -> Iterator[Way]:
    """No multiplier, no dilation; lines of 16 bytes or 16 channels at least."""
    source, weights, output = graph.input_of(op), graph.input_of(op, 1), graph.output_of(op)
    _, k_h, k_w, channels = weights.shape
    window = window_params(op.options, source.shape, output.shape, k_h, k_w)
    dilated = window["dilation_h"] != 1 or window["dilation_w"] != 1
    if (k_h, k_w) != (TAPS, TAPS) or dilated or source.shape[3] != channels:
        return
    assert weights.data is not None
    layer = narrowed(op, graph, weights.data.reshape(TAPS * TAPS, channels).T)
    if layer is None:
        return
    plans = [plan for plan in _plans(source.shape, output.shape, window) if plan.fits()]
    offered = []
    for room in SCRATCH_BYTES:
        some = [plan for plan in plans if plan.scratch_bytes <= room]
        best = min(some, key=lambda plan: plan.instructions(layer.away), default=None)
        if best is not None and best not in offered:
            offered.append(best)
    for plan in offered:
        yield _way(op, graph, layer, plan, window)


def _plans(
    source: tuple[int, ...], output: tuple[int, ...], window: dict[str, int]
) -> Iterator[_Plan]:
    _, in_h, in_w, c = source
    _, out_h, out_w, _ = output
    along_x = _Axis(in_w, out_w, window["stride_w"], window["pad_left"], c, c)
    along_y = _Axis(in_h, out_h, window["stride_h"], window["pad_top"], in_w * c, out_w * c)
    blocks = [block for block in range(INPUTS, c + 1) if c % block == 0] or [c]
    for along, across, rows in ((along_x, along_y, True), (along_y, along_x, False)):
        for block in blocks:
            most = _Plan(along, across, rows, c, block, 1).all_strips
            for strips in sorted({*range(1, min(most, 8) + 1), most}):
                yield _Plan(along, across, rows, c, block, strips)


def _way(op: Op, graph: Graph, layer: Narrowed, plan: _Plan, window: dict[str, int]) -> Way:
    source, output = graph.input_of(op), graph.output_of(op)
    along, across = plan.along, plan.across
    lists, rest = plan.lists()
    in_place = bool(plan.whole or plan.save) and output.elements <= source.elements
    lead = 0 if in_place else _rows_lead(graph, op, window) if plan.flat and plan.rows else None
    params = {
        **{"n": along.size, "pad": along.pad, "in_step": along.in_step},
        **{"lines": across.size, "out_lines": across.out, "line_stride": across.stride},
        **{"line_pad": across.pad, "in_pitch": across.in_step, "out_pitch": across.out_step},
        **{"channels": plan.channels, "block": plan.block, "batches": source.shape[0]},
        **{"in_bytes": source.elements // source.shape[0]},
        **{"out_bytes": output.elements // source.shape[0]},
        **{"columns": plan.columns, "strips": plan.strips, "rest": rest},
        **{"shared": int(plan.shared), "save": plan.save, "in_zero_point": layer.in_zero_point},
    }

    def lower() -> KernelCall:
        taps = records(layer, columns=not plan.rows)
        return KernelCall(
            kernel="depthwise_patches",
            params=params | layer.params(),
            inputs=op.inputs[:1],
            outputs=op.outputs,
            consts=(Const("records", taps), Const("lists", lists)),
            scratch_bytes=plan.scratch_bytes,
            in_place=(0,) if in_place else (),
            leads=() if in_place or lead is None else ((0, lead),),
        )

    kind = f"helium patches {plan.shared} {layer.away}"
    return Way(
        name="helium patches",
        instructions=PER_LAYER + source.shape[0] * plan.instructions(layer.away),
        flash_bytes=36 * plan.channels + 4 * len(lists),
        scratch_bytes=plan.scratch_bytes,
        code=(LAY_CODE, DRIVER_CODE, (kind, PATCHES_CODE)),
        lower=lower,
        lead=lead,
    )


def _rows_lead(graph: Graph, op: Op, window: dict[str, int]) -> int:
    """Of passes over rows of all channels: what a pass writes it has read before."""
    _, in_h, in_w, channels = graph.input_of(op).shape
    _, out_h, out_w, _ = graph.output_of(op).shape
    shape = {"in_h": in_h, "in_w": in_w, "out_h": out_h, "out_w": out_w, **window}
    return row_lead(shape, channels, channels)
