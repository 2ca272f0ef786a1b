# SPDX-License-Identifier: Apache-2.0
"""Layer, RMS, group and unit normalization by L2_NORMALIZATION, which TFLite Micro has in int8.

(x - mean) / sqrt(var + eps) is sqrt(n) (x - mean) / |x - mean| for n values, but for eps. That op
divides by the length in 32 bits; variance and RSQRT as int8 tensors of their own would lose the
small ones.
"""

from __future__ import annotations

import math
from typing import Any

from edgekit.model.tf import tensorflow
from edgekit.quantize.rewrite.change import Change

# The converter takes the pattern for L2_NORMALIZATION below 1e-3; the int8 op has none at all.
EPSILON = 1e-6


def by_length(layer: Any) -> Change | None:
    makers = {
        "LayerNormalization": _layer,
        "RMSNormalization": _rms,
        "GroupNormalization": _group,
        "UnitNormalization": _unit,
    }
    maker = makers.get(type(layer).__name__)
    return maker(layer) if maker else None


def _is_last(layer: Any) -> bool:
    """Whether the layer normalizes over the last axis alone."""
    axis = layer.axis
    axes = list(axis) if isinstance(axis, (list, tuple)) else [axis]
    rank = layer.input_spec.ndim if getattr(layer.input_spec, "ndim", None) else None
    shape = getattr(layer, "_build_shapes_dict", None) or {}
    given = shape.get("input_shape") or (next(iter(shape.values()), None) if shape else None)
    rank = rank or (len(given) if given else None)
    return axes == [-1] or (rank is not None and axes == [rank - 1])


def _layer(layer: Any) -> Change | None:
    if not _is_last(layer):
        return None
    scale, offset = _array(layer.gamma), _array(layer.beta)
    centred = not getattr(layer, "rms_scaling", False)

    def call(inputs: Any, *_: Any, **__: Any) -> Any:
        return _normalized(inputs, centred, scale, offset)

    return Change({"call": call}, _remark(layer))


def _rms(layer: Any) -> Change | None:
    if not _is_last(layer):
        return None
    scale = _array(layer.scale)

    def call(inputs: Any, *_: Any, **__: Any) -> Any:
        return _normalized(inputs, False, scale, None)

    return Change({"call": call}, _remark(layer))


def _unit(layer: Any) -> Change | None:
    if not _is_last(layer):
        return None

    def call(inputs: Any, *_: Any, **__: Any) -> Any:
        return _unit_length(inputs)

    return Change({"call": call})


def _group(layer: Any) -> Change | None:
    """Groups of channels are brought behind the places, so that a group is one row."""
    if layer.axis not in (-1, getattr(layer.input_spec, "ndim", 0) - 1):
        return None
    scale, offset, groups = _array(layer.gamma), _array(layer.beta), layer.groups

    def call(inputs: Any, *_: Any, **__: Any) -> Any:
        tf = tensorflow()
        *places, channels = inputs.shape[1:]
        each, count = channels // groups, math.prod(places)
        x = tf.reshape(inputs, (-1, count, groups, each))
        x = tf.reshape(tf.transpose(x, (0, 2, 1, 3)), (-1, groups, count * each))
        x = _normalized(x, True, None, None)
        x = tf.transpose(tf.reshape(x, (-1, groups, count, each)), (0, 2, 1, 3))
        x = tf.reshape(x, (-1, *places, channels))
        x = x * scale if scale is not None else x
        return x + offset if offset is not None else x

    return Change({"call": call}, _remark(layer))


def _normalized(x: Any, centred: bool, scale: Any, offset: Any) -> Any:
    tf = tensorflow()
    values = x.shape[-1]
    if centred:
        x = x - tf.reduce_mean(x, axis=-1, keepdims=True)
    x = _unit_length(x) * math.sqrt(values) * (1.0 if scale is None else scale)
    return x if offset is None else x + offset


def _unit_length(x: Any) -> Any:
    """The converter knows this pattern, but where a subtraction stands right before it: that it
    fuses to SQUARED_DIFFERENCE. So it gets another shape in between, which costs nothing."""
    tf = tensorflow()
    rows = tf.reshape(x, (-1, 1, x.shape[-1]) if len(x.shape) == 2 else (-1, x.shape[-1]))
    rows = tf.math.l2_normalize(rows, axis=-1, epsilon=EPSILON)
    return tf.reshape(rows, (-1, *x.shape[1:]))


def _array(variable: Any) -> Any:
    """The value now, as a constant: inside a trace a variable has none."""
    return None if variable is None else variable.value.numpy()


def _remark(layer: Any) -> str:
    return (
        f"layer '{layer.name}' is computed by L2_NORMALIZATION, whose steps are 1/128 of a row's "
        "length"
    )
