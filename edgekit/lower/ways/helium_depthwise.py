# SPDX-License-Identifier: Apache-2.0
"""3x3 DEPTHWISE_CONV_2D of stride 1 or 2 with Helium, through columns of four bytes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil

import numpy as np

from edgekit.lower.program import HELIUM, Const, KernelCall, Target
from edgekit.lower.ways.helium_dense import finish_rows
from edgekit.lower.ways.narrow import Narrowed, narrowed
from edgekit.lower.ways.way import Way, way_for
from edgekit.lower.window import window_params
from edgekit.tflite.graph import Graph, Op

TAPS = 3
LARGEST_OFFSET = (1 << 16) - 1  # lanes of offsets have 16 bits
TABLE_BYTES = 8192  # of scratch, where one strip does not take more
STRIP_BYTES = 24  # of `ek_helium_strip`
# Counted in firmware/runtime/ek_helium_{columns,lines}.h: per eight outputs by stride, per strip,
# per eight columns, per strip with lines outside, per channel and pass.
PER_EIGHT = {1: 30.0, 2: 36.0}
PER_AWAY, PER_STRIP, PER_COLUMNS, PER_EDGE, PER_CHANNEL = 4.0, 56.0, 10.0, 16.0, 90.0
COLUMNS_CODE = ("helium columns", 320)
DRIVER_CODE = ("helium depthwise", 620)
LINES_CODE = 310


@dataclass(frozen=True, slots=True)
class _Axis:
    """One direction of the window: input and output sides, stride, padding before, byte steps."""

    size: int
    out: int
    stride: int
    pad: int
    in_step: int
    out_step: int


@dataclass(frozen=True, slots=True)
class _Plan:
    """Lines along one axis, strips of them across the other one."""

    along: _Axis
    across: _Axis

    @property
    def outputs(self) -> int:
        """Of a line that are made at once."""
        return 4 if self.along.stride == 1 else 8

    @property
    def lines(self) -> int:
        """Output lines of a strip."""
        return 2 if self.along.stride == 1 else 1

    @property
    def groups(self) -> int:
        return ceil(self.along.out / self.outputs)

    @property
    def strips(self) -> int:
        return ceil(self.across.out / self.lines)

    @property
    def columns(self) -> int:
        """Of a strip's table: what is written in eights and what patches reach."""
        along = self.along
        reach = self.groups * self.outputs * along.stride + 2
        padded = (along.out - 1) * along.stride + TAPS
        return max(along.pad + ceil(along.size / 8) * 8, reach, padded)

    @property
    def strips_once(self) -> int:
        return min(self.strips, max(1, TABLE_BYTES // (4 * self.columns)))

    @property
    def scratch_bytes(self) -> int:
        return STRIP_BYTES * self.strips + 4 * self.columns * self.strips_once

    def fits(self) -> bool:
        along, across = self.along, self.across
        strides = {(1, 1), (2, 1), (2, 2)}
        reach = (along.out_step * (self.outputs - 1)) + across.out_step * (self.lines - 1)
        reads = (ceil(along.size / 8) * 8 + 8) * along.in_step
        return (along.stride, across.stride) in strides and max(reach, reads) <= LARGEST_OFFSET

    def instructions(self, channels: int, away: bool) -> float:
        eight = PER_EIGHT[self.along.stride] + away * PER_AWAY
        columns = ceil(self.along.size / 8) * PER_COLUMNS
        passes = ceil(self.strips / self.strips_once)
        edges = 2 * (PER_EDGE + ceil(self.along.size / 4) * 5)
        strips = self.strips * (PER_STRIP + columns + self.groups * eight)
        return channels * (strips + edges + passes * PER_CHANNEL) + 60 * self.strips


@way_for("DEPTHWISE_CONV_2D", needs=HELIUM)
def helium_depthwise(op: Op, graph: Graph, target: Target) -> Iterator[Way]:
    """No multiplier, no dilation; any number of channels."""
    source, weights, output = graph.input_of(op), graph.input_of(op, 1), graph.output_of(op)
    _, k_h, k_w, channels = weights.shape
    window = window_params(op.options, source.shape, output.shape, k_h, k_w)
    dilated = window["dilation_h"] != 1 or window["dilation_w"] != 1
    if (k_h, k_w) != (TAPS, TAPS) or dilated or source.shape[3] != channels:
        return
    assert weights.data is not None
    layer = narrowed(op, graph, weights.data.reshape(TAPS * TAPS, channels).T)
    plans = [plan for plan in _plans(source.shape, output.shape, window) if plan.fits()]
    if layer is None or not plans:
        return
    best = min(plans, key=lambda plan: plan.instructions(channels, layer.away))
    yield _way(op, graph, layer, best, columns=best.along.in_step != channels)


def _plans(
    source: tuple[int, ...], output: tuple[int, ...], window: dict[str, int]
) -> Iterator[_Plan]:
    _, in_h, in_w, c = source
    _, out_h, out_w, _ = output
    along_x = _Axis(in_w, out_w, window["stride_w"], window["pad_left"], c, c)
    along_y = _Axis(in_h, out_h, window["stride_h"], window["pad_top"], in_w * c, out_w * c)
    yield _Plan(along_x, along_y)
    yield _Plan(along_y, along_x)


def _way(op: Op, graph: Graph, layer: Narrowed, plan: _Plan, *, columns: bool) -> Way:
    source, output = graph.input_of(op), graph.output_of(op)
    along, across, channels = plan.along, plan.across, len(layer.weights)
    params = {
        **{"n": along.size, "out_n": along.out, "stride": along.stride, "pad": along.pad},
        **{"in_step": along.in_step, "out_step": along.out_step},
        **{"lines": across.size, "out_lines": across.out, "line_stride": across.stride},
        **{"line_pad": across.pad, "in_pitch": across.in_step, "out_pitch": across.out_step},
        **{"channels": channels, "batches": source.shape[0]},
        **{"columns": plan.columns, "strips_once": plan.strips_once},
        "in_zero_point": layer.in_zero_point,
    }
    in_place = plan.strips_once == plan.strips and output.elements <= source.elements

    def lower() -> KernelCall:
        return KernelCall(
            kernel="depthwise_helium",
            params=params | layer.params(),
            inputs=op.inputs[:1],
            outputs=op.outputs,
            consts=(Const("records", records(layer, columns=columns)),),
            scratch_bytes=plan.scratch_bytes,
            in_place=(0,) if in_place else (),
        )

    return Way(
        name="helium columns",
        instructions=source.shape[0] * plan.instructions(channels, layer.away),
        flash_bytes=36 * channels,
        scratch_bytes=plan.scratch_bytes,
        code=(
            COLUMNS_CODE,
            DRIVER_CODE,
            (f"helium lines {along.stride} {layer.away}", LINES_CODE),
        ),
        lower=lower,
        lead=0 if in_place else None,
    )


def records(layer: Narrowed, *, columns: bool) -> np.ndarray:
    """24 bytes with the taps from byte 5 on, tap (line, along) at 5 + 4 * along + line; then bias,
    multiplier, shift. Lines are rows of the image, or its columns."""
    taps = layer.weights.reshape(-1, TAPS, TAPS)
    if not columns:
        taps = taps.transpose(0, 2, 1)
    spread = np.zeros((len(taps), 24), np.int8)
    for along in range(TAPS):
        spread[:, 5 + 4 * along : 8 + 4 * along] = taps[:, along]
    return np.concatenate([spread.view("<i4"), finish_rows(layer).T], axis=1).reshape(-1)
