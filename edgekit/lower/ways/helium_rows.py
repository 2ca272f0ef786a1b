# SPDX-License-Identifier: Apache-2.0
"""3x3 CONV_2D of stride 1 with Helium, row by row: six columns serve three taps of four pixels."""

from __future__ import annotations

from collections.abc import Iterator
from math import ceil

import numpy as np

from edgekit.lower.overlap import row_lead
from edgekit.lower.program import HELIUM, Const, KernelCall, Target
from edgekit.lower.ways.helium_dense import COPY_CODE, INPUTS, LARGEST_OFFSET, finish_rows
from edgekit.lower.ways.narrow import Narrowed, narrowed
from edgekit.lower.ways.way import Way, way_for
from edgekit.lower.window import window_params
from edgekit.tflite.graph import Graph, Op

TAPS, QUAD, TWO = 3, 4, 2
POINTER_BYTES = 8  # on the widest machine that runs the twin
# Counted in firmware/runtime/ek_helium_row.h: per line of three taps, per quad of pixels and two
# channels, per two channels of a row, per row, per 16 bytes of input.
PER_LINE, PER_QUAD, PER_AWAY, PER_TWO, PER_ROW, PER_COPY = 40.0, 30.0, 4.0, 16.0, 160.0, 11.0
CODE, ROW_CODE = ("helium rows of 3x3", 480), 620


@way_for("CONV_2D", needs=HELIUM)
def helium_rows(op: Op, graph: Graph, target: Target) -> Iterator[Way]:
    """No dilation or groups; input channels in sixteens, output channels in twos."""
    source, weights, output = graph.input_of(op), graph.input_of(op, 1), graph.output_of(op)
    out_c, k_h, k_w, in_c = weights.shape
    window = window_params(op.options, source.shape, output.shape, k_h, k_w)
    ones = ("stride_h", "stride_w", "dilation_h", "dilation_w")
    plain = (k_h, k_w) == (TAPS, TAPS) and all(window[key] == 1 for key in ones)
    whole = in_c == source.shape[3] and in_c % INPUTS == 0 and out_c % TWO == 0
    if not plain or not whole or QUAD * out_c > LARGEST_OFFSET:
        return
    assert weights.data is not None
    layer = narrowed(op, graph, weights.data.reshape(out_c, -1))
    if layer is not None:
        yield _way(op, graph, layer, window)


def _way(op: Op, graph: Graph, layer: Narrowed, window: dict[str, int]) -> Way:
    source, output = graph.input_of(op), graph.output_of(op)
    batches, in_h, in_w, in_c = source.shape
    _, out_h, out_w, out_c = output.shape
    params = {"in_h": in_h, "in_w": in_w, "in_c": in_c}
    params |= {"out_h": out_h, "out_w": out_w, "out_c": out_c}
    params |= {key: window[key] for key in ("pad_top", "pad_left", "batches")}
    lead = row_lead(params | window, in_c, out_c)
    quads, lines = ceil(out_w / QUAD), TAPS * in_c // INPUTS
    scratch = POINTER_BYTES * lines + 4 * (quads * QUAD + 2) * in_c

    def lower() -> KernelCall:
        return KernelCall(
            kernel="conv_rows_helium",
            params=params | {"in_zero_point": layer.in_zero_point, **layer.params()},
            inputs=op.inputs[:1],
            outputs=op.outputs,
            consts=(Const("stream", row_stream(layer, in_c)),),
            scratch_bytes=scratch,
            leads=((0, lead),),
        )

    quad = lines * PER_LINE + PER_QUAD + PER_AWAY * layer.away
    row = PER_ROW + out_c / TWO * (PER_TWO + quads * quad) + in_w * in_c / INPUTS * PER_COPY
    return Way(
        name="helium 3x3 rows",
        instructions=batches * out_h * row,
        flash_bytes=layer.weights.size + 12 * out_c,
        scratch_bytes=scratch,
        code=(CODE, COPY_CODE, (f"helium row of 3x3 {layer.away}", ROW_CODE)),
        lower=lower,
        lead=lead,
    )


def row_stream(layer: Narrowed, in_c: int) -> np.ndarray:
    """The stream of `ek_helium_row_run`, int32: per two channels their finish, then their weights,
    [kernel row][16 inputs][tap][channel][16]."""
    out_c = len(layer.weights)
    taps = layer.weights.reshape(out_c // TWO, TWO, TAPS, TAPS, in_c // INPUTS, INPUTS)
    words = np.ascontiguousarray(taps.transpose(0, 2, 4, 3, 1, 5).astype(np.int8))
    finish = finish_rows(layer).reshape(3, out_c // TWO, TWO).transpose(1, 0, 2)
    parts = [finish.reshape(out_c // TWO, -1), words.reshape(out_c // TWO, -1).view("<i4")]
    return np.concatenate(parts, axis=1).reshape(-1)
