# SPDX-License-Identifier: Apache-2.0
"""Operators that map each 8-bit value to another: a table of 256 bytes, kernel ek_table."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from edgekit.lower.opkind import OpKind, not_int8
from edgekit.lower.program import Const, KernelCall, Target
from edgekit.tflite.graph import Graph, Op, Tensor


def table_call(op: Op, graph: Graph, entry: Callable[[int], int]) -> KernelCall:
    """The call that maps every element by `entry`, from the input's 8-bit dtype to the output's.

    The table is indexed by the raw byte, so that the kernel need not know the input's sign.
    """
    source, output = graph.input_of(op), graph.output_of(op)
    values = np.arange(256, dtype=np.uint8).view(source.dtype).tolist()
    table = np.array([entry(value) for value in values], output.dtype).view(np.uint8)
    return KernelCall(
        kernel="table",
        params={"count": source.elements},
        inputs=op.inputs[:1],
        outputs=op.outputs,
        consts=(Const("table", table),),
        in_place=(0,),
    )


class Table(OpKind):
    """An operator with one int8 input and an int8 output of the same shape."""

    def refuse(self, op: Op, graph: Graph) -> str:
        source, output = graph.input_of(op), graph.output_of(op)
        if reason := not_int8(source, output):
            return reason
        return "" if source.elements == output.elements else "its shapes disagree"

    def entry(self, op: Op, source: Tensor, output: Tensor) -> Callable[[int], int]:
        """The function from an input's integer to the output's, as TFLM computes it."""
        raise NotImplementedError

    def lower(self, op: Op, graph: Graph, target: Target) -> KernelCall:
        return table_call(op, graph, self.entry(op, graph.input_of(op), graph.output_of(op)))


def saturated(value: int) -> int:
    """`value` within int8."""
    return min(max(value, -128), 127)
