# SPDX-License-Identifier: Apache-2.0
"""Networks of common shapes, small enough for a microcontroller, with random weights."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def _layers() -> Any:
    import keras

    return keras.layers


def _model(inputs: Any, outputs: Any) -> Any:
    import keras

    return keras.Model(inputs, outputs)


def _normed(x: Any, most: float | None = None) -> Any:
    layers = _layers()
    return layers.ReLU(most)(layers.BatchNormalization()(x))


def mobilenet_v2() -> Any:
    """Inverted residuals with ReLU6 and sums: Sandler et al. (2018), a quarter as wide."""
    layers = _layers()

    def block(x: Any, channels: int, stride: int, growth: int) -> Any:
        start, wide = x, x.shape[-1] * growth
        x = _normed(layers.Conv2D(wide, 1, use_bias=False)(x), 6.0)
        x = _normed(layers.DepthwiseConv2D(3, stride, "same", use_bias=False)(x), 6.0)
        x = layers.BatchNormalization()(layers.Conv2D(channels, 1, use_bias=False)(x))
        same = stride == 1 and start.shape[-1] == channels
        return layers.Add()([start, x]) if same else x

    inputs = layers.Input((96, 96, 3))
    x = _normed(layers.Conv2D(16, 3, 2, "same", use_bias=False)(inputs), 6.0)
    stages = ((8, 1, 1), (12, 2, 2), (16, 2, 3), (32, 2, 3), (48, 1, 2), (80, 2, 2))
    for channels, stride, count in stages:
        for place in range(count):
            x = block(x, channels, 1 if place else stride, 1 if channels == 8 else 6)
    x = _normed(layers.Conv2D(160, 1, use_bias=False)(x), 6.0)
    x = layers.GlobalAveragePooling2D()(x)
    return _model(inputs, layers.Dense(10, activation="softmax")(x))


def separable_5x5() -> Any:
    """Depthwise separable convolutions of 5x5, from one channel."""
    layers = _layers()
    inputs = layers.Input((64, 64, 1))
    x = _normed(layers.Conv2D(24, 5, 2, "same", use_bias=False)(inputs))
    for channels, stride in ((32, 1), (48, 2), (48, 1), (64, 2)):
        x = _normed(layers.DepthwiseConv2D(5, stride, "same", use_bias=False)(x))
        x = _normed(layers.Conv2D(channels, 1, use_bias=False)(x))
    x = layers.GlobalAveragePooling2D()(x)
    return _model(inputs, layers.Dense(12, activation="softmax")(x))


def activity_1d() -> Any:
    """Convolutions along time, as for movement sensors of nine axes."""
    layers = _layers()
    inputs = x = layers.Input((128, 9))
    for channels in (32, 48, 64):
        x = layers.Conv1D(channels, 5, padding="same", activation="relu")(x)
        x = layers.MaxPooling1D(2)(x)
    x = layers.Dense(64, activation="relu")(layers.Flatten()(x))
    return _model(inputs, layers.Dense(6, activation="softmax")(x))


def squeezenet() -> Any:
    """Fire modules with concatenations: Iandola et al. (2016), smaller."""
    layers = _layers()
    inputs = layers.Input((48, 48, 3))
    x = layers.MaxPooling2D(2)(layers.Conv2D(32, 3, 2, "same", activation="relu")(inputs))
    for squeeze, expand in ((8, 24), (8, 32), (12, 40)):
        x = layers.Conv2D(squeeze, 1, activation="relu")(x)
        one = layers.Conv2D(expand, 1, activation="relu")(x)
        three = layers.Conv2D(expand, 3, padding="same", activation="relu")(x)
        x = layers.Concatenate()([one, three])
    x = layers.GlobalAveragePooling2D()(layers.Conv2D(10, 1)(x))
    return _model(inputs, layers.Softmax()(x))


def lenet() -> Any:
    """LeCun et al. (1998), with max pools and ReLU."""
    layers = _layers()
    inputs = layers.Input((28, 28, 1))
    x = layers.MaxPooling2D(2)(layers.Conv2D(6, 5, activation="relu")(inputs))
    x = layers.MaxPooling2D(2)(layers.Conv2D(16, 5, activation="relu")(x))
    x = layers.Dense(120, activation="relu")(layers.Flatten()(x))
    x = layers.Dense(84, activation="relu")(x)
    return _model(inputs, layers.Dense(10, activation="softmax")(x))


def unet() -> Any:
    """Down and up again: a transposed convolution, a resize, two concatenations."""
    layers = _layers()

    def wide(x: Any, channels: int) -> Any:
        return layers.Conv2D(channels, 3, padding="same", activation="relu")(x)

    inputs = layers.Input((32, 32, 3))
    first = wide(inputs, 16)
    second = wide(layers.MaxPooling2D(2)(first), 32)
    x = wide(layers.MaxPooling2D(2)(second), 48)
    x = layers.Conv2DTranspose(32, 2, 2, padding="same")(x)
    x = wide(layers.Concatenate()([x, second]), 32)
    x = layers.UpSampling2D(2, interpolation="bilinear")(x)
    x = wide(layers.Concatenate()([x, first]), 16)
    return _model(inputs, layers.Conv2D(2, 1, activation="sigmoid")(x))


def tcn() -> Any:
    """Dilated causal convolutions along time with residuals: Bai et al. (2018)."""
    layers = _layers()
    inputs = x = layers.Input((64, 16))
    for dilation in (1, 2, 4, 8):
        options = {"padding": "causal", "dilation_rate": dilation}
        y = layers.Conv1D(24, 3, activation="relu", **options)(x)
        y = layers.Conv1D(24, 3, **options)(y)
        x = x if x.shape[-1] == 24 else layers.Conv1D(24, 1)(x)
        x = layers.ReLU()(layers.Add()([x, y]))
    x = layers.GlobalAveragePooling1D()(x)
    return _model(inputs, layers.Dense(4, activation="softmax")(x))


def grouped() -> Any:
    """Convolutions in four groups, each with a 1x1 one behind it."""
    layers = _layers()
    inputs = x = layers.Input((32, 32, 8))
    for channels, stride in ((32, 1), (48, 2), (64, 2)):
        x = layers.Conv2D(channels, 3, stride, "same", groups=4, activation="relu")(x)
        x = layers.Conv2D(channels, 1, activation="relu")(x)
    return _model(inputs, layers.Dense(10)(layers.GlobalAveragePooling2D()(x)))


def vgg() -> Any:
    """3x3 convolutions, every second one with stride 2, and two dense layers."""
    layers = _layers()
    inputs = x = layers.Input((40, 40, 1))
    for channels in (16, 32, 48):
        x = layers.Conv2D(channels, 3, padding="same", activation="relu")(x)
        x = layers.Conv2D(channels, 3, strides=2, padding="same", activation="relu")(x)
    x = layers.Dense(64, activation="relu")(layers.Flatten()(x))
    return _model(inputs, layers.Dense(5, activation="softmax")(x))


NETWORKS: dict[str, Callable[[], Any]] = {
    function.__name__: function
    for function in (
        *(mobilenet_v2, separable_5x5, activity_1d, squeezenet, lenet),
        *(unet, tcn, grouped, vgg),
    )
}
