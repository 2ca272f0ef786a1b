# SPDX-License-Identifier: Apache-2.0
"""The callback under the ways that Keras has to train: mixed precision, replicas, momenta."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from edgekit.model.tf import keras
from edgekit.prune.momenta import clear_momenta
from edgekit.prune.pruner import pruner_class

pytestmark = pytest.mark.needs_tf

RNG = np.random.default_rng(0)
X = RNG.random((96, 20)).astype(np.float32)
Y = RNG.integers(0, 4, 96)

MIRRORED = """
import numpy as np
from edgekit.model.tf import keras, tensorflow
tf = tensorflow()
cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
from edgekit.prune.pruner import Pruner
with tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"]).scope():
    model = keras().Sequential([keras().Input((20,)), keras().layers.Dense(32, "relu"),
                                keras().layers.Dense(4, "softmax")])
    model.compile("adam", "sparse_categorical_crossentropy")
rng = np.random.default_rng(0)
pruner, seen = Pruner(0.75), []
watch = keras().callbacks.LambdaCallback(
    on_train_batch_end=lambda batch, logs: seen.append((pruner.masks.sparsity, pruner.current)))
model.fit(rng.random((96, 20)).astype("float32"), rng.integers(0, 4, 96), batch_size=16,
          epochs=2, verbose=0, callbacks=[pruner, watch])
assert all(abs(counted - asked) < 0.002 for counted, asked in seen), seen
for replica in tf.nest.flatten(model.layers[0].kernel.value.values):
    assert abs(float(np.mean(replica.numpy() == 0)) - 0.75) < 0.002
print("replicas hold their zeros")
"""


def net() -> Any:
    layers = keras().layers
    keras().utils.set_random_seed(3)
    return keras().Sequential(
        [
            keras().Input((20,)),
            layers.Dense(32, activation="relu"),
            layers.Dense(24, activation="relu"),
            layers.Dense(4, activation="softmax", dtype="float32"),
        ]
    )


@pytest.fixture
def policy(request: pytest.FixtureRequest) -> Iterator[str]:
    module = keras()
    before = module.config.dtype_policy()
    module.config.set_dtype_policy(request.param)
    try:
        yield request.param
    finally:
        module.config.set_dtype_policy(before)


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16", "bfloat16"], indirect=True)
@pytest.mark.parametrize("method", ["magnitude", "stability", "l1"])
def test_zeros_hold_in_mixed_precision(policy: str, method: str) -> None:
    model = net()
    model.compile("adam", "sparse_categorical_crossentropy")
    pruner, seen = pruner_class()(0.7, method=method, data=X), []
    watch = keras().callbacks.LambdaCallback(
        on_train_batch_end=lambda batch, logs: seen.append(pruner.masks.sparsity - pruner.current)
    )
    model.fit(X, Y, batch_size=16, epochs=2, verbose=0, callbacks=[pruner, watch])
    assert pruner.masks.sparsity == pytest.approx(0.7, abs=0.01)
    assert min(seen) > -0.01


@pytest.mark.parametrize("how", [{"jit_compile": True}, {"run_eagerly": True}])
@pytest.mark.parametrize("structure", ["2x2", "2:4"])
def test_structures_hold_however_a_step_is_run(how: dict[str, Any], structure: str) -> None:
    model = net()
    model.compile("adam", "sparse_categorical_crossentropy", **how)
    pruner = pruner_class()(0.5, structure=structure, method="l1")
    model.fit(X, Y, batch_size=32, epochs=2, verbose=0, callbacks=[pruner])
    assert pruner.masks.sparsity == pytest.approx(0.5, abs=0.005)
    tiles = (np.asarray(model.layers[0].kernel) == 0).reshape(10, 2, 16, 2).sum(axis=(1, 3))
    assert set(np.unique(tiles)) <= ({0, 4} if structure == "2x2" else {0, 1, 2, 3, 4})


def test_zeros_hold_on_every_replica() -> None:
    done = subprocess.run(
        [sys.executable, "-c", MIRRORED], capture_output=True, text=True, timeout=300
    )
    assert "replicas hold their zeros" in done.stdout, done.stderr[-2000:]


@pytest.mark.parametrize("name", ["adam", "sgd", "rmsprop", "adamw"])
def test_momenta_are_cleared_where_the_mask_is(name: str) -> None:
    model = net()
    options = {"momentum": 0.9} if name == "sgd" else {}
    optimizer = keras().optimizers.get({"class_name": name, "config": options})
    model.compile(optimizer, "sparse_categorical_crossentropy")
    model.fit(X, Y, verbose=0)
    kernel = model.layers[1].kernel
    mask = RNG.random(kernel.shape) < 0.5
    slots = [v for v in model.optimizer.variables if tuple(v.shape) == tuple(kernel.shape)]
    before = [np.asarray(slot).copy() for slot in slots]
    clear_momenta(model.optimizer, [kernel], [mask])
    assert slots
    for slot, old in zip(slots, before, strict=True):
        assert (np.asarray(slot)[~mask] == 0).all()
        assert np.array_equal(np.asarray(slot)[mask], old[mask]) and old[~mask].any()


def test_gradient_with_the_callback_takes_labelled_data() -> None:
    model = net()
    model.compile("adam", "sparse_categorical_crossentropy")
    pruner = pruner_class()(0.5, method="gradient", data=(X, Y))
    model.fit(X, Y, batch_size=32, epochs=1, verbose=0, callbacks=[pruner])
    assert pruner.masks.sparsity == pytest.approx(0.5, abs=0.002)
