# SPDX-License-Identifier: Apache-2.0
"""DEPTHWISE_CONV_2D with plain 32-bit products in trios: three lines of outputs at once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil

from edgekit.lower.program import PLAIN, Const, KernelCall, Target
from edgekit.lower.ways.narrow import narrowed
from edgekit.lower.ways.plain import RECORD_BYTES, stepped_records
from edgekit.lower.ways.plain_costs import LineCosts, plain_costs
from edgekit.lower.ways.plain_depthwise import PLANE_BYTES, Axis, axes, tap_weights
from edgekit.lower.ways.steps import Stepped, stepped
from edgekit.lower.ways.trio import fits
from edgekit.lower.ways.way import Way, way_for
from edgekit.lower.window import window_params
from edgekit.tflite.graph import Graph, Op

PARTS, PLACE_BYTES = 3, 8
SPARE = 2  # EK_TRIO_SPARE in firmware/runtime/ek_trio_lines.h
CODE = (("trio depthwise", 1190), ("trio lines", 630))


@dataclass(frozen=True, slots=True)
class _Plan:
    """Lines along one axis, strips of them across the other one."""

    along: Axis
    across: Axis

    @property
    def phase(self) -> int:
        """Places of a line per phase of the stride along it."""
        reach = (self.along.out_n - 1) * self.along.stride + self.along.reach
        return ceil(reach / self.along.stride)

    @property
    def places(self) -> int:
        return self.phase * self.along.stride

    def lines_in(self, strip: int) -> int:
        return (strip - 1) * self.across.stride + self.across.reach

    @property
    def strip(self) -> int:
        """Output lines of a part."""
        room = PLANE_BYTES // (PLACE_BYTES * self.places)
        most = max(1, (room - self.across.reach) // self.across.stride + 1)
        return ceil(self.across.out_n / PARTS / ceil(self.across.out_n / PARTS / most))

    @property
    def scratch_bytes(self) -> int:
        taps = self.along.taps * self.across.taps
        return 8 * taps + PLACE_BYTES * (self.places * self.lines_in(self.strip) + SPARE)

    def instructions(self, in_c: int, multiplier: int, away: bool, costs: LineCosts) -> float:
        along, across = self.along, self.across
        taps = along.taps * across.taps
        strips = ceil(across.out_n / (PARTS * self.strip))
        in_lines = strips * self.lines_in(self.strip)
        plane = in_lines * (along.stride * costs.per_in_line + along.n * costs.per_word)
        places = costs.per_places + away * costs.per_away + taps * costs.per_tap
        line = costs.per_line + ceil(along.out_n / costs.abreast) * places
        once = strips * (costs.per_strip + taps * costs.per_weight)
        return in_c * (plane + multiplier * (strips * self.strip * line + once))


@way_for("DEPTHWISE_CONV_2D", needs=PLAIN)
def trio_depthwise(op: Op, graph: Graph, target: Target) -> Iterator[Way]:
    """Any window, stride, padding, dilation and multiplier."""
    source, weights, output = graph.input_of(op), graph.input_of(op, 1), graph.output_of(op)
    _, k_h, k_w, out_c = weights.shape
    window = window_params(op.options, source.shape, output.shape, k_h, k_w)
    assert weights.data is not None
    layer = stepped(narrowed(op, graph, weights.data.reshape(k_h * k_w, out_c).T))
    if layer is None or not fits(layer) or out_c % source.shape[3]:
        return
    x, y = axes(source.shape, output.shape, window)
    plans = (_Plan(x, y), _Plan(y, x))
    costs = plain_costs(target.core).trio_lines
    multiplier, away = out_c // source.shape[3], layer.layer.away

    def cost(plan: _Plan) -> float:
        return plan.instructions(source.shape[3], multiplier, away, costs)

    best = min(plans, key=cost)
    yield _way(op, graph, layer, best, source.shape[0] * cost(best), rows=best is plans[0])


def _way(op: Op, graph: Graph, layer: Stepped, plan: _Plan, cost: float, *, rows: bool) -> Way:
    source, output = graph.input_of(op), graph.output_of(op)
    in_c, away = source.shape[3], layer.layer.away
    multiplier = len(layer.records) // in_c
    whole = PARTS * plan.strip >= plan.across.out_n
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
            kernel="depthwise_trio",
            params=params,
            inputs=op.inputs[:1],
            outputs=op.outputs,
            consts=(Const("weights", weights), stepped_records(layer)),
            scratch_bytes=plan.scratch_bytes,
            in_place=(0,) if in_place else (),
        )

    return Way(
        name="trio lines",
        instructions=cost,
        flash_bytes=layer.layer.weights.size + RECORD_BYTES * len(layer.records),
        scratch_bytes=plan.scratch_bytes,
        code=CODE,
        lower=lower,
        lead=0 if in_place else None,
    )
