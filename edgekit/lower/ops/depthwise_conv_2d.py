# SPDX-License-Identifier: Apache-2.0
"""DEPTHWISE_CONV_2D on int8: kernel ek_depthwise_conv_2d."""

from __future__ import annotations

from edgekit.lower.channels import channel_consts, refuse_weights
from edgekit.lower.opkind import OpKind
from edgekit.lower.overlap import channel_lead, pixel_lead
from edgekit.lower.program import Const, KernelCall, Target
from edgekit.lower.window import window_params
from edgekit.tflite.graph import Graph, Op


class DepthwiseConv2D(OpKind):
    kind = "DEPTHWISE_CONV_2D"

    def refuse(self, op: Op, graph: Graph) -> str:
        source, weights = graph.input_of(op), graph.input_of(op, 1)
        if reason := refuse_weights(source, weights, graph.operand(op, 2), graph.output_of(op)):
            return reason
        if op.inputs[2:3] == (-1,):
            return "its bias is marked absent, on which TFLite Micro crashes"
        return "" if weights.shape[3] % source.shape[3] == 0 else "its shapes disagree"

    def macs(self, op: Op, graph: Graph) -> int:
        _, k_h, k_w, _ = graph.input_of(op, 1).shape
        return graph.output_of(op).elements * k_h * k_w

    def lower(self, op: Op, graph: Graph, target: Target) -> KernelCall:
        source, weights, output = graph.input_of(op), graph.input_of(op, 1), graph.output_of(op)
        _, in_h, in_w, in_c = source.shape
        _, out_h, out_w, out_c = output.shape
        _, k_h, k_w, _ = weights.shape
        params = {
            "in_h": in_h,
            "in_w": in_w,
            "in_c": in_c,
            "out_h": out_h,
            "out_w": out_w,
            "multiplier": out_c // in_c,
        } | window_params(op.options, source.shape, output.shape, k_h, k_w)
        apart = out_c == in_c  # each output channel on its own input channel
        lead = channel_lead(params, in_c) if apart else pixel_lead(params, in_c, out_c)
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
            kernel="depthwise_conv_2d",
            params=params,
            inputs=op.inputs[:1],
            outputs=op.outputs,
            consts=(Const("weights", weights.data.reshape(-1)), *channels),
            leads=((0, lead),),
        )
