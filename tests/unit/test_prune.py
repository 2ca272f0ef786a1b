# SPDX-License-Identifier: Apache-2.0
"""Pruning: zeros that hold through training, scales of protection, records and files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgekit.errors import EdgekitError
from edgekit.model.load import load_model
from edgekit.model.tf import keras, quiet
from edgekit.prune.targets import find_kernels
from edgekit.verbs.prune import prune

pytestmark = pytest.mark.needs_tf

RNG = np.random.default_rng(0)
X = RNG.random((96, 8, 8, 1)).astype(np.float32)
Y = RNG.integers(0, 4, 96)


def net(**options: Any) -> Any:
    layers = keras().layers
    keras().utils.set_random_seed(3)
    return keras().Sequential(
        [
            keras().Input((8, 8, 1)),
            layers.Conv2D(8, 3, name="first"),
            layers.DepthwiseConv2D(3, name="depths"),
            layers.Conv2D(16, 3, name="middle", **options),
            layers.Flatten(),
            layers.Dense(32, name="wide"),
            layers.Dense(4, activation="softmax", name="scores"),
        ]
    )


def test_what_is_protected_and_why() -> None:
    reasons = {kernel.name: kernel.protected for kernel in find_kernels(net())}
    assert reasons["first"] == "first convolution" and reasons["depths"] == "depthwise"
    assert reasons["middle"] == reasons["wide"] == ""
    assert "256" in reasons["scores"]


def test_layers_can_be_kept_by_name() -> None:
    kept = {kernel.name: kernel.protected for kernel in find_kernels(net(), ("wide",))}
    assert kept["wide"] == "kept by request"
    with pytest.raises(EdgekitError, match="'wdie'"):
        find_kernels(net(), ("wdie",))


@pytest.mark.parametrize(
    "how", [{}, {"jit_compile": True}, {"run_eagerly": True}, {"steps_per_execution": 3}]
)
def test_zeros_hold_after_every_step(how: dict[str, Any]) -> None:
    from edgekit.prune.pruner import Pruner

    model = net(kernel_constraint=keras().constraints.MaxNorm(0.4))
    model.compile("adam", "sparse_categorical_crossentropy", **how)
    own = model.get_layer("middle").kernel.constraint
    pruner, seen = Pruner(0.75), []
    watch = keras().callbacks.LambdaCallback(
        on_train_batch_end=lambda batch, logs: seen.append((pruner.masks.sparsity, pruner.current))
    )
    model.fit(X, Y, batch_size=8, epochs=2, verbose=0, callbacks=[pruner, watch])
    for counted, asked in seen:
        assert counted == pytest.approx(asked, abs=0.001)
    kernel = np.asarray(model.get_layer("middle").kernel)
    assert pruner.masks.sparsity == pytest.approx(0.75, abs=0.001)
    assert np.linalg.norm(kernel, axis=0).max() < 0.41
    assert model.get_layer("middle").kernel.constraint is own


def test_training_afterwards_is_free_again() -> None:
    from edgekit.prune.pruner import Pruner

    model = net()
    model.compile("adam", "sparse_categorical_crossentropy")
    model.fit(X, Y, verbose=0, callbacks=[Pruner(0.9)])
    model.fit(X, Y, verbose=0)
    assert np.mean(np.asarray(model.get_layer("wide").kernel) == 0) < 0.1


def test_tfmots_kind_of_schedule_works_as_it_is() -> None:
    from edgekit.prune.pruner import Pruner

    class Stepwise:
        def __call__(self, step: int) -> tuple[Any, Any]:
            return np.bool_(step % 4 == 0), np.float32(0.6 if step >= 4 else 0.2)

    model = net()
    model.compile("adam", "sparse_categorical_crossentropy", steps_per_execution=3)
    pruner = Pruner(0.6, schedule=Stepwise())
    model.fit(X, Y, batch_size=8, epochs=1, verbose=0, callbacks=[pruner])
    assert pruner.masks.sparsity == pytest.approx(0.6, abs=0.001)


@pytest.mark.parametrize("data", [(X, Y), None])
def test_the_verb_writes_a_plain_model_and_a_record(data: Any, tmp_path: Path) -> None:
    with quiet():
        net().save(tmp_path / "net.keras")
    out = tmp_path / "pruned.keras"
    record = prune(tmp_path / "net.keras", data, out=out, sparsity=0.7, epochs=2 if data else None)
    assert record.sparsity == pytest.approx(0.7, abs=0.005)
    zeros = sum(round(row.sparsity * row.weights) for row in record.layers)
    weights = sum(row.weights for row in record.layers)
    assert record.sparsity_all == pytest.approx(zeros / weights, abs=1e-6)
    assert record.macs and record.macs["nonzero"] < record.macs["before"] == record.macs["after"]
    assert (record.fine_tuning is None) == (data is None)
    assert (record.accuracy is None) == (data is None)
    stored = json.loads((tmp_path / "pruned.prune.json").read_text())
    assert stored["stage"] == "prune" and stored["model"] == "pruned.keras"
    kernels = find_kernels(load_model(out).keras)
    assert [float(np.mean(kernel.values() == 0)) for kernel in kernels] == [
        row.sparsity for row in record.layers
    ]
    assert not load_model(out).keras.compiled


def test_the_same_seed_gives_the_same_weights(tmp_path: Path) -> None:
    model, weights = net(), []
    for name in ("a.keras", "b.keras"):
        prune(model, (X, Y), out=tmp_path / name, epochs=1, seed=5)
        weights.append(load_model(tmp_path / name).keras.get_weights())
    assert all(np.array_equal(a, b) for a, b in zip(*weights, strict=True))


def test_a_live_model_is_left_as_it_is(tmp_path: Path) -> None:
    model = net()
    before = [array.copy() for array in model.get_weights()]
    prune(model, out=tmp_path / "a.keras")
    assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))


def test_a_file_of_somebody_else_is_not_overwritten(tmp_path: Path) -> None:
    out = tmp_path / "a.keras"
    out.write_text("mine")
    with pytest.raises(EdgekitError, match="did not write it"):
        prune(net(), out=out)
    assert out.read_text() == "mine"
    prune(net(), out=out, force=True)
    prune(net(), out=out)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.keras", "a.prune.json"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"sparsity": 0.99}, "at most 0.98"),
        ({"schedule": "cubic"}, "no schedule 'cubic'"),
        ({"method": "luck"}, "no pruning method"),
        ({"data": (X, Y + 7)}, "labels run from"),
        ({"data": np.ones((4, 3))}, "takes (8, 8, 1)"),
    ],
)
def test_what_cannot_be_done(options: dict[str, Any], words: str, tmp_path: Path) -> None:
    with pytest.raises(EdgekitError) as caught:
        prune(net(), out=tmp_path / "a.keras", **options)
    assert words in str(caught.value) and caught.value.hint
    assert not list(tmp_path.iterdir())


def test_a_model_without_large_kernels_has_nothing_to_prune(tmp_path: Path) -> None:
    model = keras().Sequential([keras().Input((4,)), keras().layers.Dense(2)])
    with pytest.raises(EdgekitError, match="no kernel to prune"):
        prune(model, out=tmp_path / "a.keras")


def test_the_output_is_a_keras_file(tmp_path: Path) -> None:
    with pytest.raises(EdgekitError, match="does not end in"):
        prune(net(), out=tmp_path / "a.h5")
