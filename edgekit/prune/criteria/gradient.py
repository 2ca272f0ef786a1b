# SPDX-License-Identifier: Apache-2.0
"""A weight is worth the change of the loss, to first order, that its removal makes (Taylor)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from edgekit.model.tf import tensorflow
from edgekit.prune.evidence import Batch, Evidence, outputs_of
from edgekit.prune.targets import Kernel

# Samples of one backward pass. Each pass gives one draw: 512 samples are 16 draws, a third of
# the value as standard error, for little more time than four passes of 128.
PART = 32


def gradient(kernels: Sequence[Kernel], evidence: Evidence) -> list[np.ndarray]:
    """|w| sqrt(E[g^2]), g the gradient of the loss of a batch (Molchanov 2019, first order)."""
    loss = evidence.loss
    assert loss is not None

    def of(batch: Batch) -> Any:
        return loss(batch.y, outputs_of(evidence.model, batch.x))

    return scaled(kernels, mean_squares(kernels, evidence.batches, of))


def mean_squares(
    kernels: Sequence[Kernel], batches: Sequence[Batch], scalar: Callable[[Batch], Any]
) -> list[np.ndarray]:
    """Mean over parts of `batches` of the squared gradients of `scalar(part)`, per kernel."""
    tf = tensorflow()
    variables = [kernel.variable.value for kernel in kernels]
    totals = [np.zeros(kernel.variable.shape) for kernel in kernels]
    parts = [part for batch in batches for part in _parts(batch)]
    for batch in parts:
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(variables)
            value = scalar(batch)
        for total, slope in zip(totals, tape.gradient(value, variables), strict=True):
            if slope is not None:
                total += np.asarray(tf.convert_to_tensor(slope), np.float64) ** 2
    return [total / len(parts) for total in totals]


def _parts(batch: Batch) -> Iterator[Batch]:
    for start in range(0, len(batch.x[0]), PART):
        part = slice(start, start + PART)
        yield Batch([a[part] for a in batch.x], None if batch.y is None else batch.y[part])


def scaled(kernels: Sequence[Kernel], squares: Sequence[np.ndarray]) -> list[np.ndarray]:
    """|w| sqrt(squares): the score in the measure of |w|."""
    return [
        np.abs(kernel.values()) * np.sqrt(square)
        for kernel, square in zip(kernels, squares, strict=True)
    ]
