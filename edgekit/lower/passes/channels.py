# SPDX-License-Identifier: Apache-2.0
"""Channels that are constant for every input, or that no output hangs on, are removed.

A constant channel's contribution to a convolution or fully connected layer goes into the bias,
(value - zero point) x weight; a padded convolution can do without it only where its value is the
zero point. Backwards, a channel whose weights are zero in all that is left of its consumers is
not needed either. Pruned and some trained models have many of both kinds: see
docs/graph_passes.md.
"""

from __future__ import annotations

import numpy as np

from edgekit.lower.passes.alignment import channels_together, whole_groups
from edgekit.lower.passes.demand import Link, Mask, Rule, rule_of
from edgekit.lower.passes.ranges import channels_of, tensor_ranges
from edgekit.lower.passes.thin import thin_graph
from edgekit.tflite.graph import Graph, Op

# Kernels take channels by four, or by pairs: a lone one costs as much as its whole group.
TOGETHER = 4
MAKERS = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED")

Keep = dict[int, Mask]


def remove_channels(graph: Graph) -> Graph:
    """`graph` without the channels that nothing needs; exact for every input."""
    ranges = tensor_ranges(graph)
    rules = {op.index: rule_of(op, graph, ranges) for op in graph.ops}
    keep = _settle(graph, rules)
    if all(mask.all() for mask in keep.values()):
        return graph
    return thin_graph(graph, keep, ranges)


def _settle(graph: Graph, rules: dict[int, Rule | None]) -> Keep:
    """The channels to keep: all that is needed, and all that must stay beside it."""
    keep = _start(graph, rules)
    together = channels_together(graph)
    links = [link for rule in rules.values() if rule for link in rule.links]
    size = -1
    while size != (size := _size(keep)):
        for op in reversed(graph.ops):
            _demand(op, rules[op.index], keep)
        _follow(links, keep)
        if size == _size(keep):
            _round_up(graph, keep, together)
    return keep


def _start(graph: Graph, rules: dict[int, Rule | None]) -> Keep:
    """Nothing is kept but the model's ends and what ops without a rule read and write."""
    fixed = {*graph.inputs, *graph.outputs}
    for op in graph.ops:
        if rules[op.index] is None:
            fixed.update((*op.inputs, *op.outputs))
    activations = {*graph.inputs, *(i for op in graph.ops for i in op.outputs)}
    return {
        index: np.full(channels_of(graph.tensor(index)), index in fixed) for index in activations
    }


def _size(keep: Keep) -> int:
    return sum(int(mask.sum()) for mask in keep.values())


def _demand(op: Op, rule: Rule | None, keep: Keep) -> None:
    if rule is None:
        return
    for index, mask in rule.demand(keep[op.outputs[0]]).items():
        keep[index] |= mask


def _follow(links: list[Link], keep: Keep) -> None:
    """What is linked to a kept channel is kept. Whoever is kept has to be right: `_demand` then
    asks for what it is made of."""
    size = -1
    while size != (size := _size(keep)):
        for link in links:
            np.logical_or.at(keep[link.b], link.at_b, keep[link.a][link.at_a])
            np.logical_or.at(keep[link.a], link.at_a, keep[link.b][link.at_b])


def _round_up(graph: Graph, keep: Keep, together: dict[int, int]) -> None:
    """Keeps some that are not needed, for whole groups of channels and never an empty tensor."""
    for op in graph.ops:
        for index in op.outputs:
            mask = keep[index]
            whole = whole_groups(mask, together.get(index, 1))
            if whole.sum() > mask.sum():
                mask |= whole
                return  # others may follow it
            count = int(mask.sum())
            wanted = -(-count // TOGETHER) * TOGETHER if op.kind in MAKERS else count
            wanted = max(count if wanted > len(mask) else wanted, _least(op, graph))
            spare = np.flatnonzero(~mask)[: max(wanted - count, 0)]
            if len(spare):
                mask[spare] = True
                return


def _least(op: Op, graph: Graph) -> int:
    """TFLM rounds the scale of a fully connected layer with one weight scale in another way, so
    one with several must keep two."""
    several = op.kind == "FULLY_CONNECTED" and graph.input_of(op, 1).q.per_channel
    return min(2 if several else 1, channels_of(graph.output_of(op)))
