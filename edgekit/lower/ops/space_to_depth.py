# SPDX-License-Identifier: Apache-2.0
"""SPACE_TO_DEPTH: kernel ek_strided_copy."""

from __future__ import annotations

from edgekit.lower.moves import steps_of, strided_copy
from edgekit.lower.opkind import OpKind
from edgekit.lower.ops.depth_to_space import cannot_block
from edgekit.lower.program import KernelCall, Target
from edgekit.tflite.graph import Graph, Op


class SpaceToDepth(OpKind):
    kind = "SPACE_TO_DEPTH"

    def refuse(self, op: Op, graph: Graph) -> str:
        return cannot_block(op, graph.output_of(op), graph.operand(op, 0))

    def lower(self, op: Op, graph: Graph, target: Target) -> KernelCall:
        source, block = graph.input_of(op), op.options["block_size"]
        batches, height, width, channels = source.shape
        view = (batches, height // block, block, width // block, block, channels)
        steps = steps_of(view)
        order = (0, 1, 3, 2, 4, 5)  # the output's axes: b, y, x, y in block, x in block, channel
        return strided_copy(source, op, 0, [view[i] for i in order], [steps[i] for i in order])
