# SPDX-License-Identifier: Apache-2.0
"""Random .tflite files with quantizations that the converter never writes.

Scales far apart, zero points at the limits, weights with one scale, absent biases, batches.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from tests.random_graphs.flat_model import FlatModel, Node, place_window
from tests.random_graphs.flat_more import log_softmax, lookup, lstm
from tests.support.tflite_builder import SAME

MOST_ELEMENTS = 3000


def _product_scale(node: Node, scales: np.ndarray, taps: int) -> float:
    return float(node.scale * np.median(scales) * 50 * np.sqrt(taps))


def conv(d: FlatModel, node: Node) -> Node:
    kernel, sides, options = place_window(d, node)
    in_c = node.shape[3]
    groups = int(d.rng.choice([g for g in (1, 1, in_c, 2) if in_c % g == 0]))
    out_c = groups * int(d.rng.integers(1, 6))
    shape = (out_c, *kernel, in_c // groups)
    weights, scales = d.weights(shape, out_c, 0)
    quant = d.quant(_product_scale(node, scales, int(np.prod(shape[1:]))))
    inputs = [node.index, weights, d.bias(out_c, scales, node)]
    return d.op("CONV_2D", inputs, (node.shape[0], *sides, out_c), quant, options)


def depthwise(d: FlatModel, node: Node) -> Node:
    kernel, sides, options = place_window(d, node)
    multiplier = int(d.rng.integers(1, 4))
    out_c = node.shape[3] * multiplier
    weights, scales = d.weights((1, *kernel, out_c), out_c, 3)
    quant = d.quant(_product_scale(node, scales, int(np.prod(kernel))))
    bias = d.bias(out_c, scales, node)
    # An absent bias is left out: as -1 it makes TFLM's Prepare free a null pointer.
    inputs = [node.index, weights, *([bias] if bias >= 0 else [])]
    options |= {"depth_multiplier": multiplier}
    return d.op("DEPTHWISE_CONV_2D", inputs, (node.shape[0], *sides, out_c), quant, options)


def fully_connected(d: FlatModel, node: Node) -> Node:
    depth, units = node.shape[-1], int(d.rng.integers(1, 11))
    keep = bool(d.rng.random() < 0.5)
    rows = int(np.prod(node.shape[:-1]))
    weights, scales = d.weights((units, depth), units if d.rng.random() < 0.5 else 1, 0)
    quant = d.quant(_product_scale(node, scales, depth))
    inputs = [node.index, weights, d.bias(units, scales, node)]
    options = {"keep_num_dims": keep, "fused_activation_function": d.function()}
    shape = (*node.shape[:-1], units) if keep else (rows, units)
    return d.op("FULLY_CONNECTED", inputs, shape, quant, options)


def transpose_conv(d: FlatModel, node: Node) -> Node:
    rng = d.rng
    kernel = [int(k) for k in rng.integers(1, 5, 2)]
    strides = [int(s) for s in rng.integers(1, 4, 2)]
    padding, out_c = int(rng.integers(0, 2)), int(rng.integers(1, 6))
    sides = [
        s * n if padding == SAME else s * (n - 1) + max(k, s)
        for n, k, s in zip(node.shape[1:3], kernel, strides, strict=True)
    ]
    weights, scales = d.weights((out_c, *kernel, node.shape[3]), out_c, 0)
    shape = (node.shape[0], *sides, out_c)
    quant = d.quant(_product_scale(node, scales, int(np.prod(kernel)) * node.shape[3]))
    inputs = [d.builder.constant(list(shape)), weights, node.index]
    bias = d.bias(out_c, scales, node)
    options = {"padding": padding, "stride_h": strides[0], "stride_w": strides[1]}
    return d.op("TRANSPOSE_CONV", [*inputs, bias] if bias >= 0 else inputs, shape, quant, options)


def pool(d: FlatModel, node: Node) -> Node:
    kernel, sides, options = place_window(d, node, dilate=False)
    options |= {"filter_height": kernel[0], "filter_width": kernel[1]}
    kind = str(d.rng.choice(["AVERAGE_POOL_2D", "MAX_POOL_2D"]))
    shape = (node.shape[0], *sides, node.shape[3])
    return d.op(kind, [node.index], shape, node.quant, options)


def add(d: FlatModel, node: Node) -> Node:
    """Any of the joins of two tensors, the second one broadcast, constant or the same."""
    rng = d.rng
    kind = str(rng.choice(["ADD", "SUB", "MUL", "MAXIMUM", "MINIMUM"]))
    alike = kind in ("MAXIMUM", "MINIMUM")
    quant = node.quant if alike else d.quant(node.scale)
    sides = tuple(s if rng.random() < 0.6 else 1 for s in node.shape)
    other = d.constant(sides[int(rng.integers(0, 2)) :], quant)
    if rng.random() < 0.3:
        other = Node(d.builder.input(sides, **quant), sides, **quant)
    scale = node.scale * other.scale * 60 if kind == "MUL" else max(node.scale, other.scale) * 1.5
    pair = [node.index, other.index]
    if rng.random() < 0.4:
        pair.reverse()
    options = None if alike else {"fused_activation_function": d.function()}
    return d.op(kind, pair, node.shape, quant if alike else d.quant(scale), options)


def elementwise(d: FlatModel, node: Node) -> Node:
    rng = d.rng
    kind = str(rng.choice(["RELU", "RELU6", "LEAKY_RELU", "HARD_SWISH", "QUANTIZE", "PRELU"]))
    quant = d.quant(node.scale)
    inputs, options = [node.index], None
    if kind == "LEAKY_RELU":
        options = {"alpha": float(np.float32(rng.choice([0.3, 0.01, 1.7, -0.5])))}
    if kind == "PRELU":
        inputs.append(d.constant((1,) * (len(node.shape) - 1) + node.shape[-1:], d.quant()).index)
    return d.op(kind, inputs, node.shape, quant, options)


def table(d: FlatModel, node: Node) -> Node:
    # TFLM aborts where 512 values or more share a row of softmax about equally.
    kinds = ["LOGISTIC", "TANH", *(["SOFTMAX"] if node.shape[-1] < 512 else [])]
    kind = str(d.rng.choice(kinds))
    quant = {"scale": 1 / 128, "zero_point": 0}
    if kind != "TANH":
        quant = {"scale": 1 / 256, "zero_point": -128}
    beta = float(np.float32(d.rng.choice([1.0, 0.3, 4.0])))
    return d.op(
        kind, [node.index], node.shape, quant, {"beta": beta} if kind == "SOFTMAX" else None
    )


def reduction(d: FlatModel, node: Node) -> Node:
    rng = d.rng
    kind = str(rng.choice(["MEAN", "SUM", "REDUCE_MAX"]))
    axes = [i for i in range(1, len(node.shape)) if rng.random() < 0.5] or [len(node.shape) - 1]
    keep = bool(rng.random() < 0.5)
    quant = node.quant if kind == "REDUCE_MAX" or rng.random() < 0.3 else d.quant(node.scale)
    kept = tuple(1 if i in axes else s for i, s in enumerate(node.shape))
    shape = kept if keep else tuple(s for i, s in enumerate(kept) if i not in axes)
    named = [a - len(node.shape) if rng.random() < 0.3 else a for a in axes]
    inputs = [node.index, d.builder.constant(named)]
    return d.op(kind, inputs, shape, quant, {"keep_dims": keep})


def pad(d: FlatModel, node: Node) -> Node:
    pads = d.rng.integers(0, 3, (len(node.shape), 2)).astype(np.int32)
    shape = tuple(int(s + p.sum()) for s, p in zip(node.shape, pads, strict=True))
    inputs = [node.index, d.builder.constant(pads)]
    if d.rng.random() < 0.5:
        return d.op("PAD", inputs, shape, node.quant)
    return d.op("PADV2", [*inputs, d.constant((1,), node.quant).index], shape, node.quant)


def concat(d: FlatModel, node: Node) -> Node:
    axis = int(d.rng.integers(len(node.shape)))
    count = int(d.rng.integers(2, 4))
    shape = tuple(s * count if i == axis else s for i, s in enumerate(node.shape))
    options = {"axis": axis - len(node.shape) if d.rng.random() < 0.4 else axis}
    others = [d.constant(node.shape, node.quant).index if d.rng.random() < 0.5 else node.index]
    inputs = ([node.index, *others, node.index])[:count]
    return d.op("CONCATENATION", inputs, shape, node.quant, options)


def transpose(d: FlatModel, node: Node) -> Node:
    order = [int(i) for i in d.rng.permutation(len(node.shape))]
    shape = tuple(node.shape[i] for i in order)
    return d.op("TRANSPOSE", [node.index, d.builder.constant(order)], shape, node.quant)


def resize(d: FlatModel, node: Node) -> Node:
    rng = d.rng
    kind = str(rng.choice(["RESIZE_NEAREST_NEIGHBOR", "RESIZE_BILINEAR"]))
    size = [int(s) for s in rng.integers(1, 12, 2)]
    corners = int(rng.integers(0, 3))
    options = {"align_corners": corners == 1, "half_pixel_centers": corners == 2}
    shape = (node.shape[0], *size, node.shape[3])
    return d.op(kind, [node.index, d.builder.constant(size)], shape, node.quant, options)


def strided(d: FlatModel, node: Node) -> Node:
    rng = d.rng
    starts = [int(rng.integers(0, s)) for s in node.shape]
    stops = [int(rng.integers(a + 1, s + 1)) for a, s in zip(starts, node.shape, strict=True)]
    if rng.random() < 0.5:
        sizes = [stop - start for start, stop in zip(starts, stops, strict=True)]
        inputs = [node.index, d.builder.constant(starts), d.builder.constant(sizes)]
        return d.op("SLICE", inputs, tuple(sizes), node.quant)
    steps = [int(s) for s in rng.integers(1, 3, len(starts))]
    shape = tuple(-(-(b - a) // s) for a, b, s in zip(starts, stops, steps, strict=True))
    inputs = [node.index, *(d.builder.constant(v) for v in (starts, stops, steps))]
    return d.op("STRIDED_SLICE", inputs, shape, node.quant, {"begin_mask": 0, "end_mask": 0})


def reshape(d: FlatModel, node: Node) -> Node:
    shape = (node.shape[0], int(np.prod(node.shape[1:])))
    return d.op("RESHAPE", [node.index, d.builder.constant(list(shape))], shape, node.quant)


def sides_of_one(d: FlatModel, node: Node) -> Node:
    """EXPAND_DIMS, or SQUEEZE where there is a side of one."""
    rng, ones = d.rng, [i for i, side in enumerate(node.shape) if side == 1]
    if ones and (len(node.shape) > 3 or rng.random() < 0.5):
        gone = [i for i in ones if rng.random() < 0.7] or ones[:1]
        gone = gone[: len(node.shape) - 1]
        shape = tuple(side for i, side in enumerate(node.shape) if i not in gone)
        return d.op("SQUEEZE", [node.index], shape, node.quant, {"squeeze_dims": gone})
    if len(node.shape) > 3:
        return node
    axis = int(rng.integers(-1, len(node.shape) + 1))
    at = axis if axis >= 0 else len(node.shape)
    shape = (*node.shape[:at], 1, *node.shape[at:])
    return d.op("EXPAND_DIMS", [node.index, d.builder.constant([axis])], shape, node.quant)


def parted(d: FlatModel, node: Node) -> Node:
    """SPLIT or UNPACK, and the last part goes on."""
    rng, axis = d.rng, int(d.rng.integers(len(node.shape)))
    side = node.shape[axis]
    if rng.random() < 0.4 and len(node.shape) > 1:
        shape = (*node.shape[:axis], *node.shape[axis + 1 :])
        options = {"axis": axis, "num": side}
        parts = d.builder.op(
            "UNPACK", [node.index], shape, count=side, options=options, **node.quant
        )
        return Node(parts[-1], shape, **node.quant)
    count = int(rng.choice([n for n in range(1, side + 1) if side % n == 0]))
    shape = (*node.shape[:axis], side // count, *node.shape[axis + 1 :])
    inputs = [d.builder.constant(np.array(axis, np.int32)), node.index]
    options = {"num_splits": count}
    parts = d.builder.op("SPLIT", inputs, shape, count=count, options=options, **node.quant)
    return Node(parts[int(rng.integers(count))], shape, **node.quant)


def packed(d: FlatModel, node: Node) -> Node:
    axis = int(d.rng.integers(len(node.shape) + 1))
    shape = (*node.shape[:axis], 2, *node.shape[axis:])
    options = {"axis": axis, "values_count": 2}
    other = d.constant(node.shape, node.quant)
    return d.op("PACK", [other.index, node.index], shape, node.quant, options)


MAKERS: tuple[tuple[tuple[int, ...], Callable[[FlatModel, Node], Node]], ...] = (
    *[((4,), maker) for maker in (conv, conv, depthwise, pool, transpose_conv, resize)],
    *[((2, 3, 4), maker) for maker in (fully_connected, elementwise, table, transpose, pad)],
    *[((1, 2, 3, 4), maker) for maker in (add, concat)],
    *[((2, 3, 4), maker) for maker in (reduction, strided, reshape)],
    *[((1, 2, 3, 4), maker) for maker in (sides_of_one, parted)],
    ((1, 2, 3), packed),
    *[((3, 4), maker) for maker in (lstm, lstm)],
    *[((1, 2, 3, 4), maker) for maker in (lookup, log_softmax)],
)


def draw_flat(seed: int) -> bytes:
    """The random .tflite file number `seed`: one to four ops in a row."""
    model = FlatModel(seed)
    rng = model.rng
    sides = [int(s) for s in rng.integers(1, 9, 3)]
    node = model.add_input((int(rng.choice([1, 1, 1, 2, 3])), *sides))
    for _ in range(int(rng.integers(1, 5))):
        node = _grow(model, node)
    if node.index == 0:
        node = add(model, node)
    if rng.random() < 0.1:
        return _indexed(model, node)
    return model.builder.finish([node.index])


def _indexed(model: FlatModel, node: Node) -> bytes:
    """ARG_MAX as the last op, with the values that it looked at."""
    axis = int(model.rng.integers(len(node.shape)))
    shape = (*node.shape[:axis], *node.shape[axis + 1 :])
    inputs = [node.index, model.builder.constant([axis])]
    index = model.builder.op("ARG_MAX", inputs, shape, "int32")
    return model.builder.finish([index, node.index])


def _grow(model: FlatModel, node: Node) -> Node:
    makers = [maker for ranks, maker in MAKERS if len(node.shape) in ranks]
    made = makers[int(model.rng.integers(len(makers)))](model, node)
    return made if np.prod(made.shape) <= MOST_ELEMENTS else node
