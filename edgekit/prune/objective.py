# SPDX-License-Identifier: Apache-2.0
"""What is to become small. A new objective is a function here and a row in OBJECTIVES."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from edgekit.errors import EdgekitError
from edgekit.prune.targets import Kernel

# The cost of one weight of a kernel: scopes rank damage (the square of a score) by cost.
Objective = Callable[[Kernel], float]


def size(kernel: Kernel) -> float:
    """A weight is a weight."""
    return 1.0


def macs(kernel: Kernel) -> float:
    """Multiply-accumulates of one inference that use the weight."""
    if kernel.positions is None:
        raise EdgekitError(
            f"how often the weights of '{kernel.name}' are used is not known (an open shape)",
            hint="build the model with fixed shapes, or take objective size",
        )
    return float(max(kernel.positions, 1))


OBJECTIVES: dict[str, Objective] = {"size": size, "macs": macs}


def costs_of(name: str, kernels: Sequence[Kernel]) -> list[float]:
    """The cost of a weight of each kernel; EdgekitError for an objective that is none."""
    if name not in OBJECTIVES:
        raise EdgekitError(
            f"there is no objective '{name}'", hint=f"one of: {', '.join(OBJECTIVES)}"
        )
    return [OBJECTIVES[name](kernel) for kernel in kernels]
