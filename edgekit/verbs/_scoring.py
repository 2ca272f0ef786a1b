# SPDX-License-Identifier: Apache-2.0
"""Accuracies of float Keras models on samples with labels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from edgekit.model.dataset import Split


def accuracies(model: Any, split: Split | None) -> dict[str, float]:
    """Name of an output -> share of `split` that it gets right, where that can be counted.

    Outputs without class numbers of their own are left out; {} where none has any.
    """
    from edgekit.measure.compare import score
    from edgekit.model.load import BATCH, call_keras
    from edgekit.verbs._lessons import labels_of

    if split is None or not len(split) or not (labels := labels_of(model, split)):
        return {}
    places = {
        name: (place, y)
        for place, (name, y) in enumerate(labels.items())
        if _counts(model.outputs[place].shape[-1], y)
    }
    if not places:
        return {}
    parts = np.array_split(np.arange(len(split)), -(-len(split) // BATCH))
    rows = [call_keras(model, split.take(part).arrays()) for part in parts]
    return {
        name: score(np.concatenate([row[place] for row in rows]), y).accuracy
        for name, (place, y) in places.items()
    }


def _counts(units: int | None, y: np.ndarray) -> bool:
    """Whether `y` are class numbers, and not whole numbers that one unit is to give."""
    if y.ndim != 1 or y.dtype.kind not in "iu":
        return False
    return units != 1 or bool(np.isin(y, (0, 1)).all())


def mean_accuracy(found: dict[str, float]) -> float | None:
    """Over the outputs; None where there is none to count."""
    return float(np.mean(list(found.values()))) if found else None


def compared(
    before: dict[str, float], model: Any, split: Split | None
) -> tuple[dict[str, float] | None, dict[str, dict[str, float]]]:
    """Mean accuracy before and after with the number of samples, and that of each of several."""
    if split is None or not before:
        return None, {}
    after = accuracies(model, split)
    first, second = mean_accuracy(before), mean_accuracy(after)
    assert first is not None and second is not None
    each = {name: {"before": before[name], "after": after[name]} for name in before}
    mean = {"before": first, "after": second, "samples": len(split)}
    return mean, each if len(model.outputs) > 1 else {}
