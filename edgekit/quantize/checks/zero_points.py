# SPDX-License-Identifier: Apache-2.0
"""zero-points: weights and biases are symmetric, zero points fit their type, scales are numbers."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from edgekit.quantize.checks.finding import Check, Evidence, Finding
from edgekit.quantize.checks.products import Product, products
from edgekit.tflite.graph import Graph, Tensor

_REMEDY = "convert the Keras model that it came from with edgekit convert"


def _look(evidence: Evidence) -> Iterator[Finding]:
    layers = _layers(evidence.graph)
    for tensor in evidence.graph.tensors:
        if tensor.quant is not None and tensor.index in layers and (words := _bad(tensor)):
            layer = layers[tensor.index]
            yield Finding(layer, f"'{tensor.name}' of layer '{layer}' {words}", _REMEDY)
    for product in products(evidence.graph):
        if words := _asymmetric(product):
            yield Finding(product.op.layer, f"layer '{product.op.layer}' has {words}", _REMEDY)


ZERO_POINTS = Check("zero-points", "zero points and scales that the kernels can use", _look)


def _layers(graph: Graph) -> dict[int, str]:
    """The layer of the first op that touches each tensor."""
    found: dict[int, str] = {}
    for op in graph.ops:
        for index in (*op.inputs, *op.outputs):
            found.setdefault(index, op.layer)
    return found


def _bad(tensor: Tensor) -> str:
    quant = tensor.q
    if not all(math.isfinite(s) and s >= 0 for s in quant.scales) or not any(quant.scales):
        return f"has the scale {quant.scale:g}"
    if quant.per_channel and len(quant.scales) != tensor.shape[quant.axis]:
        return f"has {len(quant.scales)} scales for {tensor.shape[quant.axis]} channels"
    if tensor.dtype == "int16" and any(quant.zero_points):
        return f"is int16 with zero point {quant.zero_point}, which has to be 0"
    if tensor.dtype in ("int8", "uint8"):
        ends = np.iinfo(tensor.dtype)
        if not all(ends.min <= z <= ends.max for z in quant.zero_points):
            return f"has the zero point {quant.zero_point}, which {tensor.dtype} does not hold"
    return ""


def _asymmetric(product: Product) -> str:
    if product.weights.dtype in ("int8", "int4") and any(product.weights.q.zero_points):
        return f"weights with zero point {product.weights.q.zero_point}, which has to be 0"
    bias = product.bias
    if bias is not None and bias.quant is not None and any(bias.q.zero_points):
        return f"a bias with zero point {bias.q.zero_point}, which has to be 0"
    return ""
