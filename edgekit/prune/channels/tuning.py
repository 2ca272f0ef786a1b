# SPDX-License-Identifier: Apache-2.0
"""What stands in fine-tuning for the pruner where nothing is masked: the channels are gone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from edgekit.model.tf import keras


class NoMasks:
    """Masks of no kernel."""

    def values(self) -> list[np.ndarray]:
        return []

    def release(self) -> None:
        pass


def unmasked(share: float) -> Any:
    """A Keras callback with what `fine_tune` asks of a pruner; `share` is what was removed."""
    base: Any = keras().callbacks.Callback

    class Unmasked(base):
        finish_on_end = True

        def __init__(self) -> None:
            super().__init__()
            self.masks = NoMasks()
            self.current = self.target = share

        def resume(self, step: int, sparsity: float, masks: Sequence[np.ndarray]) -> None:
            """Nothing was masked before either."""

    return Unmasked()
