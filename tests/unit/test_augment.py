# SPDX-License-Identifier: Apache-2.0
"""Augmentation: what images may become."""

from __future__ import annotations

import numpy as np
import pytest

from edgekit.errors import EdgekitError
from edgekit.prune.augment import SHIFT, flip_shift, named_augment


def possible(image: np.ndarray) -> list[np.ndarray]:
    """Both ways round, at every place."""
    height, width = image.shape[:2]
    found = []
    for source in (image, image[:, ::-1]):
        wide = np.pad(source, ((SHIFT, SHIFT), (SHIFT, SHIFT), (0, 0)))
        for top in range(2 * SHIFT + 1):
            for left in range(2 * SHIFT + 1):
                found.append(wide[top : top + height, left : left + width])
    return found


@pytest.mark.parametrize("shape", [(7, 6, 2), (3, 2, 1)])
def test_every_image_is_mirrored_or_not_and_moved(shape: tuple[int, ...]) -> None:
    x = np.random.default_rng(0).random((40, *shape)).astype(np.float32)
    changed = flip_shift(x, np.random.default_rng(1))
    assert changed.dtype == x.dtype and changed.shape == x.shape
    for image, now in zip(x, changed, strict=True):
        assert any(np.array_equal(now, each) for each in possible(image))


def test_all_that_is_possible_comes_up() -> None:
    x = np.broadcast_to(np.arange(1.0, 145.0).reshape(1, 12, 12, 1), (4000, 12, 12, 1))
    seen = {row.tobytes() for row in flip_shift(x, np.random.default_rng(2))}
    assert seen == {np.ascontiguousarray(each).tobytes() for each in possible(x[0])}


def test_what_is_no_image_stays() -> None:
    x = np.ones((3, 5))
    assert flip_shift(x, np.random.default_rng(0)) is x


def test_the_name_is_checked() -> None:
    assert named_augment("none") is None
    assert named_augment(flip_shift) is flip_shift
    with pytest.raises(EdgekitError, match="no augmentation 'flip'"):
        named_augment("flip")
