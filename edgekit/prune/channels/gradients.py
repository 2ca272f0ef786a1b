# SPDX-License-Identifier: Apache-2.0
"""Gradients of the loss, batch by batch: what Taylor scores of channels are made of."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from edgekit.model.tf import tensorflow
from edgekit.prune.evidence import outputs_of

BATCH = 128


def loss_gradients(
    model: Any,
    x: Sequence[np.ndarray],
    y: Any,
    loss: Callable[[Any, Any], Any],
    *,
    batches: int = 8,
) -> list[dict[int, np.ndarray]]:
    """id(variable) -> gradient of the mean loss, one dict for each of `batches` batches.

    `x` has one array per model input, `loss(y, outputs)` takes the list of outputs, as
    Evidence has it. The model runs as in inference: batch normalization by its stored
    statistics, and no dropout.
    """
    tf = tensorflow()
    variables = [v for v in model.trainable_variables if v.dtype.startswith("float")]
    found = []
    for part in np.array_split(np.arange(len(y)), max(1, min(batches, len(y) // 2)))[:batches]:
        chosen = part[:BATCH]
        with tf.GradientTape() as tape:
            value = loss(y[chosen], outputs_of(model, [array[chosen] for array in x]))
        tensors = tape.gradient(value, [v.value for v in variables])
        found.append(
            {
                id(v): np.zeros(v.shape, np.float32) if g is None else np.asarray(g)
                for v, g in zip(variables, tensors, strict=True)
            }
        )
    return found
