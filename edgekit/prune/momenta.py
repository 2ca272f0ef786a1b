# SPDX-License-Identifier: Apache-2.0
"""What an optimizer remembers of weights that are gone is forgotten."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from edgekit.prune.reading import array_of


def clear_momenta(optimizer: Any, variables: Sequence[Any], masks: Sequence[np.ndarray]) -> None:
    """Zero the optimizer's slots (momenta, velocities) of `variables` where a mask is False.

    A slot is a list with one variable per trainable variable, of its shape, which is how all of
    Keras's optimizers keep them; what is kept otherwise stays as it is.
    """
    optimizer = getattr(optimizer, "inner_optimizer", optimizer)  # of a loss scale's
    trained = getattr(optimizer, "_trainable_variables", None) or []
    places = {id(variable): place for place, variable in enumerate(trained)}
    for variable, mask in zip(variables, masks, strict=True):
        place = places.get(id(variable))
        if place is None:
            continue
        for slot in _slots(optimizer, place, len(trained)):
            if tuple(slot.shape) == mask.shape:
                slot.assign(np.where(mask, array_of(slot), 0).astype(str(slot.dtype)))


def _slots(optimizer: Any, place: int, count: int) -> Iterator[Any]:
    for name, value in vars(optimizer).items():
        is_list = isinstance(value, (list, tuple)) and len(value) == count
        if is_list and "trainable" not in name and hasattr(value[place], "assign"):
            yield value[place]
