# SPDX-License-Identifier: Apache-2.0
"""The least and the most that each channel of each activation can be, for every possible input.

Bounds go through the integer graph: those of an accumulator from the signs of the weights (at
padding an input is its zero point), then both ends through the very scaling and clamping of the
kernel. That is sound where the function is monotone in between; where an addition or a shift
could wrap, the bounds are those of the clamp alone. A channel whose ends are equal is a constant.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import product

import numpy as np

from edgekit.lower.channels import channel_consts
from edgekit.lower.fixed import NONE, activation_range
from edgekit.lower.moves import constant_ints
from edgekit.lower.opkind import REGISTRY
from edgekit.lower.ops.pad import Pad
from edgekit.lower.ops.sum import Sum
from edgekit.lower.passes.elementwise import binary_of, is_wide, scale_array, table_of
from edgekit.lower.passes.views import VIEWS
from edgekit.lower.reduce import reduced_axes, reduced_count
from edgekit.lower.window import leaves_input
from edgekit.tflite.graph import Graph, Op, Tensor

FUSED = "fused_activation_function"


@dataclass(frozen=True, slots=True, eq=False)
class Range:
    """`low` and `high` int64, one of each per channel (index of the last axis)."""

    low: np.ndarray
    high: np.ndarray

    def __or__(self, other: Range) -> Range:
        """What is in either."""
        return Range(np.minimum(self.low, other.low), np.maximum(self.high, other.high))

    @property
    def constant(self) -> np.ndarray:
        return self.low == self.high


Ranges = dict[int, Range]


def channels_of(tensor: Tensor) -> int:
    return tensor.shape[-1] if tensor.shape else 1


def tensor_ranges(graph: Graph) -> Ranges:
    """Range of every int8 tensor that is an input of the model, a constant or an op's output."""
    ranges: Ranges = {}
    for tensor in graph.tensors:
        if tensor.dtype == "int8" and tensor.data is not None and tensor.elements:
            rows = tensor.data.reshape(-1, channels_of(tensor)).astype(np.int64)
            ranges[tensor.index] = Range(rows.min(axis=0), rows.max(axis=0))
    for index in graph.inputs:
        _add(ranges, graph.tensor(index), None)
    for op in graph.ops:
        known = all(i in ranges for i in op.inputs[:1])
        found = _OPS[op.kind](op, graph, ranges) if known and op.kind in _OPS else None
        for index in op.outputs:
            _add(ranges, graph.tensor(index), found)
    return ranges


def _add(ranges: Ranges, tensor: Tensor, found: Range | None) -> None:
    if tensor.dtype == "int8":
        ranges[tensor.index] = found or _full(tensor)


def _full(tensor: Tensor, low: int = -128, high: int = 127) -> Range:
    count = channels_of(tensor)
    return Range(np.full(count, low, np.int64), np.full(count, high, np.int64))


def _activation(op: Op, graph: Graph) -> tuple[int, int]:
    return activation_range(op.options.get(FUSED, NONE), graph.output_of(op))


def is_padded(op: Op, graph: Graph) -> bool:
    """Whether a convolution's window leaves its input."""
    _, k_h, k_w, _ = graph.input_of(op, 1).shape
    return leaves_input(op.options, graph.input_of(op).shape, graph.output_of(op).shape, k_h, k_w)


def _centred(op: Op, graph: Graph, ranges: Ranges, padded: bool) -> Range:
    """Range of the first input less its zero point, 0 among it where there is padding."""
    zero = graph.input_of(op).q.zero_point
    found = ranges[op.inputs[0]]
    low, high = found.low - zero, found.high - zero
    return Range(np.minimum(low, 0), np.maximum(high, 0)) if padded else Range(low, high)


def _signed(op: Op, graph: Graph) -> tuple[np.ndarray, np.ndarray]:
    data = graph.input_of(op, 1).data
    assert data is not None
    weights = data.astype(np.int64)
    return np.maximum(weights, 0), np.minimum(weights, 0)


