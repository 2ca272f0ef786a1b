# SPDX-License-Identifier: Apache-2.0
"""Masks that hold: applied by each variable's constraint, inside the optimizer's step."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from edgekit.errors import EdgekitError
from edgekit.model.tf import keras
from edgekit.prune.criteria import named_criterion
from edgekit.prune.scope import MOST, named_scope
from edgekit.prune.structure import named_structure
from edgekit.prune.targets import find_kernels

TOLERANCE = 0.005  # of the sparsity reached, in parts of one


@dataclass(frozen=True, slots=True)
class Choice:
    """What is pruned and how: names of CRITERIA, SCOPES and STRUCTURES, and layers to leave."""

    method: str = "magnitude"
    scope: str = "global"
    structure: str = "unstructured"
    keep: tuple[str, ...] = ()


class Masks:
    """Masks over the prunable kernels of a model, and the zeros they hold.

    Between `install` and `remove` every optimizer step ends with masked weights exactly zero,
    under jit_compile, run_eagerly and steps_per_execution alike, since the mask is a variable
    that the constraint reads; a constraint of the user's is applied before it. Nothing of this
    is saved with the model.
    """

    def __init__(self, model: Any, choice: Choice) -> None:
        self.kernels = find_kernels(model, choice.keep)
        self._pruned = [kernel for kernel in self.kernels if not kernel.protected]
        self._criterion = named_criterion(choice.method)
        self._scope = named_scope(choice.scope)
        self._structure = named_structure(choice.structure)
        self._masks: list[Any] = []
        self._constraints: list[Callable[[Any], Any] | None] = []

    def install(self) -> None:
        """Put the constraints on; all masks start open."""
        module = keras()
        for kernel in self._pruned:
            variable = kernel.variable
            mask = module.Variable(
                np.ones(variable.shape, bool), dtype="bool", trainable=False, name="mask"
            )
            self._masks.append(mask)
            self._constraints.append(variable.constraint)
            variable.constraint = _masked(module, mask, variable.constraint)

    def update(self, sparsity: float) -> None:
        """Choose anew what is zero, by the weights as they are, and make it zero at once."""
        scores = [self._structure(array) for array in self._criterion(self._pruned)]
        for mask, values in zip(self._masks, self._scope(scores, sparsity), strict=True):
            mask.assign(values)
        self.apply()

    def apply(self) -> None:
        """Make the masked weights exactly zero."""
        for kernel, mask in zip(self._pruned, self._masks, strict=True):
            kernel.variable.assign(np.where(np.asarray(mask), kernel.values(), 0))

    def remove(self) -> None:
        """Apply a last time and give the variables their own constraints back."""
        self.apply()
        for kernel, own in zip(self._pruned, self._constraints, strict=True):
            kernel.variable.constraint = own
        self._masks, self._constraints = [], []

    @property
    def sparsity(self) -> float:
        """Zeros over weights in the kernels that are not protected, counted."""
        return _zeros(self._pruned) / sum(kernel.values().size for kernel in self._pruned)

    @property
    def sparsity_all(self) -> float:
        """Zeros over weights in all kernels, counted."""
        return _zeros(self.kernels) / sum(kernel.values().size for kernel in self.kernels)


def _zeros(kernels: Sequence[Any]) -> int:
    return sum(int(np.count_nonzero(kernel.values() == 0)) for kernel in kernels)


def _masked(module: Any, mask: Any, own: Callable[[Any], Any] | None) -> Callable[[Any], Any]:
    def constraint(weights: Any) -> Any:
        values = module.ops.convert_to_tensor(own(weights) if own is not None else weights)
        return module.ops.where(mask, values, module.ops.zeros_like(values))

    return constraint


def check_target(sparsity: float) -> None:
    """EdgekitError for a target that is no fraction, or above what a layer can spare."""
    if not 0.0 < sparsity <= MOST:
        raise EdgekitError(
            f"the target sparsity is {sparsity:g}, and it lies above 0 and at most {MOST:g}",
            hint="give --sparsity 0.75 for three quarters of the weights",
        )


def check_reached(sparsity: float, target: float) -> None:
    """EdgekitError where fewer weights are zero than asked for."""
    if sparsity < target - TOLERANCE:
        raise EdgekitError(
            f"the sparsity is {sparsity:.4f} and not the {target:.4f} asked for",
            hint="is another constraint, or a callback, changing the weights?",
        )
