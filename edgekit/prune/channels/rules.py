# SPDX-License-Identifier: Apache-2.0
"""What each kind of layer does with channels. A rule is a function of the trace and a call that
gives the channels of the output, or None where channels cannot be told apart behind it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from edgekit.prune.channels.trace import Call, Edit, Trace, positions_of

Rule = Callable[[Trace, Call], np.ndarray | None]

# Each value of the output depends on one value of the input channel alone.
_ONE_BY_ONE = {
    *("linear", "relu", "relu6", "leaky_relu", "elu", "selu", "celu", "gelu", "silu", "swish"),
    *("tanh", "sigmoid", "hard_sigmoid", "hard_silu", "hard_swish", "hard_tanh", "softplus"),
    *("softsign", "exponential", "mish", "log_sigmoid", "soft_shrink", "hard_shrink", "squareplus"),
    *("tanh_shrink", "threshold", "sparse_plus"),
}


def rule_for(layer: Any) -> Rule:
    """The rule of a layer's class or of the nearest Keras class that it derives from."""
    for cls in type(layer).__mro__:
        if cls.__module__.split(".")[0] != "keras":
            continue
        if ".ops." in cls.__module__:
            return _OPERATIONS.get(cls.__name__, _unknown)
        return RULES.get(cls.__name__, _unknown) if cls is type(layer) else _unknown
    return _unknown


def _unknown(trace: Trace, call: Call) -> np.ndarray | None:
    return None


def _channels_first(call: Call) -> bool:
    return getattr(call.layer, "data_format", None) == "channels_first"


def _finish(trace: Trace, call: Call, out: np.ndarray) -> np.ndarray:
    """Freeze what a layer makes where its own activation mixes channels, as softmax does."""
    name = getattr(getattr(call.layer, "activation", None), "__name__", "linear")
    if name not in _ONE_BY_ONE:
        trace.channels.freeze(out, f"activation '{name}' of '{call.path[-1]}' mixes channels")
    return out


def _dense(trace: Trace, call: Call) -> np.ndarray | None:
    if getattr(call.layer, "lora_enabled", False) or getattr(call.layer, "quantization_mode", None):
        return None
    return _make(trace, call, "units", 0, 1)


def _conv(trace: Trace, call: Call) -> np.ndarray | None:
    rank = len(call.shapes[0])
    if getattr(call.layer, "groups", 1) != 1 or _channels_first(call):
        return None
    if "Transpose" in call.kind:
        return _make(trace, call, "filters", rank - 1, rank - 2)
    return _make(trace, call, "filters", rank - 2, rank - 1)


def _make(trace: Trace, call: Call, key: str, source: int, target: int) -> np.ndarray:
    """A kernel whose axis `source` takes the input's channels and whose `target` makes new ones."""
    (given,) = call.inputs
    width = int(call.layer.kernel.shape[target])
    out = trace.channels.fresh(width)
    axes = {source: given, target: out}
    trace.part(call, "kernel", axes, made=target, positions=positions_of(call))
    trace.part(call, "bias", {0: out}, made=0)
    trace.edits.append(Edit(call.path, key, out))
    return _finish(trace, call, out)


def _depthwise(trace: Trace, call: Call) -> np.ndarray | None:
    if _channels_first(call):
        return None
    (given,) = call.inputs
    out = np.repeat(given, call.layer.depth_multiplier)
    axis = len(call.shapes[0]) - 2
    trace.part(call, "kernel", {axis: given}, positions=positions_of(call))
    trace.part(call, "bias", {0: out})
    return _finish(trace, call, out)


def _separable(trace: Trace, call: Call) -> np.ndarray | None:
    if _channels_first(call):
        return None
    (given,) = call.inputs
    rank = len(call.shapes[0])
    middle = np.repeat(given, call.layer.depth_multiplier)
    out = trace.channels.fresh(int(call.layer.pointwise_kernel.shape[-1]))
    places = positions_of(call)
    trace.part(call, "depthwise_kernel", {rank - 2: given}, positions=places)
    axes = {rank - 2: middle, rank - 1: out}
    trace.part(call, "pointwise_kernel", axes, made=rank - 1, positions=places)
    trace.part(call, "bias", {0: out}, made=0)
    trace.edits.append(Edit(call.path, "filters", out))
    return _finish(trace, call, out)


def _batch_norm(trace: Trace, call: Call) -> np.ndarray | None:
    axis = call.layer.axis
    if isinstance(axis, (list, tuple)):
        axis = axis[0]
    if axis not in (-1, len(call.shapes[0]) - 1):
        return None
    for name in ("gamma", "beta", "moving_mean", "moving_variance"):
        trace.part(call, name, {0: call.inputs[0]})
    return call.inputs[0]


