# SPDX-License-Identifier: Apache-2.0
"""Random options for each kind of step that has one source."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

ACTIVATIONS = [None, None, "relu", "relu", "relu6", "tanh", "sigmoid", "leaky_relu", "hard_swish"]
Shape = tuple[int, ...]
Draw = Callable[[np.random.Generator, Shape], dict[str, Any]]


def pick(rng: np.random.Generator, items: Any) -> Any:
    return items[int(rng.integers(len(items)))]


def _padding(rng: np.random.Generator) -> str:
    return str(pick(rng, ["same", "valid"]))


def _kernel(rng: np.random.Generator, shape: Shape, most: int = 4) -> list[int]:
    return [int(rng.integers(1, min(most, side) + 1)) for side in shape[:2]]


def _conv(rng: np.random.Generator, shape: Shape) -> dict[str, Any]:
    groups = int(pick(rng, [g for g in (1, 1, 1, 2, 3) if shape[2] % g == 0]))
    options = {
        "filters": groups * int(rng.integers(1, 11 // groups + 1)),
        "kernel_size": _kernel(rng, shape),
        "padding": _padding(rng),
        "groups": groups,
        "use_bias": bool(rng.random() < 0.8),
        "activation": pick(rng, ACTIVATIONS),
    }
    if rng.random() < 0.3 and min(shape[:2]) > 4:
        return options | {"kernel_size": [2, 3], "dilation_rate": [int(rng.integers(1, 3)), 2]}
    return options | {"strides": [int(s) for s in rng.integers(1, 4, 2)]}


def _depthwise(rng: np.random.Generator, shape: Shape) -> dict[str, Any]:
    options = {
        "kernel_size": _kernel(rng, shape),
        "padding": _padding(rng),
        "depth_multiplier": int(pick(rng, [1, 1, 2, 3])),
        "use_bias": bool(rng.random() < 0.8),
        "activation": pick(rng, ACTIVATIONS),
    }
    if rng.random() < 0.3 and min(shape[:2]) > 4:
        return options | {"kernel_size": [3, 2], "dilation_rate": [2, 2]}
    return options | {"strides": [int(rng.integers(1, 4))] * 2}


def _separable(rng: np.random.Generator, shape: Shape) -> dict[str, Any]:
    return {
        "filters": int(rng.integers(1, 10)),
        "kernel_size": _kernel(rng, shape, 3),
        "padding": _padding(rng),
        "activation": pick(rng, ACTIVATIONS),
    }


def _transposed(rng: np.random.Generator, shape: Shape) -> dict[str, Any]:
    return {
        "filters": int(rng.integers(1, 8)),
        "kernel_size": [int(k) for k in rng.integers(1, 5, 2)],
        "strides": [int(s) for s in rng.integers(1, 4, 2)],
        "padding": _padding(rng),
        "use_bias": bool(rng.random() < 0.6),
        "activation": pick(rng, [None, None, "relu", "relu6"]),
    }


def _conv1d(rng: np.random.Generator, shape: Shape) -> dict[str, Any]:
    return {
        "filters": int(rng.integers(1, 10)),
        "kernel_size": int(rng.integers(1, min(4, shape[0]) + 1)),
        "strides": int(rng.integers(1, 3)),
        "padding": _padding(rng),
        "activation": pick(rng, ACTIVATIONS),
    }


def _dense(rng: np.random.Generator, shape: Shape) -> dict[str, Any]:
    return {
        "units": int(rng.integers(1, 13)),
        "use_bias": bool(rng.random() < 0.8),
        "activation": pick(rng, ACTIVATIONS),
    }


def _pool(rng: np.random.Generator, shape: Shape) -> dict[str, Any]:
    strides = None if rng.random() < 0.3 else [int(s) for s in rng.integers(1, 4, 2)]
    return {"pool_size": _kernel(rng, shape, 5), "strides": strides, "padding": _padding(rng)}


def _pool1d(rng: np.random.Generator, shape: Shape) -> dict[str, Any]:
    return {"pool_size": int(rng.integers(1, min(3, shape[0]) + 1)), "padding": _padding(rng)}


def _keepdims(rng: np.random.Generator, shape: Shape) -> dict[str, Any]:
    return {"keepdims": bool(rng.random() < 0.4)}


def _relu(rng: np.random.Generator, shape: Shape) -> dict[str, Any]:
    return {"max_value": pick(rng, [None, 6.0, 6.0])}


def _prelu(rng: np.random.Generator, shape: Shape) -> dict[str, Any]:
    return {"shared_axes": [1, 2] if len(shape) == 3 and rng.random() < 0.7 else None}


def _activation(rng: np.random.Generator, shape: Shape) -> dict[str, Any]:
    plain = ["sigmoid", "tanh", "hard_swish", "relu", "relu6", "silu"]
    by_table = ["elu", "selu", "softplus", "mish", "softsign", "soft_shrink", "squareplus"]
    return {"activation": pick(rng, plain if rng.random() < 0.6 else by_table)}


def _lstm(rng: np.random.Generator, shape: Shape) -> dict[str, Any]:
    return {"units": int(rng.integers(1, 9)), "return_sequences": bool(rng.random() < 0.7)}


def _pads2d(rng: np.random.Generator, shape: Shape) -> dict[str, Any]:
    return {"padding": rng.integers(0, 3, (2, 2)).tolist()}


def _crop(rng: np.random.Generator, shape: Shape) -> dict[str, Any]:
    return {
        "cropping": [[int(rng.integers(0, max(side - 1, 1) // 2 + 1)), 0] for side in shape[:2]]
    }


def _upsample(rng: np.random.Generator, shape: Shape) -> dict[str, Any]:
    """Bilinear only: this layer's nearest neighbour becomes TILE, which TFLM does not have."""
    return {"size": [int(s) for s in rng.integers(1, 4, 2)], "interpolation": "bilinear"}


