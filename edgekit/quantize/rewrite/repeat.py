# SPDX-License-Identifier: Apache-2.0
"""Repeating by RESIZE_NEAREST_NEIGHBOR: Keras repeats with TILE, which TFLite Micro lacks."""

from __future__ import annotations

import math
from typing import Any

from edgekit.model.tf import tensorflow
from edgekit.quantize.rewrite.change import Change


def resized(layer: Any) -> Change | None:
    """For UpSampling1D to 3D (nearest) and RepeatVector with channels last."""
    kind = type(layer).__name__
    if getattr(layer, "data_format", "channels_last") == "channels_first":
        return None
    if kind == "UpSampling2D" and layer.interpolation != "nearest":
        return None
    calls = {"UpSampling1D": _one, "UpSampling2D": _two, "UpSampling3D": _three}
    if kind == "RepeatVector":
        return Change({"call": lambda x, *_, **__: _lines(x[:, None, :], layer.n)})
    if kind not in calls:
        return None
    return Change({"call": lambda x, *_, **__: calls[kind](x, layer.size)})


def _nearest(x: Any, height: int, width: int) -> Any:
    return tensorflow().compat.v1.image.resize_nearest_neighbor(x, (height, width))


def _lines(x: Any, times: int) -> Any:
    tf = tensorflow()
    _, steps, channels = x.shape
    grown = _nearest(tf.reshape(x, (-1, steps, 1, channels)), steps * times, 1)
    return tf.reshape(grown, (-1, steps * times, channels))


def _one(x: Any, size: Any) -> Any:
    return _lines(x, math.prod(size) if isinstance(size, (list, tuple)) else size)


def _two(x: Any, size: Any) -> Any:
    return _nearest(x, x.shape[1] * size[0], x.shape[2] * size[1])


def _three(x: Any, size: Any) -> Any:
    """First two axes with the rest as channels, then the third alone."""
    tf = tensorflow()
    _, depth, height, width, channels = x.shape
    deep, high, wide = depth * size[0], height * size[1], width * size[2]
    x = _nearest(tf.reshape(x, (-1, depth, height, width * channels)), deep, high)
    x = _nearest(tf.reshape(x, (-1, deep * high, width, channels)), deep * high, wide)
    return tf.reshape(x, (-1, deep, high, wide, channels))