def _prelu(trace: Trace, call: Call) -> np.ndarray | None:
    alpha = call.layer.alpha
    if alpha.shape[-1] == len(call.inputs[0]) and len(call.inputs[0]) > 1:
        trace.part(call, "alpha", {len(alpha.shape) - 1: call.inputs[0]})
    return call.inputs[0]


def _pass(trace: Trace, call: Call) -> np.ndarray | None:
    """One output channel from each input channel, and nothing to change."""
    if _channels_first(call) or len(call.inputs) != 1:
        return None
    return call.inputs[0] if call.out_shape[-1] == len(call.inputs[0]) else None


def _activation(trace: Trace, call: Call) -> np.ndarray | None:
    name = getattr(call.layer.activation, "__name__", "")
    return _pass(trace, call) if name in _ONE_BY_ONE else None


def _rescaling(trace: Trace, call: Call) -> np.ndarray | None:
    plain = np.ndim(call.layer.scale) == 0 and np.ndim(call.layer.offset) == 0
    return _pass(trace, call) if plain else None


def _permute(trace: Trace, call: Call) -> np.ndarray | None:
    return _pass(trace, call) if call.layer.dims[-1] == len(call.layer.dims) else None


def _merge(trace: Trace, call: Call) -> np.ndarray | None:
    """Values at equal places meet, so their channels stand or fall together."""
    if len({len(shape) for shape in call.shapes}) != 1:
        return None
    widest = max(call.inputs, key=len)
    for channels in call.inputs:
        if len(channels) == len(widest):
            trace.channels.join(widest, channels)
        elif len(channels) == 1:
            trace.channels.freeze(channels, f"'{call.path[-1]}' spreads it over all channels")
        else:
            return None
    return widest if len(widest) == call.out_shape[-1] else None


def _operator(trace: Trace, call: Call) -> np.ndarray | None:
    """`x + y`, `x * 2`: as the layers are, with plain numbers let through."""
    if len(call.inputs) > 1:
        return _merge(trace, call)
    values = [*call.node.arguments.args, *call.node.arguments.kwargs.values()]
    plain = all(np.ndim(v) == 0 for v in values if not hasattr(v, "_keras_history"))
    return _pass(trace, call) if plain else None


def _concatenate(trace: Trace, call: Call) -> np.ndarray | None:
    rank = len(call.out_shape)
    if call.layer.axis in (-1, rank - 1):
        return np.concatenate(call.inputs)
    return _merge(trace, call)


def _reshape(trace: Trace, call: Call) -> np.ndarray | None:
    """Followed where each value's channel can still be read from its place on the last axis."""
    inside, outside = call.shapes[0][1:], call.out_shape[1:]
    if _channels_first(call) or None in inside or None in outside or not outside:
        return None
    everywhere = np.broadcast_to(call.inputs[0], [side or 1 for side in inside])
    rows = everywhere.reshape(-1, int(outside[-1] or 1))
    if not (rows == rows[0]).all():
        return None
    target = getattr(call.layer, "target_shape", None)
    if target and target[-1] != -1:
        trace.edits.append(Edit(call.path, "target_shape", rows[0], -1))
    return rows[0]


_POOLS = [f"{kind}Pooling{n}D" for kind in ("Max", "Average") for n in (1, 2, 3)]
_GLOBAL = [f"Global{name}" for name in _POOLS]
_SPATIAL = [
    f"{kind}{n}D"
    for kind in ("ZeroPadding", "Cropping", "UpSampling", "SpatialDropout")
    for n in (1, 2, 3)
]
_NOISE = ["Dropout", "GaussianNoise", "GaussianDropout", "AlphaDropout", "ActivityRegularization"]

RULES: dict[str, Rule] = {
    "Dense": _dense,
    **{f"Conv{n}D": _conv for n in (1, 2, 3)},
    **{f"Conv{n}DTranspose": _conv for n in (1, 2, 3)},
    **{f"DepthwiseConv{n}D": _depthwise for n in (1, 2)},
    **{f"SeparableConv{n}D": _separable for n in (1, 2)},
    "BatchNormalization": _batch_norm,
    "PReLU": _prelu,
    "Activation": _activation,
    "Rescaling": _rescaling,
    "Permute": _permute,
    "Concatenate": _concatenate,
    "Flatten": _reshape,
    "Reshape": _reshape,
    **dict.fromkeys(("Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum"), _merge),
    **dict.fromkeys((*_POOLS, *_GLOBAL, *_SPATIAL, *_NOISE), _pass),
    **dict.fromkeys(("ReLU", "LeakyReLU", "ELU", "Identity", "RepeatVector"), _pass),
}

_OPERATIONS: dict[str, Rule] = {
    **dict.fromkeys(("Add", "Subtract", "Multiply", "Maximum", "Minimum"), _operator),
    **dict.fromkeys(("Relu", "Relu6", "Sigmoid", "Tanh", "Silu", "HardSigmoid"), _operator),
}
