# SPDX-License-Identifier: Apache-2.0
"""DEPTHWISE_CONV_2D with Helium, from tables of columns that hold many channels."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from edgekit.lower.overlap import row_lead
from edgekit.lower.program import HELIUM, Const, KernelCall, Target
from edgekit.lower.ways.helium_dense import finish_rows
from edgekit.lower.ways.narrow import Narrowed, narrowed
from edgekit.lower.ways.patch_plan import SHARED_SIDE, SIDE, Plan, best_plans, plans_of
from edgekit.lower.ways.way import Way, way_for
from edgekit.lower.window import window_params
from edgekit.tflite.graph import Graph, Op

SCRATCH_BYTES = 8192  # most
PER_LAYER = 150.0
LAY_CODE, DRIVER_CODE = ("helium lay", 180), ("helium patches driver", 640)
PATCHES_CODE = {0: 290, 1: 290, 2: 420, 4: 620}


@way_for("DEPTHWISE_CONV_2D", needs=HELIUM)
def helium_patches(op: Op, graph: Graph, target: Target) -> Iterator[Way]:
    """Windows of up to 8x8 taps, lines of 16 bytes or 16 channels at least."""
    source, weights, output = graph.input_of(op), graph.input_of(op, 1), graph.output_of(op)
    _, k_h, k_w, out_c = weights.shape
    if out_c % source.shape[3]:
        return
    window = window_params(op.options, source.shape, output.shape, k_h, k_w)
    assert weights.data is not None
    layer = narrowed(op, graph, weights.data.reshape(k_h * k_w, out_c).T)
    if layer is None:
        return
    plans = plans_of(source.shape, output.shape, window)
    for plan in best_plans(plans, layer.away, SCRATCH_BYTES):
        yield _way(op, graph, layer, plan, window)


def _way(op: Op, graph: Graph, layer: Narrowed, plan: Plan, window: dict[str, int]) -> Way:
    source, output = graph.input_of(op), graph.output_of(op)
    lists, rest = plan.lists()
    alone = plan.multiplier == 1 and output.elements <= source.elements
    in_place = alone and bool(plan.whole or plan.save)
    by_rows = plan.rows and plan.block == plan.channels  # all that a pass writes it has read
    lead = 0 if in_place else _rows_lead(graph, op, window) if by_rows else None

    def lower() -> KernelCall:
        return KernelCall(
            kernel="depthwise_patches",
            params=_params(plan, source.shape, output.elements, rest)
            | {"in_zero_point": layer.in_zero_point, **layer.params()},
            inputs=op.inputs[:1],
            outputs=op.outputs,
            consts=(Const("records", _records(layer, plan)), Const("lists", lists)),
            scratch_bytes=plan.scratch_bytes,
            in_place=(0,) if in_place else (),
            leads=() if in_place or lead is None else ((0, lead),),
        )

    each = plan.patches_each
    return Way(
        name="helium patches",
        instructions=PER_LAYER + source.shape[0] * plan.instructions(layer.away),
        flash_bytes=4 * (_record_words(plan) * len(layer.weights) + len(lists)),
        scratch_bytes=plan.scratch_bytes,
        code=(LAY_CODE, DRIVER_CODE, (f"helium patches {each} {layer.away}", PATCHES_CODE[each])),
        lower=lower,
        lead=lead,
    )


def _params(plan: Plan, source: tuple[int, ...], elements: int, rest: int) -> dict[str, int]:
    """Of `ek_depthwise_patches`, but for how sums are narrowed."""
    along, across = plan.along, plan.across
    spacing = 4 * plan.block * along.dilation
    next_, below = SIDE * spacing, 4 * plan.block * plan.columns
    if plan.patches_each == 2 and along.patches == 1:
        next_ = below
    inputs = source[1] * source[2] * source[3]
    return {
        **{"n": along.size, "pad": along.pad, "in_step": along.in_step},
        **{"lines": across.size, "out_lines": across.out, "line_stride": across.stride},
        **{"line_pad": across.pad, "in_pitch": across.in_step, "out_pitch": across.out_step},
        **{"taps": across.taps, "dilation": across.dilation, "spacing": spacing},
        **{"next": next_, "below": below},
        **{"channels": plan.channels, "block": plan.block, "multiplier": plan.multiplier},
        **{"batches": source[0], "in_bytes": inputs, "out_bytes": elements // source[0]},
        **{"columns": plan.columns, "strips": plan.strips, "rest": rest},
        **{"tables": plan.tables, "patches": plan.patches_each, "save": plan.save},
        "flat": int(plan.flat),
    }


def _record_words(plan: Plan) -> int:
    """`ek_patch_record`."""
    return 6 if plan.shared else 4 * plan.patches_each + 3


def _records(layer: Narrowed, plan: Plan) -> np.ndarray:
    """Those of `ek_helium_patches`, one after the other, int32."""
    along, across = plan.along.taps, plan.across.taps
    shape = (-1, across, along) if plan.rows else (-1, along, across)
    taps = layer.weights.reshape(shape)
    lines = taps.transpose(0, 2, 1) if plan.rows else taps  # [channel][along][across]
    count = len(lines)
    sides = (plan.along.patches, plan.across.patches)
    full = np.zeros((count, SIDE * sides[0], SIDE * sides[1]), np.int8)
    full[:, :along, :across] = lines
    patches = full.reshape(count, sides[0], SIDE, sides[1], SIDE)
    spread = np.ascontiguousarray(patches.transpose(0, 3, 1, 2, 4)).reshape(count, -1).view("<i4")
    finish = finish_rows(layer).T.copy()
    last = np.arange(1, count + 1) % plan.multiplier == 0
    finish[:, 2] = (finish[:, 2] & 0xFF) | (np.where(last, 4, 0) << 8)
    words = [spread[:, :SHARED_SIDE] if plan.shared else spread, finish]
    return np.concatenate(words, axis=1).astype(np.int32).reshape(-1)


def _rows_lead(graph: Graph, op: Op, window: dict[str, int]) -> int:
    """Of passes over rows of all channels: what a pass writes it has read before."""
    _, in_h, in_w, channels = graph.input_of(op).shape
    _, out_h, out_w, out_c = graph.output_of(op).shape
    shape = {"in_h": in_h, "in_w": in_w, "out_h": out_h, "out_w": out_w, **window}
    return row_lead(shape, channels, out_c)
