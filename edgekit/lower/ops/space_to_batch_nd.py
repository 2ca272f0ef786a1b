# SPDX-License-Identifier: Apache-2.0
"""SPACE_TO_BATCH_ND: kernel ek_space_batch."""

from __future__ import annotations

from edgekit.lower.moves import cannot_move, constant_ints
from edgekit.lower.opkind import OpKind
from edgekit.lower.program import KernelCall, Target
from edgekit.tflite.graph import ITEM_BYTES, Graph, Op, Tensor

DTYPES = ("int8", "float32")


def _nhwc(tensor: Tensor) -> tuple[int, int, int, int]:
    """Shape with a width of 1 put into NHC, as in TFLM."""
    if len(tensor.shape) == 4:
        n, h, w, c = tensor.shape
        return n, h, w, c
    n, h, c = tensor.shape
    return n, h, 1, c


class SpaceToBatchND(OpKind):
    """Without pads: TFLM's kernel never sets the value that it pads with (SpaceToBatchParams'
    output_offset), so there is nothing to be equal to."""

    kind = "SPACE_TO_BATCH_ND"
    to_batch = True

    def _ends(self, op: Op, graph: Graph) -> tuple[Tensor, Tensor]:
        """The tensor of whole images and that of many batches."""
        source, output = graph.input_of(op), graph.output_of(op)
        return (source, output) if self.to_batch else (output, source)

    def refuse(self, op: Op, graph: Graph) -> str:
        source, output = graph.operand(op, 0), graph.output_of(op)
        if reason := cannot_move(DTYPES, source, output):
            return reason
        space, batch = self._ends(op, graph)
        rank = len(space.shape)
        if rank not in (3, 4) or len(batch.shape) != rank:
            return "its input does not have 3 or 4 axes"
        block, edges = constant_ints(graph, op, 1), constant_ints(graph, op, 2)
        if block is None or edges is None:
            return "its block shape, pads or crops are not constants"
        if len(block) != rank - 2 or len(edges) != 2 * (rank - 2) or min(block + edges) < 0:
            return "its block shape, pads or crops do not fit its input"
        if self.to_batch and any(edges):
            return "it pads, and TFLite Micro pads with a value that it never sets"
        padded = [
            side + before + after
            for side, before, after in zip(space.shape[1:], edges[::2], edges[1::2], strict=False)
        ]
        count = space.shape[0]
        sides = []
        for side, step in zip(padded, block, strict=True):
            if step < 1 or side % step:
                return "its blocks do not divide its input"
            sides.append(side // step)
            count *= step
        return "" if batch.shape == (count, *sides, space.shape[-1]) else "its shapes disagree"

    def lower(self, op: Op, graph: Graph, target: Target) -> KernelCall:
        space, batch = self._ends(op, graph)
        batches, space_h, space_w, channels = _nhwc(space)
        block, edges = constant_ints(graph, op, 1), constant_ints(graph, op, 2)
        assert block is not None and edges is not None
        flat = len(block) == 1
        return KernelCall(
            kernel="space_batch",
            params={
                "to_batch": int(self.to_batch),
                "batches": batches,
                "space_h": space_h,
                "space_w": space_w,
                "h": _nhwc(batch)[1],
                "w": _nhwc(batch)[2],
                "block_h": block[0],
                "block_w": 1 if flat else block[1],
                "top": edges[0],
                "left": 0 if flat else edges[2],
                "bytes": channels * ITEM_BYTES[space.dtype],
            },
            inputs=op.inputs[:1],
            outputs=op.outputs,
        )