def _conv(op: Op, graph: Graph, ranges: Ranges) -> Range:
    plus, minus = (part.sum(axis=(1, 2)) for part in _signed(op, graph))
    out_c, k_c = plus.shape
    x = _centred(op, graph, ranges, is_padded(op, graph))
    groups = len(x.low) // k_c
    first = np.arange(out_c) // (out_c // groups) * k_c
    taken = first[:, None] + np.arange(k_c)
    low, high = x.low[taken], x.high[taken]
    return _finished(op, graph, _dot(plus, minus, low, high), out_c)


def _dot(plus: np.ndarray, minus: np.ndarray, low: np.ndarray, high: np.ndarray) -> Range:
    """Range of sums over the last axis of weights (split by sign) times inputs."""
    least = (plus * low + minus * high).sum(axis=-1)
    return Range(least, (plus * high + minus * low).sum(axis=-1))


def _depthwise(op: Op, graph: Graph, ranges: Ranges) -> Range:
    plus, minus = (part.sum(axis=(0, 1, 2)) for part in _signed(op, graph))
    x = _centred(op, graph, ranges, is_padded(op, graph))
    times = len(plus) // len(x.low)
    low, high = np.repeat(x.low, times), np.repeat(x.high, times)
    sums = _dot(plus[:, None], minus[:, None], low[:, None], high[:, None])
    return _finished(op, graph, sums, len(plus))


def _dense(op: Op, graph: Graph, ranges: Ranges) -> Range | None:
    plus, minus = _signed(op, graph)
    x = _centred(op, graph, ranges, padded=False)
    depth = plus.shape[1]
    if depth % len(x.low):
        return None
    times = depth // len(x.low)
    sums = _dot(plus, minus, np.tile(x.low, times), np.tile(x.high, times))
    return _finished(op, graph, sums, len(plus), dense=True)


def _finished(op: Op, graph: Graph, sums: Range, channels: int, *, dense: bool = False) -> Range:
    """Bias, scaling and clamp of ek_finish on both ends of the accumulators."""
    weights = graph.input_of(op, 1)
    table, _ = channel_consts(
        graph.input_of(op),
        weights,
        graph.operand(op, 2),
        graph.output_of(op),
        op.options[FUSED],
        channels,
        float_product=dense and not weights.q.per_channel,
    )
    bias, multiplier, shift = table.data.astype(np.int64).T
    low, high = _activation(op, graph)
    ends = [sums.low, sums.high]
    wide = is_wide([*ends, *(end + bias for end in ends)])
    wide |= is_wide([(end + bias) << np.maximum(shift, 0) for end in ends])
    zero = graph.output_of(op).q.zero_point
    done = [np.clip(scale_array(e + bias, multiplier, shift) + zero, low, high) for e in ends]
    return Range(np.where(wide, low, done[0]), np.where(wide, high, done[1]))


def _same(op: Op, graph: Graph, ranges: Ranges) -> Range | None:
    """Each output channel holds values of the input's channel, clamped."""
    low, high = _activation(op, graph)
    found = ranges[op.inputs[0]]
    return Range(np.clip(found.low, low, high), np.clip(found.high, low, high))


def keeps_channels(op: Op, graph: Graph) -> bool:
    """Whether a reduction leaves the last axis alone."""
    source, output = graph.input_of(op), graph.output_of(op)
    axes = reduced_axes(op, graph)
    if axes is None or not source.shape or not output.shape or len(source.shape) - 1 in axes:
        return False
    return source.shape[-1] == output.shape[-1]


def _extreme(op: Op, graph: Graph, ranges: Ranges) -> Range | None:
    return ranges[op.inputs[0]] if keeps_channels(op, graph) else None


