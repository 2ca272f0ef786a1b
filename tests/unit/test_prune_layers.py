# SPDX-License-Identifier: Apache-2.0
"""Kernels wherever they lie: recurrent, attention, nested, subclassed, several inputs."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from edgekit.model.tf import keras
from edgekit.prune.evidence import make_evidence
from edgekit.prune.masks import Choice, Masks
from edgekit.prune.oneshot import prune_at_once
from edgekit.prune.pruner import pruner_class
from edgekit.prune.targets import find_kernels

pytestmark = pytest.mark.needs_tf

RNG = np.random.default_rng(0)
SEQUENCES = RNG.random((48, 6, 16)).astype(np.float32)
Y = RNG.integers(0, 3, 48)


def sequence_model(*layers: Any) -> Any:
    keras().utils.set_random_seed(0)
    end = keras().layers
    return keras().Sequential(
        [keras().Input((6, 16)), *layers, end.Flatten(), end.Dense(3, activation="softmax")]
    )


def recurrent() -> Any:
    layers = keras().layers
    return sequence_model(
        layers.LSTM(12, return_sequences=True, name="lstm"),
        layers.Bidirectional(layers.GRU(12, return_sequences=True), name="both"),
        layers.SimpleRNN(20, name="last"),
    )


def attention() -> Any:
    layers = keras().layers
    x = keras().Input((6, 16))
    y = layers.MultiHeadAttention(2, 8, name="heads")(x, x)
    y = layers.EinsumDense("abc,cd->abd", (6, 24), name="mix")(y)
    y = layers.Flatten()(y)
    return keras().Model(x, layers.Dense(3, activation="softmax", name="scores")(y))


def nested() -> Any:
    layers = keras().layers
    inner = keras().Sequential(
        [
            keras().Input((6, 16)),
            layers.Conv1D(16, 3, name="c1"),
            layers.SeparableConv1D(32, 3, name="c2"),
        ]
    )
    return sequence_model(inner, layers.Conv1DTranspose(16, 3, name="up"))


def subclassed() -> Any:
    module = keras()

    class Block(module.layers.Layer):  # type: ignore[name-defined]
        def __init__(self) -> None:
            super().__init__(name="block")
            self.inner = module.layers.Dense(24, activation="relu", name="inner")

        def call(self, x: Any) -> Any:
            return self.inner(x)

    class Net(module.Model):  # type: ignore[name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.block, self.flat = Block(), module.layers.Flatten()
            self.scores = module.layers.Dense(3, activation="softmax", name="scores")

        def call(self, x: Any) -> Any:
            return self.scores(self.flat(self.block(x)))

    module.utils.set_random_seed(0)
    model = Net()
    model(SEQUENCES[:1])
    return model


MODELS = {
    "recurrent": recurrent,
    "attention": attention,
    "nested": nested,
    "subclassed": subclassed,
}


def names(model: Any) -> list[str]:
    return [kernel.name for kernel in find_kernels(model) if not kernel.protected]


def test_recurrent_kernels_are_found_with_the_name_of_their_layer() -> None:
    found = names(recurrent())
    assert {"lstm", "lstm/recurrent_kernel", "last", "last/recurrent_kernel"} <= set(found)
    assert sum(name.startswith("both/") for name in found) == 4


def test_the_projections_of_attention_are_found() -> None:
    found = names(attention())
    assert {"heads/query", "heads/key", "heads/value", "heads/attention_output", "mix"} <= set(
        found
    )
    by_name = {kernel.name: kernel for kernel in find_kernels(attention())}
    query = by_name["heads/query"]
    assert query.layout.matrix_shape(tuple(query.variable.shape)) == (1, 16, 16)
    output = by_name["heads/attention_output"]
    assert output.layout.matrix_shape(tuple(output.variable.shape)) == (1, 16, 16)
    assert query.positions == 6


def test_nested_and_subclassed_layers_are_found() -> None:
    assert {"c2/pointwise_kernel", "up"} <= set(names(nested()))
    assert "block/inner" in names(subclassed())


def test_a_layer_and_all_in_it_can_be_kept() -> None:
    kept = [k.name for k in find_kernels(attention(), ("heads",)) if "request" in k.protected]
    assert len(kept) == 4


@pytest.mark.parametrize("method", ["magnitude", "activation", "stability"])
@pytest.mark.parametrize("kind", MODELS)
def test_every_criterion_prunes_every_kind(kind: str, method: str) -> None:
    model = MODELS[kind]()
    evidence = make_evidence(model, [SEQUENCES])
    masks, _ = prune_at_once(model, 0.7, Choice(method=method, structure="2x2"), evidence)
    assert masks.sparsity == pytest.approx(0.7, abs=0.01)
    assert np.isfinite(np.asarray(model(SEQUENCES[:4]))).all()


def test_activation_sees_the_inputs_of_inner_layers() -> None:
    model = recurrent()
    silent = SEQUENCES.copy()
    silent[..., 3] = 0
    masks = Masks(model, Choice(method="activation"), make_evidence(model, [silent]))
    scores = dict(
        zip(
            [k.name for k in masks.pruned],
            masks.criterion(masks.pruned, masks.evidence),
            strict=True,
        )
    )
    assert (scores["lstm"][3] == 0).all() and (scores["lstm"][4] > 0).any()


@pytest.mark.parametrize("kind", MODELS)
def test_zeros_hold_through_a_fit(kind: str) -> None:
    model = MODELS[kind]()
    model.compile("adam", "sparse_categorical_crossentropy")
    pruner = pruner_class()(0.6)
    model.fit(SEQUENCES, Y, batch_size=16, epochs=2, verbose=0, callbacks=[pruner])
    assert pruner.masks.sparsity == pytest.approx(0.6, abs=0.002)


def test_several_inputs_and_outputs() -> None:
    layers = keras().layers
    a, b = keras().Input((16,), name="a"), keras().Input((16,), name="b")
    x = layers.Dense(32, activation="relu")(layers.Concatenate()([a, b]))
    model = keras().Model([a, b], [layers.Dense(16)(x), layers.Dense(16)(x)])
    data = [RNG.random((40, 16)).astype(np.float32) for _ in range(2)]
    for method in ("stability", "activation"):
        evidence = make_evidence(model, data)
        masks, _ = prune_at_once(model, 0.5, Choice(method=method, scope="adaptive"), evidence)
        assert masks.sparsity == pytest.approx(0.5, abs=0.003)
