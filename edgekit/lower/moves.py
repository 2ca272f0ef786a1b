# SPDX-License-Identifier: Apache-2.0
"""What operators share that only move elements: checks of types, and one strided copy."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from edgekit.lower.program import KernelCall
from edgekit.tflite.graph import ITEM_BYTES, Graph, Op, Tensor

AXES = 6  # of ek_strided_copy
UNEQUAL_PARTS = 10  # of ek_concatenation and ek_split; TFLM joins no more either


def cannot_move(dtypes: Sequence[str], *tensors: Tensor | None) -> str:
    """Reason where the tensors are not all of one of `dtypes` (those that TFLM moves), or empty."""
    first = tensors[0]
    for tensor in tensors:
        if tensor is None or first is None:
            return "an operand is absent"
        if tensor.dtype not in dtypes:
            moved = ", ".join(dtypes)
            return f"tensor '{tensor.name}' is {tensor.dtype}; TFLite Micro moves only {moved} here"
        if tensor.dtype != first.dtype:
            return f"its tensors have different types, {first.dtype} and {tensor.dtype}"
        if not tensor.elements:
            return f"tensor '{tensor.name}' is empty"
    return ""


def constant_ints(graph: Graph, op: Op, position: int) -> list[int] | None:
    """Values of an int32 or int64 operand, flattened; None where it is not a constant."""
    tensor = graph.operand(op, position)
    if tensor is None or tensor.data is None or tensor.dtype not in ("int32", "int64"):
        return None
    return [int(value) for value in tensor.data.reshape(-1)]


def positive_axis(axis: int, rank: int) -> int | None:
    """`axis` counted from the front; None where there is no such axis."""
    axis = axis + rank if axis < 0 else axis
    return axis if 0 <= axis < rank else None


def steps_of(shape: Sequence[int]) -> list[int]:
    """Elements from one index to the next along each axis of a dense tensor."""
    steps, step = [], 1
    for side in reversed(shape):
        steps.append(step)
        step *= side
    return steps[::-1]


def strided_copy(
    source: Tensor,
    op: Op,
    start: int,
    sides: Sequence[int],
    steps: Sequence[int],
    position: int = 0,
) -> KernelCall:
    """Copies a strided view of `source`, input `position` of `op`, to the op's dense output.

    `start` and `steps` count elements of `source`. Neighbouring axes that one loop can walk are
    merged, the innermost ones into one run of bytes. A view that is all of `source` in its own
    order needs no code at all.
    """
    item = ITEM_BYTES[source.dtype]
    axes: list[tuple[int, int]] = []
    for side, step in zip(sides, steps, strict=True):
        if side == 1:
            continue
        if axes and axes[-1][1] == side * step:
            axes[-1] = (axes[-1][0] * side, step)
        else:
            axes.append((side, step))
    run = axes.pop()[0] if axes and axes[-1][1] == 1 else 1
    inputs = (op.inputs[position],)
    if not axes and run == source.elements and not source.is_constant:
        return KernelCall(inputs=inputs, outputs=op.outputs, alias=True)
    axes = [(1, 0)] * (AXES - len(axes)) + axes
    params = {"start": start * item, "run": run * item}
    params |= {f"d{i}": side for i, (side, _) in enumerate(axes)}
    params |= {f"s{i}": step * item for i, (_, step) in enumerate(axes)}
    return KernelCall(kernel="strided_copy", params=params, inputs=inputs, outputs=op.outputs)


def parts_params(whole: Tensor, parts: Sequence[Tensor], axis: int) -> dict[str, Any]:
    """Params of ek_concatenation and ek_split: rows, and bytes of each part in a row.

    The axes of `whole` before `axis` are the rows.
    """
    rows = math.prod(whole.shape[:axis])
    sizes = [part.bytes // rows for part in parts]
    equal = len(set(sizes)) == 1
    return {
        "rows": rows,
        "parts": len(parts),
        "each": sizes[0] if equal else 0,
        "sizes": [0] if equal else sizes,
    }


def parts_disagree(whole: Tensor, parts: Sequence[Tensor], axis: int) -> str:
    """Reason where `parts` are not `whole` cut along `axis`, or empty."""
    for part in parts:
        if len(part.shape) != len(whole.shape):
            return "its tensors have different ranks"
        for at, (side, full) in enumerate(zip(part.shape, whole.shape, strict=True)):
            if at != axis and side != full:
                return "its shapes disagree"
    if sum(part.shape[axis] for part in parts) != whole.shape[axis]:
        return "its shapes disagree"
    if len({part.shape for part in parts}) > 1 and len(parts) > UNEQUAL_PARTS:
        return f"it has more than {UNEQUAL_PARTS} parts of different sizes"
    return ""
