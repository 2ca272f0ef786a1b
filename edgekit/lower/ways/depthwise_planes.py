# SPDX-License-Identifier: Apache-2.0
"""DEPTHWISE_CONV_2D of stride 1 or 2 through planes of four channels, 3x3 by its own kernel."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import ceil

import numpy as np

from edgekit.lower.program import Const, KernelCall, Target
from edgekit.lower.ways.narrow import Narrowed, narrowed
from edgekit.lower.ways.pack import lane_words, wrap32
from edgekit.lower.ways.way import Way, way_for
from edgekit.lower.window import window_params
from edgekit.tflite.graph import Graph, Op

TAPS, FOUR = 3, 4
# Counted in ek_depthwise_lines.h: per four outputs by stride, per two, and more for each where
# halves go away from zero; per column of fours or twos and per channel of a strip.
PER_FOUR, PER_TWO, PER_AWAY = {1: 58.0, 2: 60.0}, 34.0, 1.0
PER_COLUMN, PER_CHANNEL = 18.0, 64.0
# In ek_depthwise_taps.h: per step, kernel line and four outputs.
PER_STEP, PER_LINE, PER_TAPS = {1: 6.0, 2: 7.0}, 4.0, 48.0
MOST_STEPS = 8
# In ek_planes.h: per line of the input, where half a word is in front and behind, where a single
# word is left, per two words.
PER_IN_LINE, LEFT, RIGHT, ODD, PER_TWO_WORDS = 32.0, 11.0, 9.0, 13.0, 25.0
# In ek_depthwise_planes.h: per strip, per word that a strip takes over or fills, per four channels.
PER_STRIP, PER_WORD, PER_GROUP = 150.0, 2.6, 60.0
# Of scratch, where a strip of one line does not take more; where speed is all, longer strips.
PLANES_BYTES = (4096, 2048, 1024, 512)
LONG_BYTES = (16384, 8192)
CODE = ("depthwise planes", 700)
LINES_CODE, TAPS_CODE = 520, 500


@dataclass(frozen=True, slots=True)
class _Axis:
    """One direction of the window: input and output sides, stride, padding before, byte steps."""

    size: int
    out: int
    stride: int
    pad: int
    in_step: int
    out_step: int
    taps: int
    dilation: int

    @property
    def reach(self) -> int:
        return (self.taps - 1) * self.dilation + 1


@dataclass(frozen=True, slots=True)
class _Plan:
    """Lines along one axis, one after the other across the other one."""

    along: _Axis
    across: _Axis
    strip: int
    columns: bool

    @property
    def is_3x3(self) -> bool:
        """Whether `ek_depthwise_lines` can do it."""
        axes = (self.along, self.across)
        square = self.along.stride == self.across.stride
        return square and all((axis.taps, axis.dilation) == (TAPS, 1) for axis in axes)

    @property
    def parts(self) -> int:
        """Pieces of a kernel's line, each a line of its own, where there is no other line."""
        return ceil(self._span / MOST_STEPS) if self.across.taps == 1 else 1

    @property
    def steps(self) -> int:
        """Words of two taps that cover a kernel line, or part of it, at even and at odd places."""
        return ceil(self._span / self.parts)

    @property
    def _span(self) -> int:
        reach = self.along.reach
        return reach // 2 + 1 if self.along.stride == 1 else (reach + 1) // 2

    @property
    def words(self) -> int:
        """Words of a plane's line: all that kernels read."""
        along = self.along
        if self.is_3x3:
            single = along.out % 2  # done as two
            return along.stride * (along.out + single) // 2 + 1
        fours = ceil(along.out / FOUR)
        return (
            2 * along.stride * (fours - 1)
            + self.steps * self.parts
            + (1 if along.stride == 1 else 3)
        )

    @property
    def scratch_bytes(self) -> int:
        return self.words * 4 * FOUR * self.lines_of(self.strip)

    def lines_of(self, strip: int) -> int:
        return (strip - 1) * self.across.stride + self.across.reach

    @property
    def _in_line(self) -> float:
        """Instructions that bring a line of the input into planes: see `ek_plane_shape_of`."""
        along = self.along
        end = min((along.size + along.pad) // 2, self.words)
        inner = max(end - (along.pad + 1) // 2, 0)
        right = (along.size + along.pad) % 2 == 1 and end < self.words
        ends = LEFT * (along.pad % 2) + RIGHT * right + ODD * (inner % 2)
        return PER_IN_LINE + ends + PER_TWO_WORDS * (inner // 2)

    def instructions(self, channels: int, outputs: int, away: bool) -> float:
        """Of `channels` planes for `outputs` channels of the output."""
        across = self.across
        strips = ceil(across.out / self.strip)
        reach = (across.out - 1) * across.stride + across.reach
        in_lines = min(across.size, reach - across.pad)
        kept = max(across.reach - across.stride, 0) * (strips - 1)
        filled = reach - in_lines if strips > 1 else 0
        words = FOUR * self.words * (kept + filled)
        planes = in_lines * self._in_line + strips * PER_STRIP + words * PER_WORD
        columns, line = self._line(away)
        channel = strips * (PER_CHANNEL + PER_COLUMN * columns) + across.out * line
        fours = ceil(channels / FOUR)
        return fours * (PER_GROUP + planes + FOUR * outputs / channels * channel)

    def _line(self, away: bool) -> tuple[int, float]:
        """Columns of outputs, and instructions of an output line."""
        along = self.along
        if self.is_3x3:
            fours, twos = along.out // FOUR, ceil(along.out % FOUR / 2)
            line = fours * PER_FOUR[along.stride] + twos * PER_TWO
            return fours + twos, line + PER_AWAY * away * (FOUR * fours + 2 * twos)
        fours = ceil(along.out / FOUR)
        taps = self.across.taps * self.parts * (self.steps * PER_STEP[along.stride] + PER_LINE)
        return fours, fours * (taps + PER_TAPS + PER_AWAY * away * FOUR)


@way_for("DEPTHWISE_CONV_2D")
def planes(op: Op, graph: Graph, target: Target) -> Iterator[Way]:
    """Any kernel of one line, or of up to 15 taps a line, any multiplier; at least 4 channels."""
    source, weights, output = graph.input_of(op), graph.input_of(op, 1), graph.output_of(op)
    _, k_h, k_w, channels = weights.shape
    window = window_params(op.options, source.shape, output.shape, k_h, k_w)
    if source.shape[3] < FOUR:
        return
    assert weights.data is not None
    layer = narrowed(op, graph, weights.data.reshape(k_h * k_w, channels).T)
    if layer is None:
        return
    rooms = LONG_BYTES + PLANES_BYTES if target.optimize == "speed" else PLANES_BYTES
    for room in rooms:
        plans = list(_plans(source.shape, output.shape, window, room))
        if plans:
            in_c = source.shape[3]
            plans.sort(key=lambda plan: plan.instructions(in_c, channels, layer.away))
            yield _way(op, graph, layer, plans[0], (k_h, k_w))
            if not _behind(plans[0]) and _behind(plans[-1]):
                yield _way(op, graph, layer, plans[-1], (k_h, k_w))


def _plans(
    source: tuple[int, ...], output: tuple[int, ...], window: dict[str, int], room: int
) -> Iterator[_Plan]:
    """Lines along rows, and along columns, with strips of `room` bytes."""
    _, in_h, in_w, in_c = source
    _, out_h, out_w, out_c = output

    def axis(name: str, side: str, sizes: tuple[int, int], steps: tuple[int, int]) -> _Axis:
        stride, taps, dilation = (window[f"{key}_{name}"] for key in ("stride", "k", "dilation"))
        return _Axis(*sizes, stride, window[f"pad_{side}"], *steps, taps, dilation)

    along_x = axis("w", "left", (in_w, out_w), (in_c, out_c))
    along_y = axis("h", "top", (in_h, out_h), (in_w * in_c, out_w * out_c))
    for along, across in ((along_x, along_y), (along_y, along_x)):
        plan = _Plan(along, across, 1, columns=along is along_y)
        if along.stride not in PER_FOUR or plan.steps > MOST_STEPS:
            continue
        lines = room // (plan.words * 4 * FOUR)
        most = max(1, (lines - across.reach) // across.stride + 1)
        yield replace(plan, strip=ceil(across.out / ceil(across.out / most)))


def _way(op: Op, graph: Graph, layer: Narrowed, plan: _Plan, kernel: tuple[int, int]) -> Way:
    source = graph.input_of(op)
    channels, outputs = source.shape[3], len(layer.weights)
    made = (records if plan.is_3x3 else taps_records)(layer, plan, kernel)
    params = _params(plan) | layer.params() | {"in_zero_point": layer.in_zero_point}
    params |= {"channels": channels, "multiplier": outputs // channels}
    params |= {"batches": source.shape[0], "record": len(made) // outputs}
    in_place = channels % FOUR == 0 and channels == outputs and _behind(plan)
    heart, code_bytes = ("lines", LINES_CODE) if plan.is_3x3 else ("taps", TAPS_CODE)

    def lower() -> KernelCall:
        return KernelCall(
            kernel="depthwise_planes" if plan.is_3x3 else "depthwise_taps",
            params=params,
            inputs=op.inputs[:1],
            outputs=op.outputs,
            consts=(Const("records", made),),
            scratch_bytes=plan.scratch_bytes,
            in_place=(0,) if in_place else (),
        )

    return Way(
        name="planes" if plan.is_3x3 else "planes taps",
        instructions=source.shape[0] * plan.instructions(channels, outputs, layer.away),
        flash_bytes=4 * len(made),
        scratch_bytes=plan.scratch_bytes,
        code=(CODE, (f"depthwise {heart} {plan.along.stride} {layer.away}", code_bytes)),
        lower=lower,
        lead=0 if in_place else None,
    )


def _params(plan: _Plan) -> dict[str, int]:
    """Fields of `ek_depthwise_planes_params` that the plan decides."""
    along, across = plan.along, plan.across
    gap = 4 * FOUR * plan.words * across.dilation - 4 * plan.steps if plan.parts == 1 else 0
    return {
        **{"n": along.size, "out_n": along.out, "stride": along.stride, "pad": along.pad},
        **{"in_step": along.in_step, "out_step": along.out_step},
        **{"lines": across.size, "out_lines": across.out, "line_stride": across.stride},
        **{"line_pad": across.pad, "in_pitch": across.in_step, "out_pitch": across.out_step},
        **{"reach": across.reach, "k_lines": across.taps * plan.parts},
        **{"steps": plan.steps, "gap": gap},
        **{"words": plan.words, "strip": plan.strip},
    }


def _behind(plan: _Plan) -> bool:
    """Whether no output of a strip lies at or behind an input that a later strip reads."""
    along, across = plan.along, plan.across
    for first in range(0, across.out, plan.strip):
        end = min(first + plan.strip, across.out)
        if end == across.out:
            break
        unread = max((end - 1) * across.stride + across.reach - across.pad, 0)
        written = (end - 1) * across.out_step + (along.out - 1) * along.out_step
        if along.in_step > across.in_step or written >= unread * across.in_step:
            return False
    outputs = (across.out - 1) * across.out_step + (along.out - 1) * along.out_step
    return outputs <= (across.size - 1) * across.in_step + (along.size - 1) * along.in_step


def _taps(layer: Narrowed, plan: _Plan, kernel: tuple[int, int]) -> np.ndarray:
    """(outputs, kernel lines, taps along lines)."""
    taps = layer.weights.reshape(-1, *kernel)
    return taps.transpose(0, 2, 1) if plan.columns else taps


def records(layer: Narrowed, plan: _Plan, kernel: tuple[int, int]) -> np.ndarray:
    """The records of `ek_depthwise_lines`, int32."""
    shifted = (_taps(layer, plan, kernel) & 0xFF) << np.array([0, 8, 16])
    rest = np.stack([layer.bias, layer.high, layer.factor], axis=1)
    return np.concatenate([wrap32(shifted.sum(axis=2)), wrap32(rest)], axis=1).reshape(-1)


def taps_records(layer: Narrowed, plan: _Plan, kernel: tuple[int, int]) -> np.ndarray:
    """The records of `ek_depthwise_taps`, int32."""
    taps, dilation, steps = _taps(layer, plan, kernel), plan.along.dilation, plan.steps * plan.parts
    outputs, lines, _ = taps.shape
    at = np.zeros((outputs, lines, 2 * steps + 1), np.int64)
    at[:, :, 1 : 1 + plan.along.reach : dilation] = taps
    even, odd = (
        lane_words(lanes[:, :, ::2], lanes[:, :, 1::2]) for lanes in (at[:, :, 1:], at[:, :, :-1])
    )
    words = np.stack([even, odd], axis=3) if plan.along.stride == 1 else even
    rest = np.stack([layer.bias, layer.high, layer.factor], axis=1)
    return np.concatenate([wrap32(rest), words.reshape(outputs, -1)], axis=1).reshape(-1)
