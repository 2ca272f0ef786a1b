# SPDX-License-Identifier: Apache-2.0
"""3x3 DEPTHWISE_CONV_2D of stride 1 or 2 through planes of four channels."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil

import numpy as np

from edgekit.lower.program import Const, KernelCall, Target
from edgekit.lower.ways.narrow import Narrowed, narrowed
from edgekit.lower.ways.pack import wrap32
from edgekit.lower.ways.way import Way, way_for
from edgekit.lower.window import window_params
from edgekit.tflite.graph import Graph, Op

TAPS, FOUR = 3, 4
# Counted in ek_depthwise_lines.h: per four outputs by stride, per two, and more for each where
# halves go away from zero; per column of fours or twos and per channel of a strip.
PER_FOUR, PER_TWO, PER_AWAY = {1: 59.0, 2: 61.0}, 36.0, 1.0
PER_COLUMN, PER_CHANNEL = 18.0, 64.0
# In ek_planes.h: per line of the input, where half a word is in front and behind, where a single
# word is left, per two words.
PER_IN_LINE, LEFT, RIGHT, ODD, PER_TWO_WORDS = 32.0, 11.0, 9.0, 13.0, 25.0
# In ek_depthwise_planes.h: per strip, per word that a strip takes over or fills, per four channels.
PER_STRIP, PER_WORD, PER_GROUP = 150.0, 2.6, 60.0
PLANES_BYTES = (4096, 2048, 1024)  # of scratch, where a strip of one line does not take more
CODE = ("depthwise planes", 700)
LINES_CODE = 520


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
    """Lines along one axis, one after the other across the other one."""

    along: _Axis
    across: _Axis
    words: int
    strip: int

    @property
    def scratch_bytes(self) -> int:
        return self.words * 4 * FOUR * self.lines_of(self.strip)

    def lines_of(self, strip: int) -> int:
        return (strip - 1) * self.across.stride + TAPS

    @property
    def _in_line(self) -> float:
        """Instructions that bring a line of the input into planes: see `ek_plane_shape_of`."""
        along = self.along
        end = min((along.size + along.pad) // 2, self.words)
        inner = max(end - (along.pad + 1) // 2, 0)
        right = (along.size + along.pad) % 2 == 1 and end < self.words
        ends = LEFT * (along.pad % 2) + RIGHT * right + ODD * (inner % 2)
        return PER_IN_LINE + ends + PER_TWO_WORDS * (inner // 2)

    def instructions(self, channels: int, away: bool) -> float:
        along, across = self.along, self.across
        strips = ceil(across.out / self.strip)
        fours, twos = along.out // FOUR, ceil(along.out % FOUR / 2)
        line = fours * PER_FOUR[along.stride] + twos * PER_TWO
        line += PER_AWAY * away * (FOUR * fours + 2 * twos)
        reach = (across.out - 1) * across.stride + TAPS
        in_lines = min(across.size, reach - across.pad)
        kept = max(TAPS - across.stride, 0) * (strips - 1)
        filled = reach - in_lines if strips > 1 else 0
        words = FOUR * self.words * (kept + filled)
        planes = in_lines * self._in_line + strips * PER_STRIP + words * PER_WORD
        channel = PER_CHANNEL + PER_COLUMN * (fours + twos)
        lines = FOUR * (strips * channel + across.out * line)
        return ceil(channels / FOUR) * (PER_GROUP + planes + lines)


@way_for("DEPTHWISE_CONV_2D")
def planes(op: Op, graph: Graph, target: Target) -> Iterator[Way]:
    """No multiplier, no dilation, at least 4 channels."""
    source, weights, output = graph.input_of(op), graph.input_of(op, 1), graph.output_of(op)
    _, k_h, k_w, channels = weights.shape
    window = window_params(op.options, source.shape, output.shape, k_h, k_w)
    dilated = window["dilation_h"] != 1 or window["dilation_w"] != 1
    if (k_h, k_w) != (TAPS, TAPS) or dilated or channels < FOUR or source.shape[3] != channels:
        return
    assert weights.data is not None
    layer = narrowed(op, graph, weights.data.reshape(TAPS * TAPS, channels).T)
    if layer is None:
        return
    for room in PLANES_BYTES:
        plans = list(_plans(source.shape, output.shape, window, room))
        if plans:
            best = min(plans, key=lambda plan: plan.instructions(channels, layer.away))
            yield _way(op, graph, layer, best, columns=best.along.in_step != channels)


def _plans(
    source: tuple[int, ...], output: tuple[int, ...], window: dict[str, int], room: int
) -> Iterator[_Plan]:
    """Lines along rows, and along columns, with strips of `room` bytes."""
    _, in_h, in_w, c = source
    _, out_h, out_w, _ = output
    along_x = _Axis(in_w, out_w, window["stride_w"], window["pad_left"], c, c)
    along_y = _Axis(in_h, out_h, window["stride_h"], window["pad_top"], in_w * c, out_w * c)
    for along, across in ((along_x, along_y), (along_y, along_x)):
        if along.stride not in PER_FOUR:
            continue
        single = along.out % 2  # done as two
        words = along.stride * (along.out + single) // 2 + 1
        lines = room // (words * 4 * FOUR)
        most = max(1, (lines - TAPS) // across.stride + 1)
        strip = ceil(across.out / ceil(across.out / most))
        yield _Plan(along, across, words, strip)


def _way(op: Op, graph: Graph, layer: Narrowed, plan: _Plan, *, columns: bool) -> Way:
    source = graph.input_of(op)
    channels = len(layer.weights)
    along, across = plan.along, plan.across
    params = {
        **{"n": along.size, "out_n": along.out, "stride": along.stride, "pad": along.pad},
        **{"in_step": along.in_step, "out_step": along.out_step},
        **{"lines": across.size, "out_lines": across.out, "line_stride": across.stride},
        **{"line_pad": across.pad, "in_pitch": across.in_step, "out_pitch": across.out_step},
        **{"channels": channels, "batches": source.shape[0]},
        **{"words": plan.words, "strip": plan.strip, "in_zero_point": layer.in_zero_point},
    }
    in_place = channels % FOUR == 0 and _behind(plan)

    def lower() -> KernelCall:
        return KernelCall(
            kernel="depthwise_planes",
            params=params | layer.params(),
            inputs=op.inputs[:1],
            outputs=op.outputs,
            consts=(Const("records", records(layer, columns)),),
            scratch_bytes=plan.scratch_bytes,
            in_place=(0,) if in_place else (),
        )

    return Way(
        name="planes",
        instructions=source.shape[0] * plan.instructions(channels, layer.away),
        flash_bytes=24 * channels,
        scratch_bytes=plan.scratch_bytes,
        code=(CODE, (f"depthwise lines {along.stride} {layer.away}", LINES_CODE)),
        lower=lower,
        lead=0 if in_place else None,
    )


def _behind(plan: _Plan) -> bool:
    """Whether no output of a strip lies at or behind an input that a later strip reads."""
    along, across = plan.along, plan.across
    for first in range(0, across.out, plan.strip):
        end = min(first + plan.strip, across.out)
        if end == across.out:
            break
        unread = max((end - 1) * across.stride + TAPS - across.pad, 0)
        written = (end - 1) * across.out_step + (along.out - 1) * along.out_step
        if along.in_step > across.in_step or written >= unread * across.in_step:
            return False
    outputs = (across.out - 1) * across.out_step + (along.out - 1) * along.out_step
    return outputs <= (across.size - 1) * across.in_step + (along.size - 1) * along.in_step


def records(layer: Narrowed, columns: bool) -> np.ndarray:
    """The records of `ek_depthwise_lines`, int32; `columns` where lines are columns."""
    taps = layer.weights.reshape(-1, TAPS, TAPS)
    taps = taps.transpose(0, 2, 1) if columns else taps
    shifted = (taps & 0xFF) << np.array([0, 8, 16])
    rest = np.stack([layer.bias, layer.high, layer.factor], axis=1)
    return np.concatenate([wrap32(shifted.sum(axis=2)), wrap32(rest)], axis=1).reshape(-1)
