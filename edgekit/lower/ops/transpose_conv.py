# SPDX-License-Identifier: Apache-2.0
"""TRANSPOSE_CONV on int8: kernel ek_transpose_conv."""

from __future__ import annotations

from edgekit.lower.channels import blocked_channels, channel_consts, pack_channels, refuse_weights
from edgekit.lower.fixed import NONE
from edgekit.lower.opkind import OpKind
from edgekit.lower.program import Const, KernelCall, Target
from edgekit.lower.window import out_side, pad_before
from edgekit.tflite.graph import Graph, Op

SHAPE, WEIGHTS, SOURCE, BIAS = range(4)


def _pad(padding: int, side: int, taps: int, stride: int) -> int:
    """Output rows cut off in front: the pad of the convolution that this one transposes."""
    return pad_before(padding, side, out_side(padding, side, taps, stride, 1), taps, stride, 1)


class TransposeConv(OpKind):
    """Operands: output shape (TFLM takes it from the output tensor), weights, input, bias."""

    kind = "TRANSPOSE_CONV"

    def refuse(self, op: Op, graph: Graph) -> str:
        source, weights = graph.operand(op, SOURCE), graph.operand(op, WEIGHTS)
        output, bias = graph.output_of(op), graph.operand(op, BIAS)
        if source is None or weights is None:
            return "an operand is absent"
        if reason := refuse_weights(source, weights, bias, output):
            return reason
        if op.inputs[BIAS:] == (-1,):
            return "its bias is marked absent"
        if not len(source.shape) == len(weights.shape) == len(output.shape) == 4:
            return "its tensors do not have 4 axes"
        out_c, _, _, in_c = weights.shape
        if (source.shape[0], in_c, out_c) != (output.shape[0], source.shape[3], output.shape[3]):
            return "its shapes disagree"
        if len(weights.q.scales) not in (1, out_c) or (bias and bias.elements != out_c):
            return "its weights' scales or its bias do not fit its channels"
        return ""

    def macs(self, op: Op, graph: Graph) -> int:
        source, weights = graph.input_of(op, SOURCE), graph.input_of(op, WEIGHTS)
        return source.elements * (weights.elements // weights.shape[3])

    def lower(self, op: Op, graph: Graph, target: Target) -> KernelCall:
        source, weights = graph.input_of(op, SOURCE), graph.input_of(op, WEIGHTS)
        output, options = graph.output_of(op), op.options
        batches, in_h, in_w, in_c = source.shape
        _, out_h, out_w, out_c = output.shape
        _, k_h, k_w, _ = weights.shape
        stride_h, stride_w = options["stride_h"], options["stride_w"]
        blocked = blocked_channels(out_c)
        function = options.get("fused_activation_function", NONE)
        assert weights.data is not None
        return KernelCall(
            kernel="transpose_conv",
            params={
                "in_h": in_h,
                "in_w": in_w,
                "in_c": in_c,
                "out_h": out_h,
                "out_w": out_w,
                "out_c": out_c,
                "k_h": k_h,
                "k_w": k_w,
                "stride_h": stride_h,
                "stride_w": stride_w,
                "pad_top": _pad(options["padding"], out_h, k_h, stride_h),
                "pad_left": _pad(options["padding"], out_w, k_w, stride_w),
                "batches": batches,
                "blocked": blocked,
            },
            inputs=(op.inputs[SOURCE],),
            outputs=op.outputs,
            consts=(
                Const("weights", pack_channels(weights.data, blocked)),
                *channel_consts(source, weights, graph.operand(op, BIAS), output, function, out_c),
            ),
        )
