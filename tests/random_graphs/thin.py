# SPDX-License-Identifier: Apache-2.0
"""Random .tflite files full of channels that are constant or that nothing reads.

As pruning and training leave them: filters of zeros, biases far beyond what weights can turn,
multipliers of 0 and shifts beyond 25, inputs that no weight takes; through branches, ADD, concats,
pools, pads, tables, flattening, shared weights and several outputs.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tests.random_graphs.flat_model import FlatModel, Node, window_sides
from tests.support.tflite_builder import NONE, RELU, RELU6, SAME

STEPS = 9
HUGE = 1 << 30


def _product(
    d: FlatModel, node: Node, shape: tuple[int, ...], axis: int, taps: int
) -> tuple[int, int, dict[str, Any]]:
    """Weights and bias with idle channels among them, and a quantization for the output."""
    rng, count = d.rng, shape[axis]
    values = rng.integers(-127, 128, shape).astype(np.int8)
    values[rng.random(shape) < 0.3] = 0
    channels = np.moveaxis(values, axis, 0)
    channels[rng.random(count) < 0.25] = 0
    if len(shape) == 2 or (axis == 0 and shape[3] > 1):
        values[..., rng.random(shape[-1]) < 0.25] = 0
    scales = np.exp(rng.uniform(-7, -4, count)).astype(np.float32)
    tiny = rng.random(count) < 0.1
    scales[tiny] *= np.float32(10.0) ** -rng.integers(6, 13, int(tiny.sum())).astype(np.float32)
    bias = rng.integers(-3000, 3000, count)
    far = rng.random(count) < 0.3
    bias[far] = rng.choice([-HUGE, HUGE, HUGE - 1, 1 << 20, -(1 << 20)], int(far.sum()))
    near = float(node.scale * np.exp(-5.5) * 60 * np.sqrt(taps))
    quant = d.quant(near)
    if rng.random() < 0.6:
        quant["zero_point"] = -128
    bias_scales = np.maximum(scales * node.scale, 1e-37).astype(np.float32)
    return (
        d.builder.constant(values, scales=scales, axis=axis),
        d.builder.constant(bias.astype(np.int32), scales=bias_scales, axis=0),
        quant,
    )


def _function(d: FlatModel) -> int:
    return int(d.rng.choice([NONE, RELU, RELU, RELU6]))


def _window(d: FlatModel, node: Node) -> tuple[int, int, dict[str, Any], tuple[int, int]]:
    k = int(d.rng.choice([1, 1, 2, 3, 3]))
    k = min(k, *node.shape[1:3])
    stride, padding = int(d.rng.choice([1, 1, 1, 2])), int(d.rng.integers(0, 2))
    sides = (
        window_sides(node.shape[1], k, stride, 1, padding),
        window_sides(node.shape[2], k, stride, 1, padding),
    )
    return k, stride, {"padding": padding, "stride_h": stride, "stride_w": stride}, sides


def _conv(d: FlatModel, node: Node) -> Node:
    k, _, options, sides = _window(d, node)
    out_c = int(d.rng.choice([1, 2, 3, 5, 8, 11, 16, 24, 24]))
    weights, bias, quant = _product(d, node, (out_c, k, k, node.shape[3]), 0, k * k * node.shape[3])
    inputs = [node.index, weights, *([bias] if d.rng.random() < 0.9 else [])]
    options |= {"fused_activation_function": _function(d)}
    return d.op("CONV_2D", inputs, (1, *sides, out_c), quant, options)


def _depthwise(d: FlatModel, node: Node) -> Node:
    k, _, options, sides = _window(d, node)
    times = int(d.rng.choice([1, 1, 1, 2]))
    out_c = node.shape[3] * times
    weights, bias, quant = _product(d, node, (1, k, k, out_c), 3, k * k)
    options |= {"fused_activation_function": _function(d), "depth_multiplier": times}
    return d.op(
        "DEPTHWISE_CONV_2D", [node.index, weights, bias], (1, *sides, out_c), quant, options
    )


def _pool(d: FlatModel, node: Node) -> Node:
    k = min(2, *node.shape[1:3])
    sides = [window_sides(side, k, 1, 1, SAME) for side in node.shape[1:3]]
    options = {"filter_height": k, "filter_width": k, "padding": SAME}
    options |= {"fused_activation_function": _function(d)}
    kind = str(d.rng.choice(["MAX_POOL_2D", "AVERAGE_POOL_2D"]))
    return d.op(kind, [node.index], (1, *sides, node.shape[3]), node.quant, options)


def _table(d: FlatModel, node: Node) -> Node:
    kind = str(d.rng.choice(["RELU", "RELU6", "LOGISTIC", "QUANTIZE", "ABS"]))
    quant = {"scale": 1 / 256, "zero_point": -128} if kind == "LOGISTIC" else node.quant
    if kind in ("RELU", "QUANTIZE") and d.rng.random() < 0.5:
        quant = d.quant(node.scale)
    return d.op(kind, [node.index], node.shape, quant)


def _pad(d: FlatModel, node: Node) -> Node:
    sides = d.rng.integers(0, 2, (2, 2))
    paddings = d.builder.constant([[0, 0], *sides.tolist(), [0, 0]])
    shape = (1, *(s + int(p.sum()) for s, p in zip(node.shape[1:3], sides, strict=True)))
    return d.op("PAD", [node.index, paddings], (*shape, node.shape[3]), node.quant)


def _scaled(d: FlatModel, node: Node) -> Node:
    """ADD or MUL with a number, or with one per channel."""
    kind = str(d.rng.choice(["ADD", "MUL", "MAXIMUM"]))
    shape = () if d.rng.random() < 0.5 else (node.shape[3],)
    other = d.constant(shape, d.quant(node.scale) if kind == "ADD" else node.quant)
    near = node.scale * node.scale * 100 if kind == "MUL" else 2 * node.scale
    quant = node.quant if kind == "MAXIMUM" else d.quant(near)
    options = {} if kind == "MAXIMUM" else {"fused_activation_function": _function(d)}
    return d.op(kind, [node.index, other.index], node.shape, quant, options)


def _view(d: FlatModel, node: Node) -> Node:
    """Flattened and back, in one or two steps."""
    flat = (1, node.shape[1] * node.shape[2] * node.shape[3])
    made = d.op("RESHAPE", [node.index, d.builder.constant(list(flat))], flat, node.quant)
    shape = (1, node.shape[2], node.shape[1], node.shape[3])
    return d.op("RESHAPE", [made.index, d.builder.constant(list(shape))], shape, node.quant)


_ONE: tuple[Callable[[FlatModel, Node], Node], ...] = (
    _conv,
    _conv,
    _conv,
    _depthwise,
    _depthwise,
    _pool,
    _table,
    _pad,
    _scaled,
    _view,
)


def _join(d: FlatModel, a: Node, b: Node) -> Node:
    if a.shape == b.shape and d.rng.random() < 0.7:
        quant = d.quant(2 * max(a.scale, b.scale))
        kind = str(d.rng.choice(["ADD", "ADD", "SUB", "MAXIMUM"]))
        options = {} if kind == "MAXIMUM" else {"fused_activation_function": _function(d)}
        return d.op(kind, [a.index, b.index], a.shape, quant, options)
    b = d.op("QUANTIZE", [b.index], b.shape, a.quant)
    shape = (*a.shape[:3], a.shape[3] + b.shape[3])
    return d.op("CONCATENATION", [a.index, b.index], shape, a.quant, {"axis": 3})


def _head(d: FlatModel, node: Node) -> Node:
    """Pixels averaged or flattened, then one or two fully connected layers."""
    if d.rng.random() < 0.4:
        axes = d.builder.constant([1, 2])
        node = d.op("MEAN", [node.index, axes], (1, node.shape[3]), d.quant(node.scale))
    else:
        flat = (1, int(np.prod(node.shape[1:])))
        node = d.op("RESHAPE", [node.index, d.builder.constant(list(flat))], flat, node.quant)
    for _ in range(int(d.rng.integers(1, 3))):
        units = int(d.rng.integers(1, 10))
        weights, bias, quant = _product(d, node, (units, node.shape[1]), 0, node.shape[1])
        options = {"fused_activation_function": _function(d)}
        node = d.op("FULLY_CONNECTED", [node.index, weights, bias], (1, units), quant, options)
    return node


def draw_thin(seed: int) -> bytes:
    """The .tflite file of one seed."""
    d = FlatModel(seed)
    shape = (1, *(int(s) for s in d.rng.integers(2, 6, 2)), int(d.rng.integers(1, 6)))
    nodes = [d.add_input(shape)]
    for _ in range(int(d.rng.integers(3, STEPS))):
        recent = nodes[-3:]
        node = recent[int(d.rng.choice([-1, -1, -1, 0]))]
        mates = [n for n in recent if n.shape[1:3] == node.shape[1:3]]
        if len(mates) > 1 and d.rng.random() < 0.35:
            nodes.append(_join(d, node, mates[int(d.rng.integers(len(mates)))]))
        else:
            nodes.append(_ONE[int(d.rng.integers(len(_ONE)))](d, node))
    outputs = [_head(d, nodes[-1]).index if d.rng.random() < 0.7 else nodes[-1].index]
    if d.rng.random() < 0.3 and len(nodes) > 2:
        outputs.append(nodes[-2].index)
    return d.builder.finish(outputs)
