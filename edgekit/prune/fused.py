# SPDX-License-Identifier: Apache-2.0
"""Batch normalization in one kernel while training.

Keras 3 composes the training step of BatchNormalization of a dozen elementwise operations, which
on two cores is a third of a step of ResNet8; TensorFlow has one kernel for all of it. Statistics
and outputs are the same, to float error.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

from edgekit.model.tf import keras, tensorflow
from edgekit.prune.targets import inner_layers

LEAST_EPSILON = 1.001e-5  # TensorFlow's kernel raises smaller ones to this


@contextlib.contextmanager
def fused_batch_norm(model: Any) -> Iterator[int]:
    """Inside the block training steps of images' batch norms run fused; yields how many do.

    Left as they are: layers of other ranks or axes, of other types than float32, without scale or
    shift, with a tiny epsilon, with synchronized or renormalized statistics. Inference is Keras's
    own everywhere.
    """
    layers = {id(layer): layer for layer in inner_layers(model) if _serves(layer)}.values()
    for layer in layers:
        layer.call = _fused_call(layer)
    try:
        yield len(layers)
    finally:
        for layer in layers:
            del layer.call


def _serves(layer: Any) -> bool:
    return (
        type(layer) is keras().layers.BatchNormalization
        and layer.built
        and layer.input_spec.ndim == 4
        and layer.axis in (-1, 3)
        and layer.compute_dtype == "float32"
        and layer.scale
        and layer.center
        and layer.epsilon > LEAST_EPSILON
        and not layer.synchronized
        and not getattr(layer, "renorm", False)
        and "call" not in vars(layer)
    )


def _fused_call(layer: Any) -> Callable[..., Any]:
    tf = tensorflow()
    own = layer.call

    def call(inputs: Any, training: Any = None, mask: Any = None) -> Any:
        if not training or not layer.trainable or mask is not None:
            return own(inputs, training=training, mask=mask)
        outputs, mean, variance = tf.compat.v1.nn.fused_batch_norm(
            inputs, layer.gamma.value, layer.beta.value, epsilon=layer.epsilon, is_training=True
        )
        values = tf.cast(tf.size(inputs) // tf.shape(inputs)[-1], tf.float32)
        # The kernel's variance is that of a sample, n - 1; Keras's is of the batch itself.
        for moving, now in (
            (layer.moving_mean, mean),
            (layer.moving_variance, variance * (values - 1) / values),
        ):
            moving.assign(moving * layer.momentum + now * (1 - layer.momentum))
        return outputs

    return call
