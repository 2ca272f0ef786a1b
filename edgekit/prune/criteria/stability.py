# SPDX-License-Identifier: Apache-2.0
"""A weight is worth the change of the outputs that noise on it makes; labels are not needed.

To first order E||f(w + d) - f(w)||^2 = var(d) sum_k (df_k/dw)^2. With random signs v over the
samples and outputs, one backward pass of v.f gives an unbiased estimate of that sum for all
weights at once (Hutchinson's estimator of the diagonal of J^T J); d is taken proportional to w.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from edgekit.model.tf import tensorflow
from edgekit.prune.criteria.gradient import mean_squares, scaled
from edgekit.prune.evidence import Batch, Evidence, comparable, distance, reference_outputs
from edgekit.prune.targets import Kernel

NOISE = 0.5  # of a weight, in parts of itself, in the literal measure


def stability(kernels: Sequence[Kernel], evidence: Evidence) -> list[np.ndarray]:
    """|w| sqrt(E[(d(v.f)/dw)^2]), f as `comparable` gives it."""
    tf = tensorflow()
    rng = np.random.default_rng(evidence.seed)

    def of(batch: Batch) -> Any:
        return tf.add_n(
            [
                tf.reduce_sum(output * rng.choice((-1.0, 1.0), output.shape).astype(np.float32))
                for output in comparable(evidence.model, batch.x)
            ]
        )

    return scaled(kernels, mean_squares(kernels, evidence.batches, of))


def literal_stability(
    kernels: Sequence[Kernel], evidence: Evidence, weights: int, noise: float = NOISE
) -> tuple[np.ndarray, np.ndarray]:
    """The literal measure for `weights` seeded weights: each is moved and all outputs computed.

    Returns indices [weights, 2] (kernel, flat position) and the root of the mean squared change
    of the outputs, over both signs of the noise. Two forward passes for each weight: the check
    of the estimator, and nothing to prune a model by.
    """
    rng = np.random.default_rng(evidence.seed)
    sizes = [int(np.prod(kernel.variable.shape)) for kernel in kernels]
    chosen = np.sort(rng.choice(sum(sizes), min(weights, sum(sizes)), replace=False))
    ends = np.cumsum(sizes)
    which = np.searchsorted(ends, chosen, side="right")
    flat = chosen - (ends - sizes)[which]
    dense = reference_outputs(evidence.model, evidence.batches)
    changes = [
        _change(kernels[k], int(i), evidence, dense, noise)
        for k, i in zip(which, flat, strict=True)
    ]
    return np.stack([which, flat], axis=1), np.asarray(changes)


def _change(
    kernel: Kernel, index: int, evidence: Evidence, dense: list[list[np.ndarray]], noise: float
) -> float:
    own = kernel.values()
    total = 0.0
    for sign in (-1.0, 1.0):
        moved = own.copy()
        moved.flat[index] *= 1 + sign * noise
        kernel.assign(moved)
        total += distance(evidence.model, evidence.batches, dense)
    kernel.assign(own)
    return float(np.sqrt(total / 2))
