# SPDX-License-Identifier: Apache-2.0
"""In what groups weights go. A structure turns scores of weights into scores of their groups,
of the same shape and equal within a group; a new one is a function and a row in STRUCTURES."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from edgekit.errors import EdgekitError

Structure = Callable[[np.ndarray], np.ndarray]


def unstructured(scores: np.ndarray) -> np.ndarray:
    """Each weight for itself."""
    return scores


STRUCTURES: dict[str, Structure] = {"unstructured": unstructured}


def named_structure(name: str) -> Structure:
    if name not in STRUCTURES:
        raise EdgekitError(
            f"there is no structure '{name}'", hint=f"one of: {', '.join(STRUCTURES)}"
        )
    return STRUCTURES[name]
