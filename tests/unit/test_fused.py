# SPDX-License-Identifier: Apache-2.0
"""Fused batch normalization trains as Keras's own does."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from edgekit.model.tf import keras
from edgekit.prune.fused import fused_batch_norm

pytestmark = pytest.mark.needs_tf


def small_cnn(**options: Any) -> Any:
    module = keras()
    module.utils.set_random_seed(3)
    layers = module.layers
    model = module.Sequential(
        [
            layers.Input((6, 6, 2)),
            layers.Conv2D(8, 3),
            layers.BatchNormalization(momentum=0.8, **options),
            layers.ReLU(),
            layers.Flatten(),
            layers.Dense(3),
        ]
    )
    model.compile(module.optimizers.SGD(0.05), module.losses.MeanSquaredError(), jit_compile=False)
    return model


def trained(model: Any, steps: int = 5) -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    for _ in range(steps):
        x = rng.normal(2.0, 3.0, (16, 6, 6, 2)).astype(np.float32)
        model.train_on_batch(x, rng.normal(size=(16, 3)).astype(np.float32))
    return [np.asarray(variable) for variable in model.weights]


def test_weights_and_statistics_are_those_of_keras() -> None:
    plain, model = trained(small_cnn()), small_cnn()
    with fused_batch_norm(model) as count:
        fused = trained(model)
    assert count == 1
    for one, other in zip(plain, fused, strict=True):
        np.testing.assert_allclose(other, one, rtol=1e-4, atol=1e-5)


def test_the_kernel_is_in_the_step_and_gone_afterwards() -> None:
    import tensorflow as tf

    model = small_cnn()

    def kernels() -> set[str]:
        graph = tf.function(lambda x: model(x, training=True))
        traced = graph.get_concrete_function(tf.TensorSpec((4, 6, 6, 2))).graph
        return {op.type for op in traced.get_operations()}

    with fused_batch_norm(model):
        assert "FusedBatchNormV3" in kernels()
    assert "FusedBatchNormV3" not in kernels()


def test_inference_is_keras_own_inside_the_block() -> None:
    model = small_cnn()
    trained(model)
    x = np.random.default_rng(1).normal(size=(4, 6, 6, 2)).astype(np.float32)
    outputs = np.asarray(model(x, training=False))
    with fused_batch_norm(model):
        np.testing.assert_array_equal(np.asarray(model(x, training=False)), outputs)


@pytest.mark.parametrize(
    "options", [{"axis": 1}, {"scale": False}, {"center": False}, {"epsilon": 1e-6}]
)
def test_what_the_kernel_does_otherwise_is_left_to_keras(options: dict[str, Any]) -> None:
    with fused_batch_norm(small_cnn(**options)) as count:
        assert count == 0


def test_frozen_statistics_stay_frozen() -> None:
    model = small_cnn()
    model.layers[1].trainable = False
    before = np.asarray(model.layers[1].moving_mean)
    with fused_batch_norm(model):
        trained(model)
    np.testing.assert_array_equal(np.asarray(model.layers[1].moving_mean), before)
