# SPDX-License-Identifier: Apache-2.0
"""What is to become small. A new objective is a function here and a row in OBJECTIVES."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

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


CYCLES = "cycles"  # the objective whose costs a cost model has to tell


@dataclass(frozen=True, slots=True)
class Told:
    """What a weight of each kernel costs, by the kernel's name, as a cost model told."""

    table: Mapping[str, float]
    name: str = CYCLES

    def __call__(self, kernel: Kernel) -> float:
        return self.table.get(kernel.name, 0.0) or min(filter(None, self.table.values())) * NOTHING


def objective_name(choice: Any) -> str:
    return choice if isinstance(choice, str) else str(getattr(choice, "name", "its own"))


NOTHING = 1e-6  # of the least cost: what a weight costs that costs nothing


def costs_of(choice: Any, kernels: Sequence[Kernel]) -> list[float]:
    """The cost of a weight of each kernel; EdgekitError for an objective that is none.

    `choice` is a row of OBJECTIVES or an Objective.
    """
    if callable(choice):
        return [choice(kernel) for kernel in kernels]
    if choice not in OBJECTIVES:
        raise EdgekitError(
            f"there is no objective '{choice}'",
            hint=f"one of: {', '.join(OBJECTIVES)}, and {CYCLES} with a board",
        )
    return [OBJECTIVES[choice](kernel) for kernel in kernels]
