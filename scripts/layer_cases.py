# SPDX-License-Identifier: Apache-2.0
"""The small models of layer_table: each Keras layer, and shapes of graphs that are hard to convert.

A case is a name and a function of `keras.layers` that gives (inputs, outputs) of a model.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Case = Callable[[Any], tuple[Any, Any]]
IMAGE, STEPS, VECTOR, VOLUME = (8, 8, 4), (6, 8), (12,), (4, 6, 6, 2)


def one(kind: str, shape: tuple[int, ...], *arguments: Any, **options: Any) -> Case:
    """Model of one layer between a convolution (or dense layer) and the output."""

    def case(layers: Any) -> tuple[Any, Any]:
        x = layers.Input(shape)
        return x, getattr(layers, kind)(*arguments, name="tried", **options)(first(layers, x))

    return case


def alone(kind: str, shape: tuple[int, ...], *arguments: Any, **options: Any) -> Case:
    """Model of one layer."""

    def case(layers: Any) -> tuple[Any, Any]:
        x = layers.Input(shape)
        return x, getattr(layers, kind)(*arguments, name="tried", **options)(x)

    return case


def first(layers: Any, x: Any) -> Any:
    """`x` behind a layer with weights, so that what follows has ranges that were calibrated."""
    rank = len(x.shape) - 1
    if rank == 3:
        return layers.Conv2D(x.shape[-1], 3, padding="same", name="before")(x)
    if rank == 2:
        return layers.Conv1D(x.shape[-1], 3, padding="same", name="before")(x)
    return layers.Dense(x.shape[-1], name="before")(x) if rank == 1 else x


def activation(name: str) -> Case:
    return one("Activation", IMAGE, name)


def merged(kind: str, **options: Any) -> Case:
    def case(layers: Any) -> tuple[Any, Any]:
        x = layers.Input(IMAGE)
        other = layers.Conv2D(4, 1, activation="relu", name="other")(x)
        return x, getattr(layers, kind)(name="tried", **options)([first(layers, x), other])

    return case


def dotted(layers: Any) -> tuple[Any, Any]:
    a, b = layers.Input(STEPS), layers.Input(STEPS)
    return [a, b], layers.Dot(axes=2, name="tried")([first(layers, a), b])


def attended(kind: str, **options: Any) -> Case:
    def case(layers: Any) -> tuple[Any, Any]:
        x = layers.Input(STEPS)
        y = first(layers, x)
        return x, getattr(layers, kind)(name="tried", **options)([y, y])

    return case


def heads(kind: str, **options: Any) -> Case:
    def case(layers: Any) -> tuple[Any, Any]:
        x = layers.Input(STEPS)
        y = first(layers, x)
        return x, getattr(layers, kind)(name="tried", **options)(y, y)

    return case


def wrapped(outer: str, inner: str, shape: tuple[int, ...], *inside: Any, **options: Any) -> Case:
    """Layer `outer` around layer `inner`."""

    def case(layers: Any) -> tuple[Any, Any]:
        x = layers.Input(shape)
        part = getattr(layers, inner)(*inside, **options)
        return x, getattr(layers, outer)(part, name="tried")(x)

    return case


def embedded(layers: Any) -> tuple[Any, Any]:
    x = layers.Input((6,), dtype="int32")
    y = layers.Embedding(20, 8, name="tried")(x)
    return x, layers.Dense(3)(layers.Flatten()(y))


def normalized(layers: Any) -> tuple[Any, Any]:
    x = layers.Input(IMAGE)
    y = layers.Conv2D(4, 3, name="before")(x)
    return x, layers.ReLU()(layers.BatchNormalization(name="tried")(y))


_ACTIVATIONS = (
    "celu elu exponential gelu glu hard_shrink hard_sigmoid hard_silu hard_tanh leaky_relu"
    " log_sigmoid log_softmax mish relu6 selu sigmoid silu soft_shrink softmax softplus softsign"
    " sparse_plus sparse_sigmoid sparsemax squareplus tanh tanh_shrink"
)
LAYERS: dict[str, dict[str, Case]] = {
    "Core": {
        "Dense": one("Dense", VECTOR, 5),
        "Dense on sequences": one("Dense", STEPS, 5),
        "EinsumDense": one("EinsumDense", STEPS, "abc,cd->abd", output_shape=(6, 5)),
        "Embedding": embedded,
        "Masking": one("Masking", STEPS),
        "Identity": one("Identity", IMAGE),
    },
    "Convolution": {
        "Conv1D": one("Conv1D", STEPS, 5, 3),
        "Conv1D, causal": one("Conv1D", STEPS, 5, 3, padding="causal"),
        "Conv1D, dilated": one("Conv1D", STEPS, 5, 3, dilation_rate=2),
        "Conv1D, grouped": one("Conv1D", STEPS, 4, 3, groups=2),
        "Conv2D": one("Conv2D", IMAGE, 5, 3),
        "Conv2D, dilated": one("Conv2D", IMAGE, 5, 3, dilation_rate=2),
        "Conv2D, grouped": one("Conv2D", IMAGE, 6, 3, groups=2),
        "Conv3D": one("Conv3D", VOLUME, 3, 2),
        "DepthwiseConv1D": one("DepthwiseConv1D", STEPS, 3),
        "DepthwiseConv2D": one("DepthwiseConv2D", IMAGE, 3, depth_multiplier=2),
        "DepthwiseConv2D, dilated": one("DepthwiseConv2D", IMAGE, 3, dilation_rate=2),
        "SeparableConv1D": one("SeparableConv1D", STEPS, 5, 3),
        "SeparableConv2D": one("SeparableConv2D", IMAGE, 5, 3),
        "Conv1DTranspose": one("Conv1DTranspose", STEPS, 5, 3, strides=2),
        "Conv2DTranspose": one("Conv2DTranspose", IMAGE, 5, 3, strides=2),
        "Conv2DTranspose, dilated": one("Conv2DTranspose", IMAGE, 5, 3, dilation_rate=2),
        "Conv3DTranspose": one("Conv3DTranspose", VOLUME, 3, 2),
    },
    "Pooling": {
        **{
            f"{how}Pooling{rank}D": one(f"{how}Pooling{rank}D", shape)
            for how in ("GlobalMax", "GlobalAverage")
            for rank, shape in ((1, STEPS), (2, IMAGE), (3, VOLUME))
        },
        **{
            f"{how}Pooling{rank}D": one(f"{how}Pooling{rank}D", shape, 2)
            for how in ("Max", "Average")
            for rank, shape in ((1, STEPS), (2, IMAGE), (3, VOLUME))
        },
    },
    "Recurrent": {
        "LSTM": alone("LSTM", STEPS, 5),
        "LSTM, return_sequences": alone("LSTM", STEPS, 5, return_sequences=True),
        "LSTM, unroll=True": alone("LSTM", STEPS, 5, unroll=True),
        "GRU": alone("GRU", STEPS, 5),
        "GRU, reset_after=False": alone("GRU", STEPS, 5, reset_after=False),
        "GRU, unroll=True": alone("GRU", STEPS, 5, unroll=True),
        "SimpleRNN": alone("SimpleRNN", STEPS, 5),
        "SimpleRNN, unroll=True": alone("SimpleRNN", STEPS, 5, unroll=True),
        "Bidirectional(LSTM)": wrapped("Bidirectional", "LSTM", STEPS, 5),
        "Bidirectional(GRU, unroll=True)": wrapped("Bidirectional", "GRU", STEPS, 5, unroll=True),
        "TimeDistributed(Dense)": wrapped("TimeDistributed", "Dense", STEPS, 5),
        "ConvLSTM1D": alone("ConvLSTM1D", (4, 6, 3), 4, 3),
        "ConvLSTM2D": alone("ConvLSTM2D", VOLUME, 4, 3),
    },
    "Normalization": {
        "BatchNormalization behind a convolution": normalized,
        "BatchNormalization": alone("BatchNormalization", IMAGE),
        "LayerNormalization": one("LayerNormalization", STEPS),
        "RMSNormalization": one("RMSNormalization", STEPS),
        "GroupNormalization": one("GroupNormalization", IMAGE, groups=2),
        "UnitNormalization": one("UnitNormalization", STEPS),
        "SpectralNormalization(Dense)": wrapped("SpectralNormalization", "Dense", VECTOR, 5),
    },
    "Regularization": {
        "Dropout": one("Dropout", IMAGE, 0.3),
        "SpatialDropout2D": one("SpatialDropout2D", IMAGE, 0.3),
        "GaussianNoise": one("GaussianNoise", IMAGE, 0.3),
        "ActivityRegularization": one("ActivityRegularization", IMAGE),
    },
    "Attention": {
        "Attention": attended("Attention"),
        "AdditiveAttention": attended("AdditiveAttention"),
        "MultiHeadAttention": heads("MultiHeadAttention", num_heads=2, key_dim=4),
        "GroupQueryAttention": heads(
            "GroupQueryAttention", head_dim=4, num_query_heads=2, num_key_value_heads=1
        ),
    },
    "Shape": {
        "Flatten": one("Flatten", IMAGE),
        "Reshape": one("Reshape", IMAGE, (16, 16)),
        "Permute": one("Permute", IMAGE, (3, 1, 2)),
        "RepeatVector": one("RepeatVector", VECTOR, 3),
        "Cropping1D": one("Cropping1D", STEPS),
        "Cropping2D": one("Cropping2D", IMAGE),
        "Cropping3D": one("Cropping3D", VOLUME),
        "UpSampling1D": one("UpSampling1D", STEPS),
        "UpSampling2D": one("UpSampling2D", IMAGE, (2, 3)),
        "UpSampling2D, bilinear": one("UpSampling2D", IMAGE, interpolation="bilinear"),
        "UpSampling3D": one("UpSampling3D", VOLUME),
        "ZeroPadding1D": one("ZeroPadding1D", STEPS),
        "ZeroPadding2D": one("ZeroPadding2D", IMAGE),
        "ZeroPadding3D": one("ZeroPadding3D", VOLUME),
    },
    "Merging": {
        **{
            kind: merged(kind)
            for kind in ("Add", "Average", "Concatenate", "Maximum", "Minimum", "Multiply")
        },
        "Subtract": merged("Subtract"),
        "Dot": dotted,
    },
    "Activation": {
        "ReLU": one("ReLU", IMAGE),
        "ReLU, max_value=6": one("ReLU", IMAGE, max_value=6.0),
        "ReLU, negative_slope and threshold": one("ReLU", IMAGE, negative_slope=0.1, threshold=0.2),
        "LeakyReLU": one("LeakyReLU", IMAGE),
        "PReLU": one("PReLU", IMAGE, shared_axes=(1, 2)),
        "ELU": one("ELU", IMAGE),
        "Softmax": one("Softmax", VECTOR),
        **{name: activation(name) for name in _ACTIVATIONS.split()},
    },
    "Preprocessing": {
        "Rescaling": alone("Rescaling", IMAGE, 1 / 255),
        "Normalization": alone("Normalization", IMAGE, mean=0.4, variance=0.04),
        "Resizing, nearest": one("Resizing", IMAGE, 5, 7, interpolation="nearest"),
        "Resizing, bilinear": one("Resizing", IMAGE, 5, 7),
        "Resizing, bicubic": one("Resizing", IMAGE, 5, 7, interpolation="bicubic"),
        "CenterCrop": one("CenterCrop", IMAGE, 4, 4),
    },
}
