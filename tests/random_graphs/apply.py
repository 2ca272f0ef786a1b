# SPDX-License-Identifier: Apache-2.0
"""What each kind of step does to Keras tensors. Imports Keras inside functions only."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tests.random_graphs.spec import Spec, Step

LAYERS = {
    "conv": "Conv2D",
    "depthwise": "DepthwiseConv2D",
    "separable": "SeparableConv2D",
    "conv_transpose": "Conv2DTranspose",
    "conv1d": "Conv1D",
    "dense": "Dense",
    "max_pool": "MaxPooling2D",
    "average_pool": "AveragePooling2D",
    "max_pool1d": "MaxPooling1D",
    "global_average": "GlobalAveragePooling2D",
    "global_max": "GlobalMaxPooling2D",
    "batch_norm": "BatchNormalization",
    "leaky_relu": "LeakyReLU",
    "prelu": "PReLU",
    "relu": "ReLU",
    "activation": "Activation",
    "zero_pad": "ZeroPadding2D",
    "crop": "Cropping2D",
    "upsample": "UpSampling2D",
    "resizing": "Resizing",
    "reshape": "Reshape",
    "flatten": "Flatten",
    "lstm": "LSTM",
    "permute": "Permute",
}
MERGES = ("add", "subtract", "multiply", "maximum", "minimum")


def _merge(kind: str) -> Callable[..., Any]:
    def run(values: list[Any], options: dict[str, Any]) -> Any:
        from keras import ops

        other = values[1] if len(values) > 1 else np.array(options["constant"], np.float32)
        pair = (other, values[0]) if options.get("swap") else (values[0], other)
        return getattr(ops, kind)(*pair)

    return run


def _reduce(values: list[Any], options: dict[str, Any]) -> Any:
    from keras import ops

    reduce = getattr(ops, options["how"])
    return reduce(values[0], axis=tuple(options["axes"]), keepdims=options["keepdims"])


def _slice(values: list[Any], options: dict[str, Any]) -> Any:
    steps = tuple(slice(start, stop, step) for start, stop, step in options["ranges"])
    return values[0][(slice(None), *steps)]


def _pad(values: list[Any], options: dict[str, Any]) -> Any:
    from keras import ops

    return ops.pad(values[0], [(0, 0), *options["pads"]], constant_values=options["value"])


def _concat(values: list[Any], options: dict[str, Any]) -> Any:
    from keras import ops

    return ops.concatenate(values, axis=options["axis"])


def _stack(values: list[Any], options: dict[str, Any]) -> Any:
    from keras import ops

    return ops.stack(values, axis=options["axis"])


def _split(values: list[Any], options: dict[str, Any]) -> Any:
    from keras import ops

    parts = ops.split(values[0], options["parts"], axis=options["axis"])
    return ops.concatenate(parts[::-1], axis=options["axis"])


def _unstack(values: list[Any], options: dict[str, Any]) -> Any:
    from keras import ops

    parts = ops.unstack(values[0], axis=options["axis"])
    return parts[0] if len(parts) == 1 else ops.maximum(parts[0], parts[-1])


def _expand(values: list[Any], options: dict[str, Any]) -> Any:
    from keras import ops

    return ops.expand_dims(values[0], options["axis"])


def _squeeze(values: list[Any], options: dict[str, Any]) -> Any:
    from keras import ops

    return ops.squeeze(values[0], options["axis"])


def _softmax(values: list[Any], options: dict[str, Any]) -> Any:
    from keras import ops

    return ops.softmax(values[0], axis=-1)


def _argmax(values: list[Any], options: dict[str, Any]) -> Any:
    """TensorFlow's own: that of keras.ops minds the sign of zero with ops that stay float."""
    import keras
    import tensorflow as tf

    class ArgMax(keras.Layer):
        def call(self, x: Any) -> Any:
            return tf.argmax(x, options["axis"], output_type=tf.int32)

    return ArgMax()(values[0])


def _resize(values: list[Any], options: dict[str, Any]) -> Any:
    """TensorFlow's own, with the corner options that keras.layers.Resizing does not have."""
    import keras
    import tensorflow as tf

    class Resize(keras.Layer):
        def call(self, x: Any) -> Any:
            return getattr(tf.raw_ops, options["how"])(
                images=x,
                size=options["size"],
                align_corners=options["align_corners"],
                half_pixel_centers=options["half_pixels"],
            )

    return Resize()(values[0])


def _squeeze_excite(values: list[Any], options: dict[str, Any]) -> Any:
    """A gate per channel: what MobileNetV3 and EfficientNet put into their blocks."""
    from keras import layers

    squeezed = layers.GlobalAveragePooling2D(keepdims=True)(values[0])
    hidden = layers.Conv2D(options["hidden"], 1, activation="relu")(squeezed)
    gate = layers.Conv2D(values[0].shape[-1], 1, activation="sigmoid")(hidden)
    return values[0] * gate


FUNCTIONS: dict[str, Callable[[list[Any], dict[str, Any]], Any]] = {
    "reduce": _reduce,
    "slice": _slice,
    "pad": _pad,
    "concat": _concat,
    "stack": _stack,
    "split": _split,
    "unstack": _unstack,
    "expand": _expand,
    "squeeze": _squeeze,
    "softmax": _softmax,
    "argmax": _argmax,
    "resize": _resize,
    "squeeze_excite": _squeeze_excite,
} | {kind: _merge(kind) for kind in MERGES}


def apply(step: Step, values: list[Any]) -> Any:
    """The Keras tensor that `step` makes of `values`."""
    if step.kind in FUNCTIONS:
        return FUNCTIONS[step.kind](values, step.options)
    from keras import layers

    return getattr(layers, LAYERS[step.kind])(**step.options)(values[0])


def build(spec: Spec) -> Any:
    """The Keras model, its weights drawn from the spec's seed."""
    import keras

    keras.backend.clear_session()
    keras.utils.set_random_seed(spec.seed)
    inputs = [
        keras.Input(shape, batch_size=1, name=f"in{i}") for i, shape in enumerate(spec.inputs)
    ]
    values: list[Any] = list(inputs)
    for step in spec.steps:
        values.append(apply(step, [values[s] for s in step.sources]))
    model = keras.Model(inputs, [values[i] for i in spec.outputs], name="random")
    _draw_weights(model, np.random.default_rng(spec.seed))
    return model


def _draw_weights(model: Any, rng: np.random.Generator) -> None:
    """Weights whose size differs by channel, so that per-channel scales do."""
    for variable in model.weights:
        shape = tuple(variable.shape)
        if variable.path.endswith(("moving_variance", "gamma")):
            variable.assign(rng.uniform(0.5, 1.5, shape))
            continue
        if len(shape) < 2 or variable.path.endswith("alpha"):
            variable.assign(rng.normal(0.0, 0.3, shape))
            continue
        spread = np.exp(rng.normal(0.0, 0.7, shape[-1]))
        fan_in = max(int(np.prod(shape[:-1])), 1)
        variable.assign(rng.normal(0.0, 1.0, shape) * spread / np.sqrt(fan_in))
