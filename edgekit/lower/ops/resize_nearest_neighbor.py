# SPDX-License-Identifier: Apache-2.0
"""RESIZE_NEAREST_NEIGHBOR of any type: kernel ek_resize_nearest_neighbor."""

from __future__ import annotations

import math

import numpy as np

from edgekit.lower.fixed import round_half_away
from edgekit.lower.opkind import OpKind
from edgekit.lower.program import Const, KernelCall, Target
from edgekit.lower.resize import cannot_resize
from edgekit.tflite.graph import ITEM_BYTES, Graph, Op

DTYPES = ("int8", "int16", "float32")
MAX_SIDE = 32767  # positions are int16


def nearest(size: int, out: int, align_corners: bool, half_pixel_centers: bool) -> np.ndarray:
    """Input index for each of `out` output indices (int16), in float32 as GetNearestNeighbor."""
    if align_corners and out > 1:
        step = np.float32(size - 1) / np.float32(out - 1)
    else:
        step = np.float32(size) / np.float32(out)
    shift = np.float32(0.5 if half_pixel_centers else 0.0)
    whole = round_half_away if align_corners else math.floor
    positions = (np.arange(out, dtype=np.float32) + shift) * step
    return np.array([min(whole(float(at)), size - 1) for at in positions], np.int16)


class ResizeNearestNeighbor(OpKind):
    kind = "RESIZE_NEAREST_NEIGHBOR"

    def refuse(self, op: Op, graph: Graph) -> str:
        if reason := cannot_resize(op, graph, DTYPES):
            return reason
        sides = (*graph.input_of(op).shape[1:3], *graph.output_of(op).shape[1:3])
        return f"a side is longer than {MAX_SIDE}" if max(sides) > MAX_SIDE else ""

    def lower(self, op: Op, graph: Graph, target: Target) -> KernelCall:
        source, options = graph.input_of(op), op.options
        batches, in_h, in_w, channels = source.shape
        _, out_h, out_w, _ = graph.output_of(op).shape
        how = bool(options.get("align_corners")), bool(options.get("half_pixel_centers"))
        return KernelCall(
            kernel="resize_nearest_neighbor",
            params={
                "batches": batches,
                "in_h": in_h,
                "in_w": in_w,
                "out_h": out_h,
                "out_w": out_w,
                "bytes": channels * ITEM_BYTES[source.dtype],
            },
            inputs=op.inputs[:1],
            outputs=op.outputs,
            consts=(
                Const("rows", nearest(in_h, out_h, *how)),
                Const("columns", nearest(in_w, out_w, *how)),
            ),
        )
