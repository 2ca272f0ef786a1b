# SPDX-License-Identifier: Apache-2.0
"""More random ops of .tflite files: states, logarithms, functions by tables."""

from __future__ import annotations

import numpy as np

from tests.random_graphs.flat_model import FlatModel, Node
from tests.support.lstm_models import Lstm, lstm_op


def lstm(d: FlatModel, node: Node) -> Node:
    """A fused LSTM over the second axis, or over all places of an image."""
    if len(node.shape) == 4:
        rows = (node.shape[0], node.shape[1] * node.shape[2], node.shape[3])
        operands = [node.index, d.builder.constant(list(rows))]
        node = d.op("RESHAPE", operands, rows, node.quant)
    batches, steps, inputs = node.shape
    rng, quant = d.rng, d.quant()
    of = Lstm(
        units=int(rng.integers(1, 9)),
        inputs=inputs,
        steps=steps,
        batches=batches,
        in_scale=node.scale,
        in_zero=node.zero_point,
        weight_scale=float(np.exp(rng.uniform(-7, 0))),
        bias=int(rng.integers(0, 100_000)),
        out_zero=quant["zero_point"],
        out_scale=quant["scale"],
        cell_power=-int(rng.integers(6, 16)),
        clip=float(rng.choice([0.0, 1.0, 10.0])),
        seed=int(rng.integers(1 << 30)),
    )
    return Node(lstm_op(d.builder, node.index, of), (batches, steps, of.units), **quant)


def log_softmax(d: FlatModel, node: Node) -> Node:
    return d.op("LOG_SOFTMAX", [node.index], node.shape, {"scale": 1 / 16, "zero_point": 127})


def lookup(d: FlatModel, node: Node) -> Node:
    """QUANTIZE to places of a table, and GATHER from it."""
    quant = d.quant()
    entries = d.constant((256,), quant)
    places = {"scale": node.scale, "zero_point": node.zero_point + 128}
    index = d.builder.op("QUANTIZE", [node.index], node.shape, "int32", **places)
    return d.op("GATHER", [entries.index, index], node.shape, quant)
