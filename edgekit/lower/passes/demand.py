# SPDX-License-Identifier: Apache-2.0
"""Which channels an op needs of its inputs, and which channels must come and go together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from edgekit.lower.passes.elementwise import is_binary, table_of
from edgekit.lower.passes.ranges import (
    Ranges,
    channels_of,
    is_padded,
    joins_channels,
    keeps_channels,
    pads_channels,
)
from edgekit.lower.passes.views import VIEWS
from edgekit.tflite.graph import Graph, Op

Mask = np.ndarray  # bool, one per channel
Demand = Callable[[Mask], dict[int, Any]]  # needed channels of the output -> of each input


@dataclass(frozen=True, slots=True, eq=False)
class Link:
    """Channel `at_a[i]` of tensor `a` is there exactly where channel `at_b[i]` of `b` is."""

    a: int
    at_a: np.ndarray
    b: int
    at_b: np.ndarray


@dataclass(frozen=True, slots=True, eq=False)
class Rule:
    """What one op asks for. Only ops with a rule can do without channels."""

    demand: Demand
    links: tuple[Link, ...] = ()


def rule_of(op: Op, graph: Graph, ranges: Ranges) -> Rule | None:
    """None for an op that needs every channel it reads and gives every channel it writes."""
    activations = [i for i in op.inputs if i >= 0 and not graph.tensor(i).is_constant]
    ends = [graph.tensor(index) for index in (*activations, *op.outputs)]
    if len(op.outputs) != 1 or op.inputs[0] not in activations:
        return None
    if any(t.dtype != "int8" or not t.shape for t in ends):
        return None
    if op.kind == "CONV_2D":
        return _conv(op, graph, ranges)
    if op.kind == "FULLY_CONNECTED":
        return _dense(op, graph, ranges)
    if op.kind == "DEPTHWISE_CONV_2D":
        return _depthwise(op, graph)
    if op.kind in VIEWS:
        return _view(op, graph)
    if op.kind == "CONCATENATION":
        return _concatenation(op, graph)
    if is_binary(op):
        return _binary(op, graph)
    return _linked([(op.inputs[0], _all(op, graph))], op, graph) if _is_apart(op, graph) else None


def _is_apart(op: Op, graph: Graph) -> bool:
    """Whether each output channel is made of the input's same channel alone."""
    if op.kind in ("AVERAGE_POOL_2D", "MAX_POOL_2D", "RESIZE_NEAREST_NEIGHBOR", "RESIZE_BILINEAR"):
        return True
    if op.kind in ("MEAN", "SUM", "REDUCE_MAX", "REDUCE_MIN"):
        return keeps_channels(op, graph)
    if op.kind in ("PAD", "PADV2"):
        return not pads_channels(op, graph)
    return table_of(op, graph) is not None


def _all(op: Op, graph: Graph) -> np.ndarray:
    return np.arange(channels_of(graph.output_of(op)))


def _linked(pairs: list[tuple[int, np.ndarray]], op: Op, graph: Graph) -> Rule:
    """Input channel i is linked to output channel `places[i]` for each (input, places)."""
    output = op.outputs[0]

    def demand(needed: Mask) -> dict[int, Mask]:
        asked: dict[int, Mask] = {}
        for index, places in pairs:
            asked[index] = asked.get(index, np.zeros(len(places), bool)) | needed[places]
        return asked

    links = [Link(index, np.arange(len(places)), output, places) for index, places in pairs]
    return Rule(demand, tuple(links))


def foldable(op: Op, graph: Graph, ranges: Ranges) -> Mask:
    """Input channels whose contribution is one number wherever the window lies."""
    found, zero = ranges[op.inputs[0]], graph.input_of(op).q.zero_point
    if op.kind == "CONV_2D" and is_padded(op, graph):
        return found.constant & (found.low == zero)
    return found.constant


def _conv(op: Op, graph: Graph, ranges: Ranges) -> Rule | None:
    source, weights = graph.input_of(op), graph.input_of(op, 1)
    if weights.shape[3] != source.shape[3]:
        return None  # groups
    assert weights.data is not None
    used = (weights.data != 0).any(axis=(1, 2))
    free = foldable(op, graph, ranges)
    return Rule(lambda needed: {source.index: np.any(used[needed], axis=0) & ~free})


def _dense(op: Op, graph: Graph, ranges: Ranges) -> Rule | None:
    source, weights = graph.input_of(op), graph.input_of(op, 1)
    count, (out_c, depth) = channels_of(source), weights.shape
    if depth % count or channels_of(graph.output_of(op)) != out_c:
        return None
    assert weights.data is not None
    used = (weights.data != 0).reshape(out_c, depth // count, count).any(axis=1)
    free = foldable(op, graph, ranges)
    return Rule(lambda needed: {source.index: np.any(used[needed], axis=0) & ~free})


def _depthwise(op: Op, graph: Graph) -> Rule:
    source, output = op.inputs[0], op.outputs[0]
    count, made = channels_of(graph.tensor(source)), channels_of(graph.tensor(output))
    places = np.arange(made) // (made // count)
    return Rule(
        lambda needed: {source: np.any(needed.reshape(count, -1), axis=1)},
        (Link(source, places, output, np.arange(made)),),
    )


def _view(op: Op, graph: Graph) -> Rule | None:
    source, output = op.inputs[0], op.outputs[0]
    have, count = channels_of(graph.tensor(source)), channels_of(graph.tensor(output))
    most = np.arange(max(have, count))
    if max(have, count) % min(have, count):
        return None

    def demand(needed: Mask) -> dict[int, Any]:
        if count >= have:
            return {source: needed.reshape(-1, have).any(axis=0)}
        return {source: np.tile(needed, have // count)}

    return Rule(demand, (Link(source, most % have, output, most % count),))


def _concatenation(op: Op, graph: Graph) -> Rule | None:
    if any(graph.tensor(index).is_constant for index in op.inputs):
        return None
    pairs, start = [], 0
    for index in op.inputs:
        count = channels_of(graph.tensor(index))
        pairs.append((index, np.arange(count) + start))
        start += count if joins_channels(op, graph) else 0
    return _linked(pairs, op, graph)


def _binary(op: Op, graph: Graph) -> Rule | None:
    """An activation that is repeated along the channels ties them all together: no rule."""
    count = channels_of(graph.output_of(op))
    pairs = []
    for index in op.inputs[:2]:
        tensor = graph.tensor(index)
        if tensor.is_constant:
            continue
        if channels_of(tensor) != count:
            return None
        pairs.append((index, np.arange(count)))
    return _linked(pairs, op, graph)
