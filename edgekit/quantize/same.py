# SPDX-License-Identifier: Apache-2.0
"""Do two files say the same? Their graphs op by op, whatever their tensors' numbers."""

from __future__ import annotations

import numpy as np

from edgekit.tflite.graph import Graph, Op, Tensor


def difference(before: Graph, after: Graph) -> str:
    """The first thing in which two graphs, read with weights decoded, differ; "" for none.

    Names do not count. Every op has to have the same kind, version, options and operands, of
    the same shape, dtype, quantization and values.
    """
    if len(before.ops) != len(after.ops):
        return f"{len(before.ops)} ops and {len(after.ops)}"
    numbers: dict[int, int] = {}
    ends = [("input", before.inputs, after.inputs), ("output", before.outputs, after.outputs)]
    for what, old, new in ends:
        if found := _operands(before, after, old, new, numbers):
            return f"{what}: {found}"
    for old_op, new_op in zip(before.ops, after.ops, strict=True):
        if found := _op(before, after, old_op, new_op, numbers):
            return f"op {old_op.index} ({old_op.kind}): {found}"
    return ""


def _op(before: Graph, after: Graph, old: Op, new: Op, numbers: dict[int, int]) -> str:
    if (old.kind, old.version, old.options) != (new.kind, new.version, new.options):
        return f"it became {new.kind} or got other options"
    return _operands(before, after, old.inputs, new.inputs, numbers) or _operands(
        before, after, old.outputs, new.outputs, numbers
    )


def _operands(
    before: Graph,
    after: Graph,
    old: tuple[int, ...],
    new: tuple[int, ...],
    numbers: dict[int, int],
) -> str:
    if len(old) != len(new):
        return f"{len(old)} operands and {len(new)}"
    for here, there in zip(old, new, strict=True):
        if min(here, there) < 0:
            if here != there:
                return "an operand is absent"
            continue
        ours, theirs = before.tensor(here), after.tensor(there)
        if not ours.is_constant and numbers.setdefault(here, there) != there:
            return f"'{ours.name}' is two tensors"
        if not _equal(ours, theirs):
            return f"'{ours.name}' changed"
    return ""


def _equal(ours: Tensor, theirs: Tensor) -> bool:
    if (ours.shape, ours.dtype) != (theirs.shape, theirs.dtype):
        return False
    if ours.is_constant != theirs.is_constant:
        return False
    if ours.data is not None and theirs.data is not None:
        return _scales(ours) == _scales(theirs) and np.array_equal(ours.data, theirs.data)
    return _scales(ours) == _scales(theirs)


def _scales(tensor: Tensor) -> object:
    """The quantization; the axis means nothing where there is one scale."""
    quant = tensor.quant
    if quant is None:
        return None
    return (quant.scales, quant.zero_points, quant.axis if quant.per_channel else 0)
