# SPDX-License-Identifier: Apache-2.0
"""What criteria and scopes may look at besides the weights: the model and a few batches."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from edgekit.errors import EdgekitError
from edgekit.model.tf import keras, tensorflow

SAMPLES = 512  # enough for a ranking: four batches of 128
BATCH = 128


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """`x`: one array per model input, first axis = samples; `y`: targets (see goals), or None."""

    x: list[np.ndarray]
    y: Any = None


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """Batches and the model they go through; `loss(y, outputs)` gives a scalar tensor.

    `outputs` is the list that `outputs_of` gives.
    """

    model: Any = None
    batches: tuple[Batch, ...] = ()
    loss: Callable[[Any, Any], Any] | None = None
    seed: int = 0
    labels: bool = field(default=False)

    def need(self, what: str, who: str) -> None:
        """EdgekitError unless there is `what`: "" (nothing), "samples" or "labels"."""
        if what and not self.batches:
            raise EdgekitError(
                f"'{who}' looks at samples of the model's input, and there are none",
                hint="give data (labels are not needed), or method magnitude",
            )
        if what == "labels" and not self.labels:
            raise EdgekitError(
                f"'{who}' needs the gradient of a loss, and the data have no labels",
                hint="give labelled data, or method stability, which needs none",
            )


def make_evidence(
    model: Any,
    x: Sequence[Any] = (),
    y: Any = None,
    *,
    loss: Callable[[Any, Any], Any] | None = None,
    seed: int = 0,
    samples: int = SAMPLES,
) -> Evidence:
    """At most `samples` seeded samples of x (one array, or lazy one, per input), in batches."""
    if not len(x) or not len(x[0]):
        return Evidence(model, seed=seed)
    chosen = np.random.default_rng(seed).permutation(len(x[0]))[:samples]
    parts = np.array_split(chosen, math.ceil(len(chosen) / BATCH))
    batches = tuple(
        Batch([np.asarray(array[part]) for array in x], None if y is None else y[part])
        for part in parts
    )
    return Evidence(model, batches, loss, seed, labels=y is not None and loss is not None)


def outputs_of(model: Any, x: Sequence[Any], *, training: bool = False) -> list[Any]:
    """Outputs of the model as a list of float32 tensors, in eager mode; gradients flow."""
    tf = tensorflow()
    tensors = [tf.cast(tf.convert_to_tensor(array), tf.float32) for array in x]
    outputs = model(tensors if len(tensors) > 1 else tensors[0], training=training)
    flat = keras().tree.flatten(outputs)
    return [tf.cast(output, tf.float32) for output in flat]


def activation_of(model: Any, output: int = 0) -> str:
    """Name of the function that makes that output: "softmax", "sigmoid" or other.

    Inside of a model without a graph it is not to be seen; there the values tell.
    """
    inner = model
    if not getattr(model, "outputs", None):  # of a class of one's own, as the callback may see it
        while getattr(inner, "layers", None):
            inner = inner.layers[-1]
    while getattr(inner, "outputs", None):
        tensor = inner.outputs[output]
        history = tensor._keras_history
        inner, output = history.operation, history.tensor_index
    if getattr(inner, "layers", None):
        return _seen_activation(model, output)
    name = getattr(getattr(inner, "activation", None), "__name__", "")
    return str(name or type(inner).__name__.lower())


def _seen_activation(model: Any, output: int) -> str:
    """By the outputs for random inputs: rows that sum to 1, or single values from 0 to 1."""
    rng = np.random.default_rng(0)
    x = [
        rng.normal(scale=3.0, size=(BATCH, *(side or 1 for side in tensor.shape[1:])))
        for tensor in model.inputs
    ]
    values = np.asarray(outputs_of(model, x)[output])
    if values.min() < 0 or values.max() > 1 + 1e-5:
        return ""
    if values.shape[-1] == 1:
        return "sigmoid"
    return "softmax" if np.allclose(values.sum(axis=-1), 1, atol=1e-4) else ""


def comparable(model: Any, x: Sequence[Any]) -> list[Any]:
    """Outputs in a measure where distances count: 2 sqrt(p) of probabilities, else as they are.

    Squared distances of 2 sqrt(p) are, to first order, twice the Kullback-Leibler divergence.
    """
    tf = tensorflow()
    return [
        2.0 * tf.sqrt(tf.maximum(output, 1e-8))
        if activation_of(model, place) == "softmax"
        else output
        for place, output in enumerate(outputs_of(model, x))
    ]


def distance(model: Any, batches: Sequence[Batch], dense: Sequence[Sequence[np.ndarray]]) -> float:
    """Mean squared distance of the outputs to those in `dense`, one list per batch."""
    total, samples = 0.0, 0
    for batch, reference in zip(batches, dense, strict=True):
        for now, then in zip(comparable(model, batch.x), reference, strict=True):
            total += float(np.sum((np.asarray(now) - then) ** 2))
        samples += len(batch.x[0])
    return total / max(samples, 1)


def reference_outputs(model: Any, batches: Sequence[Batch]) -> list[list[np.ndarray]]:
    """The outputs to compare with later, as `distance` takes them."""
    return [[np.asarray(output) for output in comparable(model, batch.x)] for batch in batches]
