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
    mirrored = rng.random(len(x)) < 0.5
    shifts = rng.integers(-SHIFT, SHIFT + 1, (2, len(x)))
    changed = np.zeros_like(x)
    for image, place, mirror, down, right in zip(x, changed, mirrored, *shifts, strict=True):
        rows, columns = _overlap(down, x.shape[1]), _overlap(right, x.shape[2])
        source = image[:, ::-1] if mirror else image
        place[rows[0], columns[0]] = source[rows[1], columns[1]]
    return changed


def _overlap(shift: int, length: int) -> tuple[slice, slice]:
    """Where a row of `length` moved forwards by `shift` lies afterwards, and where that was."""
    shift = min(max(shift, -length), length)
    here = slice(max(shift, 0), length + min(shift, 0))
    return here, slice(here.start - shift, here.stop - shift)


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
