# SPDX-License-Identifier: Apache-2.0
"""FULLY_CONNECTED on int8: kernel ek_fully_connected."""

from __future__ import annotations

from edgekit.lower.channels import blocked_channels, channel_consts, pack_channels, refuse_weights
from edgekit.lower.opkind import OpKind
from edgekit.lower.program import Const, KernelCall, Target
from edgekit.tflite.graph import Graph, Op


class FullyConnected(OpKind):
    kind = "FULLY_CONNECTED"

    def refuse(self, op: Op, graph: Graph) -> str:
        source, weights = graph.input_of(op), graph.input_of(op, 1)
        if reason := refuse_weights(source, weights, graph.operand(op, 2), graph.output_of(op)):
            return reason
        if any(weights.q.zero_points):
            return "its weights have a zero point that is not 0"
        return "its weights are shuffled" if op.options.get("weights_format") else ""

    def macs(self, op: Op, graph: Graph) -> int:
        return graph.output_of(op).elements * graph.input_of(op, 1).shape[1]

    def lower(self, op: Op, graph: Graph, target: Target) -> KernelCall:
        source, weights, output = graph.input_of(op), graph.input_of(op, 1), graph.output_of(op)
        out_c, depth = weights.shape
        blocked = blocked_channels(out_c)
        assert weights.data is not None
        channels = channel_consts(
            source,
            weights,
            graph.operand(op, 2),
            output,
            op.options["fused_activation_function"],
            out_c,
            float_product=not weights.q.per_channel,
        )
        return KernelCall(
            kernel="fully_connected",
            params={
                "rows": source.elements // depth,
                "depth": depth,
                "out_c": out_c,
                "blocked": blocked,
            },
            inputs=op.inputs[:1],
            outputs=op.outputs,
            consts=(Const("weights", pack_channels(weights.data, blocked)), *channels),
        )
