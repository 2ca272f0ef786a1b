# SPDX-License-Identifier: Apache-2.0
"""Cross-layer equalization: two layers share the work of holding large and small channels.

Between two layers with kernels each channel can be scaled down in the first and up again in the
second, since a ReLU lets a positive factor through (Nagel and others, 2019, "Data-Free
Quantization Through Weight Equalization and Bias Correction", section 4.1). The factors make the
weights of a channel as wide in one as in the other, which is what weights with one scale per
tensor need; with one per channel it narrows the activations at most.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from edgekit.quantize.flatbuffer import pack, schema, unpack
from edgekit.quantize.rounding.sites import Site, find_sites
from edgekit.tflite.graph import Graph

ROUNDS = 20  # over chains of layers; factors move less than 1 % after a few
_HOMOGENEOUS = (0, 1)  # fused activation: none, RELU; a RELU6 clips at another place if scaled
_PASSES = ("MAX_POOL_2D", "AVERAGE_POOL_2D", "PAD", "MEAN")  # each channel by itself, and linear


@dataclass(frozen=True, slots=True, eq=False)
class Equalized:
    """The float file with equal outputs, and the (layer, layer) pairs that were equalized."""

    tflite: bytes
    pairs: tuple[tuple[str, str], ...]


def equalize_file(data: bytes, graph: Graph) -> Equalized:
    """`data` is a float .tflite, `graph` as read from it. Pruned zeros stay zeros."""
    sites = find_sites(graph)
    pairs = list(_pairs(graph, sites))
    values = {
        index: np.array(graph.tensor(index).data, np.float64)
        for pair in pairs
        for site in pair
        for index in (site.kernel, site.bias)
        if index >= 0
    }
    for _ in range(ROUNDS):
        for first, second in pairs:
            _equalize(first, second, values)
    model = unpack(data)
    for index, array in values.items():
        _store(model, index, array)
    return Equalized(pack(model), tuple((a.layer, b.layer) for a, b in pairs))


def _pairs(graph: Graph, sites: list[Site]) -> Iterator[tuple[Site, Site]]:
    by_op = {site.op.index: site for site in sites}
    users: dict[int, list[Any]] = {}
    for op in graph.ops:
        for index in op.inputs:
            users.setdefault(index, []).append(op)
    shared = _shared(sites)
    for site in sites:
        if site.op.options.get("fused_activation_function", 0) not in _HOMOGENEOUS:
            continue
        second = _next(site.op.outputs[0], graph, users, by_op)
        if second is None or {site.kernel, second.kernel} & shared:
            continue
        if _channels_of(site, graph) == _inputs_of(second, graph):
            yield site, second


def _next(
    tensor: int, graph: Graph, users: Mapping[int, list[Any]], by_op: Mapping[int, Site]
) -> Site | None:
    """The one op with a kernel that takes `tensor`, alone; None where anything else does."""
    while True:
        found = users.get(tensor, [])
        if len(found) != 1 or tensor in graph.outputs:
            return None
        op = found[0]
        if op.index in by_op:
            site = by_op[op.index]
            return site if site.data == tensor else None
        if op.kind not in _PASSES or op.options.get("fused_activation_function", 0):
            return None
        tensor = op.outputs[0]


def _shared(sites: list[Site]) -> set[int]:
    """Kernels that several ops use."""
    kernels = [site.kernel for site in sites]
    return {kernel for kernel in kernels if kernels.count(kernel) > 1}


def _channels_of(site: Site, graph: Graph) -> int:
    return int(graph.tensor(site.kernel).shape[site.axis])


def _inputs_of(site: Site, graph: Graph) -> int:
    """Input channels that its kernel has an axis for; -1 for grouped kernels."""
    shape, data = graph.tensor(site.kernel).shape, graph.tensor(site.data).shape
    if site.op.kind == "DEPTHWISE_CONV_2D":
        return int(shape[3]) if shape[3] == data[-1] else -1
    return int(shape[-1]) if shape[-1] == data[-1] else -1


def _equalize(first: Site, second: Site, values: dict[int, np.ndarray]) -> None:
    one, two = values[first.kernel], values[second.kernel]
    axis = second.axis if second.op.kind == "DEPTHWISE_CONV_2D" else two.ndim - 1
    range_one, range_two = _widths(one, first.axis), _widths(two, axis)
    known = (range_one > 0) & (range_two > 0)
    factor = np.where(
        known, np.sqrt(np.where(known, range_one / np.where(known, range_two, 1), 1)), 1
    )
    values[first.kernel] = one / _along(factor, one, first.axis)
    values[second.kernel] = two * _along(factor, two, axis)
    if first.bias >= 0:
        values[first.bias] = values[first.bias] / factor


def _widths(kernel: np.ndarray, axis: int) -> np.ndarray:
    others = tuple(a for a in range(kernel.ndim) if a != axis)
    return np.asarray(np.max(np.abs(kernel), axis=others))


def _along(factor: np.ndarray, kernel: np.ndarray, axis: int) -> np.ndarray:
    shape = [1] * kernel.ndim
    shape[axis] = -1
    return factor.reshape(shape)


def _store(model: Any, tensor: int, values: np.ndarray) -> None:
    buffer = schema().BufferT()
    buffer.data = np.frombuffer(np.ascontiguousarray(values, "<f4").tobytes(), np.uint8)
    model.buffers.append(buffer)
    model.subgraphs[0].tensors[tensor].buffer = len(model.buffers) - 1
