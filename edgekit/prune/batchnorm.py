# SPDX-License-Identifier: Apache-2.0
"""Batch-norm statistics estimated anew after weights were cut, on samples without labels."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from edgekit.model.tf import keras
from edgekit.prune.evidence import outputs_of
from edgekit.prune.targets import inner_layers

BATCHES = 30  # as in the measured runs
BATCH = 128
LEAST = 8  # samples of a batch: a variance of fewer says nothing


def recalibrate_bn(model: Any, x: Sequence[Any], *, seed: int = 0) -> int:
    """Set moving means and variances to their averages over up to BATCHES batches of `x`.

    Nothing else of the model changes; dropout and noise are off meanwhile. Returns how many
    layers were set: 0 where there is no batch norm, or fewer than LEAST samples.
    """
    layers = [layer for layer in inner_layers(model) if _is_batch_norm(layer)]
    count = len(x[0]) if len(x) else 0
    if not layers or count < LEAST:
        return 0
    order = np.random.default_rng(seed).permutation(count)[: BATCHES * BATCH]
    parts = [part for part in np.array_split(order, -(-len(order) // BATCH)) if len(part) >= LEAST]
    with _only_statistics(model, layers):
        for done, part in enumerate(parts):
            for layer in layers:
                layer.momentum = done / (done + 1)  # a running mean, each batch with equal weight
            outputs_of(model, [array[part] for array in x], training=True)
    return len(layers)


def statistics(model: Any) -> list[np.ndarray]:
    """Moving means and variances of all batch-norm layers, to put back with `restore`."""
    return [np.asarray(variable).copy() for variable in _moving(model)]


def restore(model: Any, values: Sequence[np.ndarray]) -> None:
    for variable, value in zip(_moving(model), values, strict=True):
        variable.assign(value)


def _moving(model: Any) -> list[Any]:
    layers = [layer for layer in inner_layers(model) if _is_batch_norm(layer)]
    return [v for layer in layers for v in (layer.moving_mean, layer.moving_variance)]


def _is_batch_norm(layer: Any) -> bool:
    return isinstance(layer, keras().layers.BatchNormalization)


@contextlib.contextmanager
def _only_statistics(model: Any, batch_norms: Sequence[Any]) -> Iterator[None]:
    """Training mode changes the statistics and nothing else inside the block."""
    saved: list[tuple[Any, str, Any]] = []

    def put(layer: Any, name: str, value: Any) -> None:
        saved.append((layer, name, getattr(layer, name)))
        setattr(layer, name, value)

    try:
        for layer in inner_layers(model):
            kind = type(layer).__name__
            for name in ("rate", "stddev"):
                if ("Dropout" in kind or "Noise" in kind) and hasattr(layer, name):
                    put(layer, name, 0.0)
        for layer in batch_norms:
            put(layer, "momentum", layer.momentum)
            put(layer, "trainable", True)
        yield
    finally:
        for layer, name, value in reversed(saved):
            setattr(layer, name, value)
