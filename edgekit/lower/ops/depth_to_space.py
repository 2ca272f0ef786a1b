# SPDX-License-Identifier: Apache-2.0
"""DEPTH_TO_SPACE: kernel ek_strided_copy."""

from __future__ import annotations

from edgekit.lower.moves import cannot_move, steps_of, strided_copy
from edgekit.lower.opkind import OpKind
from edgekit.lower.program import KernelCall, Target
from edgekit.tflite.graph import Graph, Op, Tensor

DTYPES = ("int8", "float32")


def cannot_block(op: Op, deep: Tensor | None, wide: Tensor | None) -> str:
    """Reason where `wide`'s blocks of pixels are not `deep`'s pixels, or empty."""
    if reason := cannot_move(DTYPES, deep, wide):
        return reason
    assert deep is not None and wide is not None
    block = op.options.get("block_size", 0)
    if block < 1:
        return "its block size is not positive"
    if len(deep.shape) != 4 or len(wide.shape) != 4:
        return "its input does not have 4 axes"
    batches, height, width, channels = wide.shape
    fits = deep.shape == (batches, height // block, width // block, channels * block * block)
    return "" if fits and height % block == 0 == width % block else "its shapes disagree"


class DepthToSpace(OpKind):
    kind = "DEPTH_TO_SPACE"

    def refuse(self, op: Op, graph: Graph) -> str:
        return cannot_block(op, graph.operand(op, 0), graph.output_of(op))

    def lower(self, op: Op, graph: Graph, target: Target) -> KernelCall:
        source, block = graph.input_of(op), op.options["block_size"]
        batches, height, width, depth = source.shape
        channels = depth // (block * block)
        view = (batches, height, width, block, block, channels)
        steps = steps_of(view)
        order = (0, 1, 3, 2, 4, 5)  # the output's axes: b, y, y in block, x, x in block, channel
        return strided_copy(source, op, 0, [view[i] for i in order], [steps[i] for i in order])