def _resizing(rng: np.random.Generator, shape: Shape) -> dict[str, Any]:
    height, width = (int(s) for s in rng.integers(1, 16, 2))
    how = pick(rng, ["nearest", "bilinear"])
    return {"height": height, "width": width, "interpolation": how}


def _resize(rng: np.random.Generator, shape: Shape) -> dict[str, Any]:
    corners = pick(rng, [(False, False), (True, False), (False, True)])
    return {
        "how": pick(rng, ["ResizeBilinear", "ResizeNearestNeighbor"]),
        "size": [int(s) for s in rng.integers(1, 14, 2)],
        "align_corners": corners[0],
        "half_pixels": corners[1],
    }


def _reshape(rng: np.random.Generator, shape: Shape) -> dict[str, Any]:
    count = int(np.prod(shape))
    divisors = [d for d in range(1, count + 1) if count % d == 0]
    first = int(pick(rng, divisors))
    rest = [d for d in range(1, count // first + 1) if (count // first) % d == 0]
    second = int(pick(rng, rest))
    target = [first, second, count // first // second]
    return {"target_shape": target if rng.random() < 0.7 else [first, count // first]}


def _permute(rng: np.random.Generator, shape: Shape) -> dict[str, Any]:
    return {"dims": [int(d) + 1 for d in rng.permutation(len(shape))]}


def _reduction(rng: np.random.Generator, shape: Shape) -> dict[str, Any]:
    axes = [i + 1 for i in range(len(shape)) if rng.random() < 0.5] or [len(shape)]
    if len(axes) == len(shape):
        axes = axes[1:] or axes
    how = pick(rng, ["mean", "mean", "sum", "max"])
    return {"how": how, "axes": axes, "keepdims": len(shape) == 1 or bool(rng.random() < 0.5)}


def _slices(rng: np.random.Generator, shape: Shape) -> dict[str, Any]:
    ranges = []
    for side in shape:
        start = int(rng.integers(0, (side + 1) // 2))
        ranges.append([start, int(rng.integers(start + 1, side + 1)), int(pick(rng, [1, 1, 2]))])
    return {"ranges": ranges}


def _pads(rng: np.random.Generator, shape: Shape) -> dict[str, Any]:
    value = float(pick(rng, [0.0, 0.5, -1.0]))
    return {"pads": rng.integers(0, 3, (len(shape), 2)).tolist(), "value": value}


def _parts(rng: np.random.Generator, shape: Shape) -> dict[str, Any]:
    axis = int(rng.integers(len(shape)))
    parts = [d for d in range(1, shape[axis] + 1) if shape[axis] % d == 0 and d < 6]
    return {"axis": axis + 1, "parts": int(parts[-1])}


def _axis(rng: np.random.Generator, shape: Shape) -> dict[str, Any]:
    return {"axis": int(rng.integers(len(shape))) + 1}


def _nothing(rng: np.random.Generator, shape: Shape) -> dict[str, Any]:
    return {}


# kind -> (ranks without batch, weight, options)
ONE: dict[str, tuple[tuple[int, ...], float, Draw]] = {
    "conv": ((3,), 4, _conv),
    "depthwise": ((3,), 3, _depthwise),
    "separable": ((3,), 1, _separable),
    "conv_transpose": ((3,), 1.5, _transposed),
    "conv1d": ((2,), 2, _conv1d),
    "dense": ((1, 2, 3), 1.5, _dense),
    "max_pool": ((3,), 1, _pool),
    "average_pool": ((3,), 1, _pool),
    "max_pool1d": ((2,), 0.7, _pool1d),
    "global_average": ((3,), 0.5, _keepdims),
    "global_max": ((3,), 0.5, _keepdims),
    "batch_norm": ((1, 2, 3), 1, _nothing),
    "leaky_relu": ((1, 2, 3), 0.7, _nothing),
    "prelu": ((1, 2, 3), 0.7, _prelu),
    "relu": ((1, 2, 3), 0.7, _relu),
    "activation": ((1, 2, 3), 1, _activation),
    "lstm": ((2,), 1, _lstm),
    "zero_pad": ((3,), 0.7, _pads2d),
    "crop": ((3,), 0.7, _crop),
    "upsample": ((3,), 0.5, _upsample),
    "resizing": ((3,), 0.6, _resizing),
    "resize": ((3,), 0.8, _resize),
    "reshape": ((1, 2, 3), 0.7, _reshape),
    "flatten": ((2, 3), 0.3, _nothing),
    "permute": ((2, 3), 1, _permute),
    "reduce": ((1, 2, 3), 1.2, _reduction),
    "slice": ((1, 2, 3), 1, _slices),
    "pad": ((1, 2, 3), 0.8, _pads),
    "split": ((1, 2, 3), 0.8, _parts),
    "unstack": ((2, 3), 0.6, _axis),
    "expand": ((1, 2), 0.5, _axis),
    "softmax": ((1, 2, 3), 0.6, _nothing),
    "squeeze_excite": ((3,), 0.8, lambda rng, shape: {"hidden": int(rng.integers(1, 6))}),
}
