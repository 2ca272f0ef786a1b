# SPDX-License-Identifier: Apache-2.0
"""Scales and zero points of a file's tensors, as the record of a conversion keeps them."""

from __future__ import annotations

from dataclasses import dataclass

from edgekit.tflite.graph import Graph


@dataclass(frozen=True, slots=True)
class TensorScales:
    """One tensor that is quantized: real = scale * (stored - zero point), per channel on `axis`."""

    index: int
    name: str
    role: str
    shape: tuple[int, ...]
    dtype: str
    scales: tuple[float, ...]
    zero_points: tuple[int, ...]
    axis: int


def tensor_scales(graph: Graph) -> tuple[TensorScales, ...]:
    """One for each quantized tensor of `graph`."""
    return tuple(
        TensorScales(
            index=tensor.index,
            name=tensor.name,
            role=_role(graph, tensor.index),
            shape=tensor.shape,
            dtype=tensor.dtype,
            scales=tensor.quant.scales,
            zero_points=tensor.quant.zero_points,
            axis=tensor.quant.axis,
        )
        for tensor in graph.tensors
        if tensor.quant is not None
    )


def _role(graph: Graph, index: int) -> str:
    if index in graph.inputs:
        return "input"
    if index in graph.outputs:
        return "output"
    return "constant" if graph.tensor(index).is_constant else "activation"
