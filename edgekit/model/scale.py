# SPDX-License-Identifier: Apache-2.0
"""Was the model trained on data of this scale? Said only where the model itself gives evidence.

A model does not record the range of its training data. What can tell: the accuracy on labelled
samples as given and rescaled, the statistics that a BatchNormalization layer near the input
remembers, and a Rescaling layer at the input.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np

from edgekit.errors import EdgekitError
from edgekit.model.tf import keras, quiet

SAMPLES = 32  # forward passes for the evidence are made on so many
FULL_SCALE = 255.0
SURE_GAIN = 0.25  # of accuracy by rescaling: far above the noise of 32 samples (0.09)
SUSPICIOUS_RATIO = 16.0  # of standard deviations: 255 is the usual slip, augmentation gives below 2


class Model(Protocol):
    @property
    def keras(self) -> Any: ...

    def __call__(self, arrays: Sequence[np.ndarray]) -> list[np.ndarray]: ...


def rescaling_to_try(x: np.ndarray) -> float:
    """255 for data within 0..1 (or -1..1), 1/255 for bytes, 1 where neither slip is likely."""
    low, high = float(np.min(x)), float(np.max(x))
    if low >= -1.0 and high <= 1.0:
        return FULL_SCALE
    if low >= 0.0 and 16.0 < high <= FULL_SCALE:
        return 1 / FULL_SCALE
    return 1.0


def refuse_wrong_scale(model: Model, x: np.ndarray, y: np.ndarray, accuracy: float) -> None:
    """EdgekitError where the first labelled samples are recognised only after rescaling.

    `accuracy` is that of all samples as given; the forward pass is only made where it is poor.
    """
    factor = rescaling_to_try(x)
    if factor == 1.0 or accuracy > 1.0 - SURE_GAIN:
        return
    rescaled = float(np.mean(_predicted(model, x[:SAMPLES] * np.float32(factor)) == y[:SAMPLES]))
    if rescaled < accuracy + SURE_GAIN:
        return
    given = _predicted(model, x)
    always = f" (as given, always class {int(given[0])})" if len(set(given.tolist())) == 1 else ""
    how = f"divided by {FULL_SCALE:g}" if factor < 1 else f"multiplied by {FULL_SCALE:g}"
    raise EdgekitError(
        f"the data span {np.min(x):g}..{np.max(x):g}, and the model was not trained on that scale: "
        f"it scores {accuracy:.2f} on them, and {rescaled:.2f} on the same {how}{always}",
        hint=f"give the data {how}",
    )


def _predicted(model: Model, x: np.ndarray) -> np.ndarray:
    """The class of each of the first samples, by their outputs."""
    outputs = model([x[:SAMPLES]])[0]
    rows = outputs.reshape(len(outputs), -1)
    found: np.ndarray = np.argmax(rows, axis=1) if rows.shape[1] > 1 else rows[:, 0] >= 0.5
    return found


def scale_warning(model: Model, x: np.ndarray) -> str:
    """One line where the layers near the input speak against the scale of `x`, else ""."""
    factor = rescaling_to_try(x)
    if model.keras is None or factor == 1.0:
        return ""
    span = f"the data span {np.min(x):g}..{np.max(x):g}"
    first = _first_layers(model.keras)
    if first and type(first[0]).__name__ == "Rescaling" and factor > 1 and _shrinks(first[0]):
        return f"{span}, and layer '{first[0].name}' rescales 0..255: are they scaled twice?"
    found = _normalized(first)
    if found is None:
        return ""
    linear, normalization = found
    given = _deviation_ratio(model.keras, linear, normalization, x)
    other = abs(math.log(given) + math.log(factor))
    if abs(math.log(given)) < math.log(SUSPICIOUS_RATIO) or other > abs(math.log(given)) / 2:
        return ""
    return (
        f"{span}, but layer '{normalization.name}' remembers training data whose spread was "
        f"{1 / given:.3g} times this: is it 0..1 against 0..255?"
    )


def _first_layers(model: Any) -> list[Any]:
    """The layers after the input, as long as they form a chain."""
    chain: list[Any] = []
    layers = [layer for layer in model.layers if type(layer).__name__ != "InputLayer"]
    if type(model).__name__ == "Sequential":
        return layers[:6]
    previous = model.inputs[0]
    for layer in layers[:6]:
        if getattr(layer, "input", None) is not previous:
            break
        chain.append(layer)
        previous = layer.output
    return chain


def _shrinks(layer: Any) -> bool:
    return bool(np.max(np.abs(np.asarray(layer.scale))) < 0.02)


def _normalized(chain: list[Any]) -> tuple[Any, Any] | None:
    """The last layer before the first BatchNormalization, and that, where all is linear so far.

    A BatchNormalization that was never trained remembers nothing: its variances are all one.
    """
    linear = ("Conv2D", "Dense", "DepthwiseConv2D", "Conv1D", "ZeroPadding2D", "Flatten", "Reshape")
    for before, layer in itertools.pairwise(chain):
        if type(before).__name__ not in linear or getattr(before, "activation", None) not in (
            None,
            keras().activations.linear,
        ):
            return None
        if type(layer).__name__ == "BatchNormalization":
            trained = not np.all(np.asarray(layer.moving_variance) == 1)
            return (before, layer) if trained else None
    return None


def _deviation_ratio(model: Any, linear: Any, normalization: Any, x: np.ndarray) -> float:
    """Median over channels of the standard deviation on `x` over the remembered one."""
    with quiet():
        part = keras().Model(model.inputs, linear.output)
        values = np.asarray(part(x[:SAMPLES].astype(np.float32), training=False))
    spread = values.std(axis=tuple(range(values.ndim - 1)))
    remembered = np.sqrt(np.asarray(normalization.moving_variance) + 1e-12)
    return max(float(np.median(spread / remembered)), 1e-9)
