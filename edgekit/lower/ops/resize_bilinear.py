# SPDX-License-Identifier: Apache-2.0
"""RESIZE_BILINEAR on int8: kernel ek_resize_bilinear."""

from __future__ import annotations

from edgekit.lower.opkind import OpKind
from edgekit.lower.program import KernelCall, Target
from edgekit.lower.resize import cannot_resize
from edgekit.tflite.graph import Graph, Op

ONE = 1 << 10  # a row or column in the fixed point of positions
INT32_MAX = (1 << 31) - 1


def step_and_shift(size: int, out: int, align_corners: bool, half_pixel: bool) -> tuple[int, int]:
    """Position of output index i is i * step + shift (ResizeBilinearInteger)."""
    if align_corners and out > 1:
        size, out = size - 1, out - 1
    step = (ONE * size + out // 2) // out
    return step, step // 2 - ONE // 2 if half_pixel else 0


def _places(op: Op, graph: Graph) -> list[tuple[int, int, int, int]]:
    """Input side, output side, step and shift of the rows and of the columns."""
    how = bool(op.options.get("align_corners")), bool(op.options.get("half_pixel_centers"))
    sides = zip(graph.input_of(op).shape[1:3], graph.output_of(op).shape[1:3], strict=True)
    return [(size, out, *step_and_shift(size, out, *how)) for size, out in sides]


class ResizeBilinear(OpKind):
    kind = "RESIZE_BILINEAR"

    def refuse(self, op: Op, graph: Graph) -> str:
        if reason := cannot_resize(op, graph, ("int8", "float32")):
            return reason
        if graph.output_of(op).dtype != "int8":
            return "it is float32, not int8"
        if op.options.get("align_corners") and op.options.get("half_pixel_centers"):
            return "it has both align_corners and half_pixel_centers"
        for size, out, step, shift in _places(op, graph):
            last = (out - 1) * step + shift
            if last // ONE >= size or last + ONE > INT32_MAX:
                return "TFLite Micro's rounded steps would lead past its input's last row or column"
        return ""

    def lower(self, op: Op, graph: Graph, target: Target) -> KernelCall:
        batches, in_h, in_w, channels = graph.input_of(op).shape
        rows, columns = _places(op, graph)
        return KernelCall(
            kernel="resize_bilinear",
            params={
                "batches": batches,
                "in_h": in_h,
                "in_w": in_w,
                "channels": channels,
                "out_h": rows[1],
                "out_w": columns[1],
                "step_h": rows[2],
                "shift_h": rows[3],
                "step_w": columns[2],
                "shift_w": columns[3],
            },
            inputs=op.inputs[:1],
            outputs=op.outputs,
        )
