# SPDX-License-Identifier: Apache-2.0
"""3x3 CONV_2D of stride 1 by integer Winograd on cores with plain 32-bit products."""

from __future__ import annotations

from collections.abc import Iterator
from math import ceil

import numpy as np

from edgekit.lower.program import PLAIN, Const, KernelCall, Target
from edgekit.lower.ways.narrow import narrowed
from edgekit.lower.ways.plain import RECORD_BYTES, stepped_records
from edgekit.lower.ways.plain_costs import WinogradCosts, plain_costs
from edgekit.lower.ways.steps import Stepped, stepped
from edgekit.lower.ways.way import Way, way_for
from edgekit.lower.ways.winograd import FILTER, SIDE, TAPS, TILE
from edgekit.lower.window import window_params
from edgekit.tflite.graph import Graph, Op

LARGEST_SUM = (1 << 31) // 576  # of weights times int8 inputs: 576 times that is an int32
CODE = (("plain winograd", 1830),)


@way_for("CONV_2D", needs=PLAIN)
def plain_winograd(op: Op, graph: Graph, target: Target) -> Iterator[Way]:
    """No dilation or groups; an even number of input channels."""
    source, weights, output = graph.input_of(op), graph.input_of(op, 1), graph.output_of(op)
    out_c, k_h, k_w, in_c = weights.shape
    window = window_params(op.options, source.shape, output.shape, k_h, k_w)
    ones = ("stride_h", "stride_w", "dilation_h", "dilation_w")
    plain = (k_h, k_w) == (TAPS, TAPS) and all(window[key] == 1 for key in ones)
    if not plain or in_c != source.shape[3] or in_c % 2:
        return
    assert weights.data is not None
    layer = stepped(narrowed(op, graph, weights.data.reshape(out_c, -1)))
    if layer is None or 128 * np.abs(layer.layer.weights).sum(axis=1).max() >= LARGEST_SUM:
        return
    yield _way(op, graph, layer, window, plain_costs(target.core).winograd)


def _way(op: Op, graph: Graph, layer: Stepped, window: dict[str, int], costs: WinogradCosts) -> Way:
    source, output = graph.input_of(op), graph.output_of(op)
    batches, in_h, in_w, in_c = source.shape
    _, out_h, out_w, out_c = output.shape
    params = {"in_h": in_h, "in_w": in_w, "in_c": in_c}
    params |= {"out_h": out_h, "out_w": out_w, "out_c": out_c}
    params |= {key: window[key] for key in ("pad_top", "pad_left", "batches")}
    params |= {"in_zero_point": layer.layer.in_zero_point, "away": int(layer.layer.away)}
    scratch = 4 * 4 * TILE * (in_c + 1)

    def lower() -> KernelCall:
        return KernelCall(
            kernel="winograd_plain",
            params=params,
            inputs=op.inputs[:1],
            outputs=op.outputs,
            consts=(Const("filters", filters(layer, in_c)), stepped_records(layer)),
            scratch_bytes=scratch,
        )

    tiles = ceil(out_h / SIDE) * ceil(out_w / SIDE)
    sums = ceil(tiles / 4) * out_c * (costs.per_sums + in_c * costs.per_channel)
    out = costs.per_tile_out + costs.per_away * layer.layer.away
    ends = tiles * (in_c * costs.per_tile_in + out_c * out)
    return Way(
        name="plain winograd",
        instructions=batches * (ends + sums),
        flash_bytes=2 * TILE * in_c * out_c + RECORD_BYTES * out_c,
        scratch_bytes=scratch,
        code=CODE,
        lower=lower,
    )


def filters(layer: Stepped, in_c: int) -> np.ndarray:
    """Transformed filters, int16 [output channel][position][input channel]."""
    taps = layer.layer.weights.reshape(-1, TAPS, TAPS, in_c)
    tiles = np.einsum("iy,oyxc,jx->oijc", FILTER, taps, FILTER)
    return np.ascontiguousarray(tiles.astype(np.int16)).reshape(-1)
