# SPDX-License-Identifier: Apache-2.0
"""Batch norm in inference is x * factor + offset; behind a kernel it is part of that kernel."""

from __future__ import annotations

from typing import Any

import numpy as np

from edgekit.quantize.fold.flatten import Flat, Step
from edgekit.quantize.fold.rules import KERNELS, SEPARABLE, activation_name


def factor_and_offset(layer: Any) -> tuple[np.ndarray, np.ndarray]:
    """Per channel, float64: gamma / sqrt(variance + epsilon) and beta - mean * factor."""
    variance = np.asarray(layer.moving_variance, np.float64)
    factor = 1.0 / np.sqrt(variance + layer.epsilon)
    if layer.gamma is not None:
        factor = factor * np.asarray(layer.gamma, np.float64)
    offset = -np.asarray(layer.moving_mean, np.float64) * factor
    if layer.beta is not None:
        offset = offset + np.asarray(layer.beta, np.float64)
    return factor, offset


def find_merges(flat: Flat) -> dict[int, Any]:
    """id of a layer with a kernel -> the batch norm that can be folded into it.

    Every call of the layer has to be followed by that batch norm and by nothing else, and the
    batch norm may have no other use.
    """
    users, wanted = flat.users(), set(flat.outputs)
    pairs: dict[int, Any] = {}
    spoiled: set[int] = set()
    for step in flat.steps:
        if step.kind not in KERNELS and step.kind not in SEPARABLE:
            continue
        after = users[step.gives[0]]
        rank = len(flat.shapes[step.gives[0]])
        norm = after[0].layer if len(after) == 1 and _folds(step, after[0], rank) else None
        if norm is None or step.gives[0] in wanted or pairs.get(id(step.layer), norm) is not norm:
            spoiled.add(id(step.layer))
        else:
            pairs[id(step.layer)] = norm
    pairs = {key: norm for key, norm in pairs.items() if key not in spoiled}
    return {key: norm for key, norm in pairs.items() if _only_here(flat, norm, pairs)}


def _folds(step: Step, after: Step, rank: int) -> bool:
    if after.kind != "BatchNormalization" or activation_name(step.layer) != "linear":
        return False
    if getattr(step.layer, "data_format", "channels_last") == "channels_first":
        return False
    return after.layer.axis in (-1, rank - 1)


def _only_here(flat: Flat, norm: Any, pairs: dict[int, Any]) -> bool:
    """Whether every call of `norm` follows a call of the one layer it is folded into."""
    makers = {number: step.layer for step in flat.steps for number in step.gives}
    before = {id(makers.get(s.takes[0])) for s in flat.steps if s.layer is norm}
    return len(before) == 1 and pairs.get(next(iter(before))) is norm


def folded_weights(
    kernel: np.ndarray, bias: np.ndarray | None, norm: Any, axes: tuple[int, ...]
) -> tuple[np.ndarray, np.ndarray]:
    """Kernel and bias, float32, that give what kernel, bias and `norm` gave one after another."""
    factor, offset = factor_and_offset(norm)
    sides = [kernel.shape[axis] for axis in axes]
    shape = [1] * kernel.ndim
    for axis, side in zip(axes, sides, strict=True):
        shape[axis] = side
    scaled = np.asarray(kernel, np.float64) * factor.reshape(shape)
    shifted = offset if bias is None else offset + np.asarray(bias, np.float64) * factor
    return scaled.astype(np.float32), shifted.astype(np.float32)
