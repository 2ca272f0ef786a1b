# SPDX-License-Identifier: Apache-2.0
"""What elementwise int8 operators make of given integers, exactly as their kernels do."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from edgekit.lower.binary import Binary
from edgekit.lower.opkind import REGISTRY
from edgekit.lower.ops.mul import Mul
from edgekit.lower.program import Target
from edgekit.lower.sums import LEFT_SHIFT, Sum
from edgekit.lower.table import Table
from edgekit.tflite.graph import Graph, Op

Integers = np.ndarray | np.int64

INT8 = np.arange(-128, 128, dtype=np.int64)
# int8 to int8 in some cases only, then by a table as well.
_MAYBE_TABLE = ("QUANTIZE",)
_MOST_LEFT = 14  # bits by which a product of two 9-bit numbers may go left within an int32


def scale_array(x: np.ndarray, multiplier: Integers, shift: Integers) -> np.ndarray:
    """`fixed.scale` for arrays of int64 that hold int32 values; they broadcast."""
    left, right = np.maximum(shift, 0), np.maximum(-shift, 0)
    wide = (x << left) & 0xFFFFFFFF
    wide = wide - ((wide & 0x80000000) << 1)
    high = (wide * multiplier + (1 << 30)) >> 31
    mask = (np.int64(1) << right) - 1
    return (high >> right) + ((high & mask) > (mask >> 1) + (high < 0))


def table_of(op: Op, graph: Graph) -> np.ndarray | None:
    """What `op` makes of -128..127, where it maps each int8 of its one input by a table."""
    kind = REGISTRY.get(op.kind)
    if not isinstance(kind, Table) and op.kind not in _MAYBE_TABLE:
        return None
    source, output = graph.input_of(op), graph.output_of(op)
    if (source.dtype, output.dtype) != ("int8", "int8") or source.shape != output.shape:
        return None
    assert kind is not None
    call = kind.lower(op, graph, Target())
    if call.kernel != "table" or source.is_constant:
        return None
    return call.consts[0].data.view(np.int8)[INT8 & 255].astype(np.int64)


def binary_of(op: Op, graph: Graph) -> Callable[[np.ndarray, np.ndarray], np.ndarray] | None:
    """The function of an op on two int8 tensors; None where it is none or not known here.

    Each function is monotone in either argument or, MUL, in the product of both.
    """
    kind = REGISTRY.get(op.kind)
    if isinstance(kind, Sum):
        return _sum(kind, op, graph)
    if isinstance(kind, Mul):
        return _product(kind, op, graph)
    functions = {"MAXIMUM": np.maximum, "MINIMUM": np.minimum}
    return functions.get(op.kind)


def is_binary(op: Op) -> bool:
    """Whether `op` works element by element on two broadcast int8 tensors."""
    return isinstance(REGISTRY.get(op.kind), Binary)


def _numbers(kind: Binary, op: Op, graph: Graph) -> list[np.int64]:
    return list(kind.consts(op, graph)[0].data[0].astype(np.int64))


def _sum(kind: Sum, op: Op, graph: Graph) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
    off_a, mul_a, shift_a, off_b, mul_b, shift_b, off, mul, shift, low, high = _numbers(
        kind, op, graph
    )
    sign = -1 if op.kind == "SUB" else 1

    def function(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        wide_a = scale_array((a + off_a) << LEFT_SHIFT, mul_a, shift_a)
        wide_b = scale_array((b + off_b) << LEFT_SHIFT, mul_b, shift_b)
        return np.clip(scale_array(wide_a + sign * wide_b, mul, shift) + off, low, high)

    return function


def _product(
    kind: Mul, op: Op, graph: Graph
) -> Callable[[np.ndarray, np.ndarray], np.ndarray] | None:
    off_a, off_b, off, mul, shift, low, high = _numbers(kind, op, graph)
    if shift > _MOST_LEFT:
        return None  # it may wrap, and is then monotone in nothing

    def function(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        return np.clip(scale_array((a + off_a) * (b + off_b), mul, shift) + off, low, high)

    return function


def is_wide(values: Sequence[np.ndarray]) -> np.ndarray:
    """Where any of `values` does not fit into an int32."""
    wide = [(value < -(1 << 31)) | (value >= 1 << 31) for value in values]
    return np.logical_or.reduce(wide)
