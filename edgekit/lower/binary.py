# SPDX-License-Identifier: Apache-2.0
"""What operators with two int8 inputs share: refusals, broadcasting, reuse of memory."""

from __future__ import annotations

from edgekit.lower.broadcast import broadcast_shape
from edgekit.lower.fixed import NONE, RELU, RELU6, RELU_N1_TO_1
from edgekit.lower.opkind import OpKind, not_int8
from edgekit.lower.program import Const, KernelCall, Target
from edgekit.tflite.graph import Graph, Op, Tensor


def activation_of(op: Op) -> int | tuple[int, int]:
    """ActivationFunctionType that is fused into `op`, or the clamp that a pass has put there;
    NONE where its options are left out."""
    function: int | tuple[int, int] = op.options.get("fused_activation_function", NONE)
    return function


def no_activation_range(op: Op) -> str:
    """Reason to refuse a fused activation that is not a clamp, "" otherwise."""
    function = activation_of(op)
    known = isinstance(function, tuple) or function in (NONE, RELU, RELU6, RELU_N1_TO_1)
    return "" if known else "its fused activation is not a RELU"


class Binary(OpKind):
    """An elementwise operator on two int8 tensors, each repeated along some axes."""

    kernel = ""

    def refuse(self, op: Op, graph: Graph) -> str:
        a, b, output = graph.input_of(op), graph.input_of(op, 1), graph.output_of(op)
        if reason := not_int8(a, b, output) or no_activation_range(op):
            return reason
        if not _meet(a, b, output):
            return "its inputs' shapes do not broadcast to its output's"
        if broadcast_shape(a, b, output) is None:
            return "its inputs' shapes cannot be broadcast in four axes"
        return ""

    def consts(self, op: Op, graph: Graph) -> tuple[Const, ...]:
        """The kernel's constants besides the shape."""
        return ()

    def lower(self, op: Op, graph: Graph, target: Target) -> KernelCall:
        a, b, output = graph.input_of(op), graph.input_of(op, 1), graph.output_of(op)
        return KernelCall(
            kernel=self.kernel,
            params={"shape": broadcast_shape(a, b, output)},
            inputs=op.inputs[:2],
            outputs=op.outputs,
            consts=self.consts(op, graph),
            in_place=tuple(i for i, t in enumerate((a, b)) if t.elements == output.elements),
        )


def _meet(a: Tensor, b: Tensor, output: Tensor) -> bool:
    rank = max(len(a.shape), len(b.shape), len(output.shape))
    shapes = [(1,) * (rank - len(t.shape)) + t.shape for t in (a, b, output)]
    sides = list(zip(*shapes, strict=True))
    return all(side == max(x, y) and {x, y} <= {1, side} for x, y, side in sides)
