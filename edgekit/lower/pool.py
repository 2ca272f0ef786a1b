# SPDX-License-Identifier: Apache-2.0
"""What pooling operators share."""

from __future__ import annotations

from edgekit.lower.fixed import activation_range
from edgekit.lower.opkind import OpKind, not_int8
from edgekit.lower.overlap import channel_lead
from edgekit.lower.program import KernelCall, Target
from edgekit.lower.window import out_side, pads_before
from edgekit.tflite.graph import Graph, Op

SCALE_TOLERANCE = 1e-6  # of input and output, absolute, as in TFLM's PoolingPrepare


class Pool(OpKind):
    """A pool over windows of an int8 NHWC tensor; input and output share their scale."""

    kernel = ""

    def refuse(self, op: Op, graph: Graph) -> str:
        source, output, options = graph.input_of(op), graph.output_of(op), op.options
        if reason := not_int8(source, output):
            return reason
        if len(source.shape) != 4 or len(output.shape) != 4:
            return "its input does not have 4 axes"
        if abs(source.q.scale - output.q.scale) > SCALE_TOLERANCE:
            return "its input and output have different scales"
        if source.q.zero_point != output.q.zero_point:
            return "its input and output have different zero points"
        if not isinstance(options["padding"], int):
            return ""  # a pass has checked the shapes
        sides = tuple(
            out_side(options["padding"], side, options[f"filter_{name}"], options[stride], 1)
            for side, name, stride in zip(
                source.shape[1:3], ("height", "width"), ("stride_h", "stride_w"), strict=True
            )
        )
        fits = output.shape == (source.shape[0], *sides, source.shape[3])
        return "" if fits else "its shapes disagree"

    def lower(self, op: Op, graph: Graph, target: Target) -> KernelCall:
        source, output, options = graph.input_of(op), graph.output_of(op), op.options
        batches, in_h, in_w, channels = source.shape
        _, out_h, out_w, _ = output.shape
        k_h, k_w = options["filter_height"], options["filter_width"]
        stride_h, stride_w = options["stride_h"], options["stride_w"]
        top, left = pads_before(
            options["padding"], source.shape, output.shape, (k_h, k_w), (stride_h, stride_w)
        )
        low, high = activation_range(options["fused_activation_function"], output)
        params = {
            "in_h": in_h,
            "in_w": in_w,
            "out_h": out_h,
            "out_w": out_w,
            "channels": channels,
            "k_h": k_h,
            "k_w": k_w,
            "stride_h": stride_h,
            "stride_w": stride_w,
            "pad_top": top,
            "pad_left": left,
            "batches": batches,
            "low": low,
            "high": high,
        }
        return KernelCall(
            kernel=self.kernel,
            params=params,
            inputs=op.inputs[:1],
            outputs=op.outputs,
            leads=((0, channel_lead(params, channels)),),
        )
