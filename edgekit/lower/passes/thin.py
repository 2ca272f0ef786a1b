# SPDX-License-Identifier: Apache-2.0
"""A graph with some channels taken out of its tensors, weights and biases."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from edgekit.lower.passes.elementwise import is_binary
from edgekit.lower.passes.ranges import Ranges, channels_of
from edgekit.lower.passes.rewrite import Rewrite
from edgekit.tflite.graph import Graph, Op, Quant, Tensor

Keep = dict[int, np.ndarray]


def thin_graph(graph: Graph, keep: Keep, ranges: Ranges) -> Graph:
    """`graph` with only the channels in `keep`; what constants among the others contribute to
    convolutions and fully connected layers goes into their biases."""
    rewrite = Rewrite(graph)
    for op in graph.ops:
        if op.kind in ("CONV_2D", "FULLY_CONNECTED"):
            _thin_product(op, graph, keep, ranges, rewrite)
        elif op.kind == "DEPTHWISE_CONV_2D":
            _thin_depthwise(op, graph, keep, rewrite)
        elif is_binary(op):
            _thin_operands(op, graph, keep, rewrite)
    for index, mask in keep.items():
        if not mask.all():
            tensor = graph.tensor(index)
            shape = (*tensor.shape[:-1], int(mask.sum()))
            rewrite.tensors[index] = replace(tensor, shape=shape, kept=False)
    return rewrite.graph


def _thin_product(op: Op, graph: Graph, keep: Keep, ranges: Ranges, rewrite: Rewrite) -> None:
    source, weights, bias = graph.input_of(op), graph.input_of(op, 1), graph.operand(op, 2)
    outs = keep[op.outputs[0]]
    ins = keep.get(source.index, np.ones(1, bool))
    if ins.all() and outs.all():
        return  # as do all with groups
    assert weights.data is not None
    data = weights.data
    ins = np.tile(ins, data.shape[-1] // len(ins))
    extra = _folded(data, ins, source, ranges)[outs]
    inputs = [source.index, _sliced(weights, data[outs][..., ins], outs, rewrite)]
    if bias is not None or extra.any():
        inputs.append(_bias(bias, outs, extra, rewrite))
    rewrite.swap(op, inputs=(*inputs, *op.inputs[3:]))


def _folded(data: np.ndarray, ins: np.ndarray, source: Tensor, ranges: Ranges) -> np.ndarray:
    """What the removed inputs add to each output's accumulator. One that is not a constant is
    removed only where every weight that is left of it is zero."""
    found = ranges[source.index]
    value = np.where(found.constant, found.low - source.q.zero_point, 0)
    value = np.where(ins, 0, np.tile(value, len(ins) // len(value)))
    sums: np.ndarray = (data.astype(np.int64) * value).reshape(len(data), -1).sum(axis=1)
    return sums


def _bias(bias: Tensor | None, outs: np.ndarray, extra: np.ndarray, rewrite: Rewrite) -> int:
    """A bias of int32; it wraps as the sums on the device do."""
    old = np.zeros(int(outs.sum()), np.int64)
    if bias is not None and bias.data is not None:
        old = bias.data.reshape(-1)[outs].astype(np.int64)
    data = (old + extra).astype(np.uint64).astype(np.uint32).view(np.int32)
    like = bias or Tensor(0, "bias", (), "int32")
    quant = _quant(bias.quant, outs) if bias is not None else None
    return rewrite.add_tensor(like, shape=data.shape, data=data, quant=quant)


def _quant(quant: Quant | None, kept: np.ndarray) -> Quant | None:
    """Scales and zero points of the kept channels, where there are several."""
    if quant is None or not quant.per_channel:
        return quant
    return replace(
        quant,
        scales=tuple(s for s, k in zip(quant.scales, kept, strict=True) if k),
        zero_points=_some(quant.zero_points, kept),
    )


def _some(values: tuple[int, ...], kept: np.ndarray) -> tuple[int, ...]:
    if len(values) != len(kept):
        return values
    return tuple(value for value, keep in zip(values, kept, strict=True) if keep)


def _sliced(tensor: Tensor, data: np.ndarray, outs: np.ndarray, rewrite: Rewrite) -> int:
    quant = _quant(tensor.quant, outs)
    data = np.ascontiguousarray(data)
    return rewrite.add_tensor(tensor, shape=data.shape, data=data, quant=quant)


def _thin_depthwise(op: Op, graph: Graph, keep: Keep, rewrite: Rewrite) -> None:
    outs, weights, bias = keep[op.outputs[0]], graph.input_of(op, 1), graph.operand(op, 2)
    if outs.all():
        return
    assert weights.data is not None
    inputs = [op.inputs[0], _sliced(weights, weights.data[..., outs], outs, rewrite)]
    if bias is not None:
        inputs.append(_bias(bias, outs, np.zeros(int(outs.sum()), np.int64), rewrite))
    rewrite.swap(op, inputs=(*inputs, *op.inputs[3:]))


def _thin_operands(op: Op, graph: Graph, keep: Keep, rewrite: Rewrite) -> None:
    """Constant operands with a value per channel."""
    outs = keep[op.outputs[0]]
    if outs.all():
        return
    inputs = list(op.inputs)
    for position, index in enumerate(op.inputs):
        tensor = graph.tensor(index)
        if tensor.data is not None and channels_of(tensor) == len(outs):
            data = np.ascontiguousarray(tensor.data[..., outs])
            inputs[position] = rewrite.add_tensor(tensor, shape=data.shape, data=data)
    rewrite.swap(op, inputs=tuple(inputs))