def _sum(op: Op, graph: Graph, ranges: Ranges) -> Range | None:
    kind = REGISTRY[op.kind]
    if not isinstance(kind, Sum) or not keeps_channels(op, graph):
        return None
    multiplier, shift = (np.int64(number) for number in kind.multiplier(op, graph))
    x, count = _centred(op, graph, ranges, padded=False), reduced_count(op, graph)
    ends = [x.low * count, x.high * count]
    if is_wide([end << max(int(shift), 0) for end in ends]).any():
        return None
    zero = graph.output_of(op).q.zero_point
    done = [np.clip(scale_array(end, multiplier, shift) + zero, -128, 127) for end in ends]
    return Range(*done)


def _table(op: Op, graph: Graph, ranges: Ranges) -> Range | None:
    table, found = table_of(op, graph), ranges[op.inputs[0]]
    if table is None:
        return None
    parts = [table[a + 128 : b + 129] for a, b in zip(found.low, found.high, strict=True)]
    return Range(np.array([p.min() for p in parts]), np.array([p.max() for p in parts]))


def _binary(op: Op, graph: Graph, ranges: Ranges) -> Range | None:
    function, output = binary_of(op, graph), graph.output_of(op)
    a, b = (ranges.get(index) for index in op.inputs[:2])
    if function is None or a is None or b is None:
        return None
    corners = [
        np.broadcast_to(function(x, y), channels_of(output))
        for x, y in product((a.low, a.high), (b.low, b.high))
    ]
    return Range(np.min(corners, axis=0), np.max(corners, axis=0))


def _concatenation(op: Op, graph: Graph, ranges: Ranges) -> Range | None:
    if any(index not in ranges for index in op.inputs):
        return None
    parts = [ranges[index] for index in op.inputs]
    if joins_channels(op, graph):
        lows, highs = ([getattr(part, end) for part in parts] for end in ("low", "high"))
        return Range(np.concatenate(lows), np.concatenate(highs))
    whole = parts[0]
    for part in parts[1:]:
        whole = whole | part
    return whole


def joins_channels(op: Op, graph: Graph) -> bool:
    """Whether a CONCATENATION puts channels behind channels."""
    rank = len(graph.output_of(op).shape)
    return bool(op.options.get("axis", 0) % rank == rank - 1)


def pads_channels(op: Op, graph: Graph) -> bool:
    return any((constant_ints(graph, op, 1) or [1])[-2:])


def _pad(op: Op, graph: Graph, ranges: Ranges) -> Range | None:
    kind = REGISTRY[op.kind]
    if pads_channels(op, graph) or not isinstance(kind, Pad):
        return None
    value = kind.value(op, graph)
    return ranges[op.inputs[0]] | _full(graph.output_of(op), value, value)


def _view(op: Op, graph: Graph, ranges: Ranges) -> Range | None:
    found, count = ranges[op.inputs[0]], channels_of(graph.output_of(op))
    have = len(found.low)
    if count % have == 0:
        return Range(np.tile(found.low, count // have), np.tile(found.high, count // have))
    if have % count == 0:
        rows = found.low.reshape(-1, count), found.high.reshape(-1, count)
        return Range(rows[0].min(axis=0), rows[1].max(axis=0))
    return None


_OPS: dict[str, Callable[[Op, Graph, Ranges], Range | None]] = {
    "CONV_2D": _conv,
    "DEPTHWISE_CONV_2D": _depthwise,
    "FULLY_CONNECTED": _dense,
    "AVERAGE_POOL_2D": _same,
    "MAX_POOL_2D": _same,
    "RESIZE_NEAREST_NEIGHBOR": _same,
    "MEAN": _sum,
    "SUM": _sum,
    "REDUCE_MAX": _extreme,
    "REDUCE_MIN": _extreme,
    "CONCATENATION": _concatenation,
    "PAD": _pad,
    "PADV2": _pad,
}
_OPS |= dict.fromkeys(VIEWS, _view)
_OPS |= dict.fromkeys(("ADD", "SUB", "MUL", "MAXIMUM", "MINIMUM"), _binary)
_OPS |= {kind: _table for kind in REGISTRY if kind not in _OPS}
