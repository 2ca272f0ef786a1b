# SPDX-License-Identifier: Apache-2.0
"""The rest of layer_table's cases: what several layers make together."""

from __future__ import annotations

from typing import Any

from layer_cases import IMAGE, STEPS, VECTOR, Case, first


def several_inputs(layers: Any) -> tuple[Any, Any]:
    image, vector = layers.Input(IMAGE), layers.Input(VECTOR)
    pooled = layers.GlobalAveragePooling2D()(layers.Conv2D(6, 3)(image))
    return [image, vector], layers.Dense(3)(layers.Concatenate()([pooled, vector]))


def several_outputs(layers: Any) -> tuple[Any, Any]:
    x = layers.Input(IMAGE)
    y = layers.Flatten()(layers.Conv2D(4, 3, activation="relu")(x))
    return x, [layers.Dense(3, activation="softmax")(y), layers.Dense(1)(y)]


def shared(layers: Any) -> tuple[Any, Any]:
    left, right = layers.Input(VECTOR), layers.Input(VECTOR)
    twice = layers.Dense(6, activation="relu", name="shared")
    return [left, right], layers.Dense(2)(layers.Subtract()([twice(left), twice(right)]))


def nested(layers: Any) -> tuple[Any, Any]:
    import keras

    inner = keras.Sequential(
        [layers.Input(IMAGE), layers.Conv2D(4, 3, padding="same"), layers.ReLU()], name="inner"
    )
    x = layers.Input(IMAGE)
    return x, layers.Dense(3)(layers.Flatten()(inner(inner(x))))


def residuals(layers: Any) -> tuple[Any, Any]:
    x = layers.Input(IMAGE)
    y = layers.Conv2D(4, 3, padding="same", activation="relu")(x)
    for _ in range(4):
        branch = layers.Conv2D(4, 3, padding="same", use_bias=False)(y)
        branch = layers.BatchNormalization()(branch)
        y = layers.ReLU()(layers.Add()([y, branch]))
    return x, layers.Dense(3)(layers.GlobalAveragePooling2D()(y))


def wide_and_narrow(layers: Any) -> tuple[Any, Any]:
    """Two branches whose ranges differ a hundredfold, joined and scaled together again."""
    x = layers.Input(IMAGE)
    large = layers.Rescaling(20.0)(layers.Conv2D(4, 3)(x))
    small = layers.Conv2D(4, 3, activation="sigmoid")(x)
    y = layers.Concatenate()([large, small])
    return x, layers.Conv2D(3, 1)(y)


def squeeze_and_excite(layers: Any) -> tuple[Any, Any]:
    x = layers.Input(IMAGE)
    y = layers.Conv2D(8, 3, activation="relu")(x)
    gate = layers.GlobalAveragePooling2D(keepdims=True)(y)
    gate = layers.Conv2D(8, 1, activation="hard_sigmoid")(layers.Conv2D(2, 1)(gate))
    return x, layers.Multiply()([y, gate])


def inverted_residual(layers: Any) -> tuple[Any, Any]:
    x = layers.Input(IMAGE)
    y = layers.Conv2D(16, 1, use_bias=False)(x)
    y = layers.ReLU(6.0)(layers.BatchNormalization()(y))
    y = layers.DepthwiseConv2D(3, padding="same", use_bias=False)(y)
    y = layers.ReLU(6.0)(layers.BatchNormalization()(y))
    y = layers.BatchNormalization()(layers.Conv2D(4, 1, use_bias=False)(y))
    return x, layers.Add()([x, y])


def encoder(layers: Any) -> tuple[Any, Any]:
    """A transformer's block with BatchNormalization in the place of LayerNormalization."""
    x = layers.Input(STEPS)
    y = layers.Add()([x, layers.MultiHeadAttention(num_heads=2, key_dim=4)(x, x)])
    y = layers.BatchNormalization()(y)
    z = layers.Dense(8)(layers.Dense(16, activation="gelu")(y))
    return x, layers.Dense(3)(layers.GlobalAveragePooling1D()(layers.Add()([y, z])))


def transformer(layers: Any) -> tuple[Any, Any]:
    x = layers.Input(STEPS)
    y = layers.Add()([x, layers.MultiHeadAttention(num_heads=2, key_dim=4)(x, x)])
    y = layers.LayerNormalization(name="norm")(y)
    z = layers.Dense(8)(layers.Dense(16, activation="relu")(y))
    return x, layers.Dense(3)(layers.GlobalAveragePooling1D()(layers.Add()([y, z])))


def hourglass(layers: Any) -> tuple[Any, Any]:
    """An encoder and decoder with a path around, as for segmentation."""
    x = layers.Input(IMAGE)
    top = layers.Conv2D(4, 3, padding="same", activation="relu")(x)
    low = layers.Conv2D(8, 3, padding="same", activation="relu")(layers.MaxPooling2D()(top))
    up = layers.Concatenate()([layers.UpSampling2D()(low), top])
    return x, layers.Conv2D(2, 1, activation="softmax")(up)


def recurrent_chain(layers: Any) -> tuple[Any, Any]:
    x = layers.Input(STEPS)
    y = layers.GRU(5, return_sequences=True)(first(layers, x))
    return x, layers.Dense(3, activation="softmax")(layers.LSTM(4)(y))


GRAPHS: dict[str, Case] = {
    "several inputs": several_inputs,
    "several outputs": several_outputs,
    "a layer used twice": shared,
    "a model in a model, used twice": nested,
    "a chain of residuals": residuals,
    "Concatenate of ranges 100 : 1": wide_and_narrow,
    "squeeze and excite": squeeze_and_excite,
    "inverted residual": inverted_residual,
    "attention block with BatchNormalization and gelu": encoder,
    "attention block with LayerNormalization": transformer,
    "hourglass with nearest upsampling": hourglass,
    "GRU before LSTM": recurrent_chain,
}
