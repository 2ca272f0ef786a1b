# SPDX-License-Identifier: Apache-2.0
"""Changes of samples while training. A new one is a function here and a row in AUGMENTS."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from edgekit.errors import EdgekitError

# (one batch of one model input, generator) -> the batch, changed.
Augment = Callable[[np.ndarray, np.random.Generator], np.ndarray]

SHIFT = 4  # pixels, the usual amount for images of 32


def flip_shift(x: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Images [n, height, width, channels]: half of them mirrored, each moved by up to 4 pixels.

    What moves in is black. Other inputs stay as they are.
    """
    if x.ndim != 4:
        return x
    flipped = np.where(rng.random(len(x))[:, None, None, None] < 0.5, x[:, :, ::-1], x)
    wide = np.pad(flipped, ((0, 0), (SHIFT, SHIFT), (SHIFT, SHIFT), (0, 0)))
    top, left = rng.integers(0, 2 * SHIFT + 1, (2, len(x)))
    rows = top[:, None] + np.arange(x.shape[1])
    columns = left[:, None] + np.arange(x.shape[2])
    images = np.arange(len(x))[:, None, None]
    return wide[images, rows[:, :, None], columns[:, None, :]]


AUGMENTS: dict[str, Augment | None] = {"none": None, "flip_shift": flip_shift}


def named_augment(choice: Any) -> Augment | None:
    if callable(choice):
        augment: Augment = choice
        return augment
    if choice not in AUGMENTS:
        raise EdgekitError(
            f"there is no augmentation '{choice}'", hint=f"one of: {', '.join(AUGMENTS)}"
        )
    return AUGMENTS[choice]
