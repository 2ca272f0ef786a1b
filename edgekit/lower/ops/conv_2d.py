# SPDX-License-Identifier: Apache-2.0
"""CONV_2D on int8: kernel ek_conv_2d."""

from __future__ import annotations

from edgekit.lower.channels import blocked_channels, channel_consts, pack_channels, refuse_weights
from edgekit.lower.opkind import OpKind
from edgekit.lower.overlap import pixel_lead
from edgekit.lower.program import Const, KernelCall, Target
from edgekit.lower.window import window_params
from edgekit.tflite.graph import Graph, Op


class Conv2D(OpKind):
    kind = "CONV_2D"

    def refuse(self, op: Op, graph: Graph) -> str:
        source, weights, output = graph.input_of(op), graph.input_of(op, 1), graph.output_of(op)
        if reason := refuse_weights(source, weights, graph.operand(op, 2), output):
            return reason
        groups, rest = divmod(source.shape[-1], weights.shape[-1])
        fit = not rest and groups and not weights.shape[0] % groups
        return "" if fit and output.shape[-1] == weights.shape[0] else "its shapes disagree"

    def macs(self, op: Op, graph: Graph) -> int:
        weights = graph.input_of(op, 1)
        return graph.output_of(op).elements * (weights.elements // weights.shape[0])

    def lower(self, op: Op, graph: Graph, target: Target) -> KernelCall:
        source, weights, output = graph.input_of(op), graph.input_of(op, 1), graph.output_of(op)
        _, in_h, in_w, in_c = source.shape
        _, out_h, out_w, out_c = output.shape
        _, k_h, k_w, k_c = weights.shape
        blocked = blocked_channels(out_c, in_c // k_c)
        params = {
            "in_h": in_h,
            "in_w": in_w,
            "in_c": in_c,
            "out_h": out_h,
            "out_w": out_w,
            "out_c": out_c,
            "k_c": k_c,
            "blocked": blocked,
        } | window_params(op.options, source.shape, output.shape, k_h, k_w)
        assert weights.data is not None
        channels = channel_consts(
            source,
            weights,
            graph.operand(op, 2),
            output,
            op.options["fused_activation_function"],
            out_c,
        )
        return KernelCall(
            kernel="conv_2d",
            params=params,
            inputs=op.inputs[:1],
            outputs=op.outputs,
            consts=(Const("weights", pack_channels(weights.data, blocked)), *channels),
            leads=((0, pixel_lead(params, in_c, out_c)),),
        )
