# SPDX-License-Identifier: Apache-2.0
"""How the sparsity is shared out among layers. A new scope is a file here and a row in SCOPES."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from edgekit.errors import EdgekitError
from edgekit.prune.scopes.adaptive import Adaptive
from edgekit.prune.scopes.ranking import MOST, global_ranking, per_layer
from edgekit.prune.structures.groups import Groups

__all__ = ["MOST", "SCOPES", "Scope", "named_scope"]

# (groups of each layer, sparsity of all) -> for each layer a boolean per group, True = stays.
# One with a method `prepare(groups, costs, damage)` is first told what each layer bears.
Scope = Callable[[Sequence[Groups], float], list[np.ndarray]]

SCOPES: dict[str, Callable[[], Scope]] = {
    "global": lambda: global_ranking,
    "per_layer": lambda: per_layer,
    "adaptive": Adaptive,
}


def named_scope(choice: Any) -> Scope:
    """A fresh scope of that name, or a callable as it is."""
    if callable(choice):
        scope: Scope = choice
        return scope
    if choice not in SCOPES:
        raise EdgekitError(f"there is no scope '{choice}'", hint=f"one of: {', '.join(SCOPES)}")
    return SCOPES[choice]()
