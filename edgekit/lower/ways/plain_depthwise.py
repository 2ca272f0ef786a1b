# SPDX-License-Identifier: Apache-2.0
"""DEPTHWISE_CONV_2D with plain 32-bit products: planes of words, four outputs at once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil

import numpy as np

from edgekit.lower.program import PLAIN, Const, KernelCall, Target
from edgekit.lower.ways.narrow import narrowed
from edgekit.lower.ways.plain import RECORD_BYTES, stepped_records
from edgekit.lower.ways.plain_costs import LineCosts, plain_costs
from edgekit.lower.ways.steps import Stepped, stepped
from edgekit.lower.ways.way import Way, way_for
from edgekit.lower.window import window_params
from edgekit.tflite.graph import Graph, Op

PLANE_BYTES = 8192  # of scratch, where one output line does not take more
CODE = (("plain depthwise", 800), ("plain lines", 520))


@dataclass(frozen=True, slots=True)
class Axis:
    """One direction of the window, as `ek_plain_axis` and `ek_trio_axis`."""

    n: int
    out_n: int
    taps: int
    stride: int
    pad: int
    dilation: int
    in_step: int
    out_step: int

    @property
    def reach(self) -> int:
        return (self.taps - 1) * self.dilation + 1

    def fields(self) -> dict[str, int]:
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(frozen=True, slots=True)
class _Plan:
    """Lines along one axis, strips of them across the other one."""

    along: Axis
    across: Axis

    @property
    def phase(self) -> int:
        """Words of a line per phase of the stride along it."""
        return ceil(
            ((self.along.out_n - 1) * self.along.stride + self.along.reach) / self.along.stride
        )

    @property
    def words(self) -> int:
        return self.phase * self.along.stride

    def lines_in(self, strip: int) -> int:
        return (strip - 1) * self.across.stride + self.across.reach

    @property
    def strip(self) -> int:
        room = PLANE_BYTES // (4 * self.words)
        most = max(1, (room - self.across.reach) // self.across.stride + 1)
        return ceil(self.across.out_n / ceil(self.across.out_n / most))

    @property
    def scratch_bytes(self) -> int:
        taps = self.along.taps * self.across.taps
        return 8 * taps + 4 * (self.words * self.lines_in(self.strip) + 3)

    def instructions(self, in_c: int, multiplier: int, away: bool, costs: LineCosts) -> float:
        along, across = self.along, self.across
        taps = along.taps * across.taps
        strips = ceil(across.out_n / self.strip)
        in_lines = strips * self.lines_in(self.strip)
        plane = in_lines * (costs.per_in_line + along.n * costs.per_word)
        places = costs.per_places + away * costs.per_away + taps * costs.per_tap
        output = along.out_n * costs.per_output
        line = costs.per_line + ceil(along.out_n / costs.abreast) * places + output
        once = strips * (costs.per_strip + taps * costs.per_weight)
        return in_c * (plane + multiplier * (across.out_n * line + once))


@way_for("DEPTHWISE_CONV_2D", needs=PLAIN)
def plain_depthwise(op: Op, graph: Graph, target: Target) -> Iterator[Way]:
    """Any window, stride, padding, dilation and multiplier."""
    source, weights, output = graph.input_of(op), graph.input_of(op, 1), graph.output_of(op)
    _, k_h, k_w, out_c = weights.shape
    window = window_params(op.options, source.shape, output.shape, k_h, k_w)
    assert weights.data is not None
    layer = stepped(narrowed(op, graph, weights.data.reshape(k_h * k_w, out_c).T))
    if layer is None or out_c % source.shape[3]:
        return
    x, y = axes(source.shape, output.shape, window)
    plans = (_Plan(x, y), _Plan(y, x))
    multiplier, away = out_c // source.shape[3], layer.layer.away
    costs = plain_costs(target.core).lines

    def cost(plan: _Plan) -> float:
        return plan.instructions(source.shape[3], multiplier, away, costs)

    best = min(plans, key=cost)
    yield _way(op, graph, layer, best, source.shape[0] * cost(best), rows=best is plans[0])


def axes(
    source: tuple[int, ...], output: tuple[int, ...], window: dict[str, int]
) -> tuple[Axis, Axis]:
    """Along rows of the image, and along its columns."""
    _, in_h, in_w, in_c = source
    _, out_h, out_w, out_c = output

    def axis(n: int, out_n: int, name: str, pad: int, in_step: int, out_step: int) -> Axis:
        taps, stride, dilation = (window[f"{key}_{name}"] for key in ("k", "stride", "dilation"))
        return Axis(n, out_n, taps, stride, pad, dilation, in_step, out_step)

    x = axis(in_w, out_w, "w", window["pad_left"], in_c, out_c)
    y = axis(in_h, out_h, "h", window["pad_top"], in_w * in_c, out_w * out_c)
    return x, y


def _way(op: Op, graph: Graph, layer: Stepped, plan: _Plan, cost: float, *, rows: bool) -> Way:
    source, output = graph.input_of(op), graph.output_of(op)
    in_c, away = source.shape[3], layer.layer.away
    multiplier = len(layer.records) // in_c
    whole = plan.strip == plan.across.out_n
    in_place = whole and multiplier == 1 and output.elements <= source.elements
    params = {
        **{"along": plan.along.fields(), "across": plan.across.fields()},
        **{"in_c": in_c, "multiplier": multiplier, "batches": source.shape[0]},
        **{"phase": plan.phase, "strip": plan.strip},
        **{"in_zero_point": layer.layer.in_zero_point, "away": int(away)},
    }

    def lower() -> KernelCall:
        weights = tap_weights(layer, plan.along.taps, plan.across.taps, rows)
        return KernelCall(
            kernel="depthwise_plain",
            params=params,
            inputs=op.inputs[:1],
            outputs=op.outputs,
            consts=(Const("weights", weights), stepped_records(layer)),
            scratch_bytes=plan.scratch_bytes,
            in_place=(0,) if in_place else (),
        )

    return Way(
        name="plain lines",
        instructions=cost,
        flash_bytes=layer.layer.weights.size + RECORD_BYTES * len(layer.records),
        scratch_bytes=plan.scratch_bytes,
        code=CODE,
        lower=lower,
        lead=0 if in_place else None,
    )


def tap_weights(layer: Stepped, along: int, across: int, rows: bool) -> np.ndarray:
    """int8 [channel][tap across][tap along], for lines that are `rows` or columns."""
    weights = layer.layer.weights.astype(np.int8)
    if rows:
        return weights
    return np.ascontiguousarray(weights.reshape(-1, along, across).transpose(0, 2, 1))
