# SPDX-License-Identifier: Apache-2.0
"""What a weight is worth. A criterion is a function of the kernels giving one score per weight;
the lowest go first. A new one is a file here and a row in CRITERIA."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from edgekit.errors import EdgekitError
from edgekit.prune.criteria.magnitude import magnitude
from edgekit.prune.targets import Kernel

Criterion = Callable[[Sequence[Kernel]], list[np.ndarray]]

CRITERIA: dict[str, Criterion] = {"magnitude": magnitude}


def named_criterion(name: str) -> Criterion:
    if name not in CRITERIA:
        raise EdgekitError(
            f"there is no pruning method '{name}'", hint=f"one of: {', '.join(CRITERIA)}"
        )
    return CRITERIA[name]
