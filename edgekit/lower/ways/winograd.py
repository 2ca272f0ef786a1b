# SPDX-License-Identifier: Apache-2.0
"""3x3 CONV_2D of stride 1 by integer Winograd F(4x4, 3x3).

The transformed filters lie in flash, with eight times the bytes, or are made from int8 at run time,
for each pair of output channels and each pass over the tiles.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil

import numpy as np

from edgekit.lower.program import Const, KernelCall, Target
from edgekit.lower.ways.narrow import Narrowed, narrowed
from edgekit.lower.ways.pack import lane_words, window_order, wrap32
from edgekit.lower.ways.way import Way, way_for
from edgekit.lower.window import window_params
from edgekit.tflite.graph import Graph, Op

TAPS, SIDE, TILE = 3, 4, 36
# Rows of the filter transform times 4, -6, -6, 24, 24, 1 (ek_winograd_in.h).
FILTER = np.array([[1, 0, 0], [1, 1, 1], [1, -1, 1], [1, 2, 4], [1, -2, 4], [0, 0, 1]], np.int64)
BIAS_FACTOR = 36  # 576 times the bias over the factor 16 of position (1, 1)
INPUT_OFFSET = 128
LARGEST_SUM = 1 << 25  # 64 times the sum must fit int32
# Counted in ek_winograd_in.h and ek_winograd_block.h: per tile and four input channels; per pair of
# inputs at a position of a block of four tiles and a pair of output channels, per position of those
# and per eight pairs after the first; per tile and output channel, where halves go away from zero.
PER_TILE_IN, PER_STEP, PER_POSITION, PER_EIGHT = 888.0, 11.0, 9.0, 3.0
PER_TILE_OUT, PER_AWAY = 393.0, 16.0
# In ek_winograd_passes.h: per tile and output channel that goes beyond the output, per output of
# those; per word of a copied row, per band, per block and pair of output channels.
PER_EDGE, PER_EDGE_OUTPUT, PER_WORD, PER_BAND, PER_BLOCK = 8.0, 13.7, 2.9, 600.0, 108.0
CODE = ("winograd", 1900)
OUT_CODE = 340


# Per pair of output channels and four inputs of them that are transformed at run time, by parts.
PER_FILTER = {1: 818.0, 2: 961.0}
SMALL_CODE = ("winograd small", 600)


@dataclass(frozen=True, slots=True)
class _Plan:
    """How tiles are walked: bands of `band` rows of `across` tiles, `blocks` fours of tiles in a
    pass, and whether filters are made at run time, in `parts` of a channel pair's."""

    down: int
    across: int
    band: int
    blocks: int
    small: bool
    parts: int = 1

    def scratch_bytes(self, in_c: int) -> int:
        rows = (SIDE * self.band + 2) * (SIDE * self.across + 2) * in_c
        filters = TILE * in_c * 4 // self.parts if self.small else 0
        return 4 * (8 * TILE + 4 * 7 + 4) + self.blocks * TILE * in_c * 8 + rows + filters

    def instructions(self, in_c: int, shape: tuple[int, ...], away: bool) -> float:
        """Of one image; `shape` is the output's."""
        _, out_h, out_w, out_c = shape
        tiles, bands = self.down * self.across, ceil(self.down / self.band)
        whole = (out_h // SIDE) * (out_w // SIDE)
        edges = (tiles - whole) * PER_EDGE + (out_h * out_w - 16 * whole) * PER_EDGE_OUTPUT
        words = (SIDE * self.down + 2) * (SIDE * self.across + 2) * in_c / 4
        rest = self.down - (bands - 1) * self.band
        blocks = (bands - 1) * ceil(self.band * self.across / 4) + ceil(rest * self.across / 4)
        passes = (
            blocks if self.parts > 1 else bands * ceil(self.band * self.across / 4 / self.blocks)
        )
        filters = passes * out_c * in_c / 8 * PER_FILTER[self.parts] if self.small else 0.0
        position = PER_STEP * in_c / 2 + PER_POSITION + PER_EIGHT * ceil((in_c / 2 - 1) / 8)
        products = blocks * out_c / 2 * (PER_BLOCK * self.parts + TILE * position)
        tile = in_c / 4 * PER_TILE_IN + out_c * (PER_TILE_OUT + PER_AWAY * away)
        copied = words * PER_WORD + bands * PER_BAND
        return copied + tiles * tile + out_c * edges + products + filters


def _plans(down: int, across: int) -> Iterator[_Plan]:
    """Filters in flash need one four of tiles at a time; made at run time, passes may be longer."""
    band = min(down, ceil(4 / across))
    yield _Plan(down, across, band, 1, small=False)
    yield _Plan(down, across, band, 1, small=True, parts=2)
    for rows in sorted({band, min(down, 2 * band), down}):
        blocks = ceil(rows * across / 4)
        yield _Plan(down, across, rows, blocks, small=True)


@way_for("CONV_2D")
def winograd(op: Op, graph: Graph, target: Target) -> Iterator[Way]:
    """No dilation or groups; input channels in fours, output channels in pairs."""
    source, weights, output = graph.input_of(op), graph.input_of(op, 1), graph.output_of(op)
    out_c, k_h, k_w, in_c = weights.shape
    window = window_params(op.options, source.shape, output.shape, k_h, k_w)
    ones = ("stride_h", "stride_w", "dilation_h", "dilation_w")
    plain = (k_h, k_w) == (TAPS, TAPS) and all(window[key] == 1 for key in ones)
    if not plain or in_c != source.shape[3] or in_c % 4 or out_c % 2:
        return
    assert weights.data is not None
    layer = narrowed(op, graph, weights.data.reshape(out_c, -1))
    if layer is None or layer.largest.max() >= LARGEST_SUM:
        return
    down, across = ceil(output.shape[1] / SIDE), ceil(output.shape[2] / SIDE)
    for plan in _plans(down, across):
        yield _way(op, graph, layer, plan, window)


def _way(op: Op, graph: Graph, layer: Narrowed, plan: _Plan, window: dict[str, int]) -> Way:
    source, output = graph.input_of(op), graph.output_of(op)
    batches, in_h, in_w, in_c = source.shape
    _, out_h, out_w, out_c = output.shape
    params = {"in_h": in_h, "in_w": in_w, "in_c": in_c}
    params |= {"out_h": out_h, "out_w": out_w, "out_c": out_c}
    params |= {key: window[key] for key in ("pad_top", "pad_left", "batches")}
    params |= {"band": plan.band, "across": plan.across, "blocks": plan.blocks}
    params |= {"parts": plan.parts}
    params |= {"in_zero_point": layer.in_zero_point, **layer.params()}

    lead = _lead(plan, params) if batches == 1 else None

    def lower() -> KernelCall:
        return KernelCall(
            kernel="winograd_small" if plan.small else "winograd",
            params=params,
            inputs=op.inputs[:1],
            outputs=op.outputs,
            consts=(
                Const("filters", (small_filters if plan.small else filters)(layer, in_c)),
                Const("records", tile_records(layer)),
            ),
            scratch_bytes=plan.scratch_bytes(in_c),
            leads=() if lead is None else ((0, lead),),
        )

    return Way(
        name="winograd small" if plan.small else "winograd",
        instructions=batches * plan.instructions(in_c, output.shape, layer.away),
        flash_bytes=(TAPS * TAPS if plan.small else TILE * 2) * in_c * out_c + 12 * out_c,
        scratch_bytes=plan.scratch_bytes(in_c),
        code=(
            CODE,
            (f"winograd out {layer.away}", OUT_CODE),
            *((SMALL_CODE,) if plan.small else ()),
        ),
        lower=lower,
        lead=lead,
    )


def _lead(plan: _Plan, params: dict[str, int]) -> int:
    """Most by which the outputs of all bands so far end behind the first input row to be read."""
    lead = 0
    for top in range(plan.band, plan.down, plan.band):
        written = SIDE * top * params["out_w"] * params["out_c"]
        unread = (SIDE * top + 2 - params["pad_top"]) * params["in_w"] * params["in_c"]
        lead = max(lead, written - unread)
    return lead


def filters(layer: Narrowed, in_c: int) -> np.ndarray:
    """Transformed filters, [output pair][position][pair of inputs][2 channels], int32 words."""
    taps = layer.weights.reshape(-1, TAPS, TAPS, in_c)
    tiles = np.einsum("iy,oyxc,jx->oijc", FILTER, taps, FILTER).reshape(-1, TILE, in_c)
    order = window_order(1, in_c)
    words = lane_words(tiles[:, :, order[:, 0]], tiles[:, :, order[:, 1]])
    pairs = words.reshape(-1, 2, TILE, len(order))
    return np.ascontiguousarray(pairs.transpose(0, 2, 3, 1)).reshape(-1)


def small_filters(layer: Narrowed, in_c: int) -> np.ndarray:
    """int8 filters, [output channel][four inputs][9 taps] words of the four inputs' bytes."""
    taps = layer.weights.reshape(-1, TAPS * TAPS, in_c // 4, 4).transpose(0, 2, 1, 3)
    return np.ascontiguousarray(taps.astype(np.int8)).view("<i4").reshape(-1)


def tile_records(layer: Narrowed) -> np.ndarray:
    """36 times the bias with the inputs' offset of 128 in it, high, scale; int32."""
    bias = BIAS_FACTOR * (layer.bias - INPUT_OFFSET * layer.weights.sum(axis=1))
    return wrap32(np.stack([bias, layer.high, layer.factor], axis=1)).reshape(-1)
