# SPDX-License-Identifier: Apache-2.0
"""Masks that hold: applied by each variable's constraint, inside the optimizer's step."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from edgekit.model.tf import keras
from edgekit.prune.criteria import named_criterion
from edgekit.prune.evidence import Evidence, distance, make_evidence, reference_outputs
from edgekit.prune.objective import costs_of
from edgekit.prune.reading import array_of
from edgekit.prune.scopes import named_scope
from edgekit.prune.scopes.ranking import with_best_safe
from edgekit.prune.structures import Groups, structure_of
from edgekit.prune.targets import Kernel, find_kernels

SCANNED = 2  # batches that the scan of an adaptive scope looks at


@dataclass(frozen=True, slots=True)
class Choice:
    """What is pruned and how: rows of CRITERIA, SCOPES, STRUCTURES and OBJECTIVES (or objects).

    `keep` names layers to leave alone; `of_all` counts the target over all kernels, those left
    alone too.
    """

    method: Any = "magnitude"
    scope: Any = "global"
    structure: Any = "unstructured"
    keep: tuple[str, ...] = ()
    objective: Any = "size"
    of_all: bool = False


class Masks:
    """Masks over the prunable kernels of a model, and the zeros they hold.

    Between `install` and `remove` every optimizer step ends with masked weights exactly zero,
    under jit_compile, run_eagerly and steps_per_execution alike, since the mask is a variable
    that the constraint reads; a constraint of the user's is applied before it. Nothing of this
    is saved with the model.
    """

    def __init__(self, model: Any, choice: Choice, evidence: Evidence | None = None) -> None:
        self.kernels = find_kernels(model, choice.keep)
        self.pruned = [kernel for kernel in self.kernels if not kernel.protected]
        self.evidence = evidence or make_evidence(model)
        self.criterion = named_criterion(choice.method)
        self.evidence.need(self.criterion.needs, self.criterion.name)
        self._structures = [structure_of(choice.structure, k.name) for k in self.pruned]
        self._scope = named_scope(choice.scope)
        self._costs = costs_of(choice.objective, self.pruned)
        if hasattr(self._scope, "prepare"):
            self.evidence.need("samples", f"scope {choice.scope}")
        self._prepared = not hasattr(self._scope, "prepare")
        self._masks: list[Any] = []
        self._shrink: Any = None
        self._constraints: list[Callable[[Any], Any] | None] = []

    def install(self, scope: Any = None) -> None:
        """Put the constraints on; all masks start open. `scope` is a strategy's, if any."""
        module = keras()
        with scope or contextlib.nullcontext():
            self._shrink = module.Variable(0.0, dtype="float32", trainable=False, name="shrink")
            for kernel in self.pruned:
                variable = kernel.variable
                mask = module.Variable(
                    np.ones(variable.shape, bool), dtype="bool", trainable=False, name="mask"
                )
                self._masks.append(mask)
                self._constraints.append(variable.constraint)
                shrink = self._shrink if self.criterion.shrink else None
                variable.constraint = _masked(module, mask, shrink, variable.constraint)

    def update(self, sparsity: float) -> None:
        """Choose anew what is zero, by the weights as they are, and make it zero at once."""
        groups = self._groups()
        if not self._prepared:
            self._prepare(groups)
        keeps = self._scope(groups, sparsity)
        for layer, (mask, keep) in enumerate(zip(self._masks, keeps, strict=True)):
            mask.assign(self._expand(layer, keep))
        self.apply()

    def shrink(self, rate: float) -> None:
        """How much of |w| each step takes off at this learning rate (criterion `l1`)."""
        self._shrink.assign(self.criterion.shrink * rate)

    def values(self) -> list[np.ndarray]:
        """The masks, True = stays, one array per pruned kernel."""
        return [array_of(mask) for mask in self._masks]

    def assign(self, values: Sequence[np.ndarray]) -> None:
        """Masks as `values` gave them, after an interruption."""
        for mask, array in zip(self._masks, values, strict=True):
            mask.assign(array)
        self.apply()

    def apply(self) -> None:
        """Make the masked weights exactly zero."""
        for kernel, mask in zip(self.pruned, self._masks, strict=True):
            kernel.assign(np.where(array_of(mask), kernel.values(), 0))

    def remove(self) -> None:
        """Apply a last time and give the variables their own constraints back."""
        self.apply()
        self.release()

    def release(self) -> None:
        """Give the variables their own constraints back and leave the weights as they are."""
        if not self._masks:
            return
        for kernel, own in zip(self.pruned, self._constraints, strict=True):
            kernel.variable.constraint = own
        self._masks, self._constraints = [], []

    @property
    def reachable(self) -> float:
        """The highest sparsity that structure and the 2 % that stay in each layer allow."""
        groups = self._groups(np.abs(kernel.values()) for kernel in self.pruned)
        kept = sum(int(g.sizes[np.isinf(with_best_safe(g))].sum()) for g in groups)
        return 1 - kept / sum(g.weights for g in groups)

    @property
    def grain(self) -> float:
        """Half the largest group over all weights: the sparsity comes no nearer to a target."""
        groups = self._groups(np.abs(kernel.values()) for kernel in self.pruned)
        return max(int(g.sizes.max()) for g in groups) / 2 / sum(g.weights for g in groups)

    @property
    def notes(self) -> tuple[str, ...]:
        """What does not divide, by layer."""
        said = []
        for kernel, structure in zip(self.pruned, self._structures, strict=True):
            shape = kernel.layout.matrix_shape(tuple(kernel.variable.shape))
            if note := structure.note(shape):
                said.append(f"layer '{kernel.name}': {note}")
        return tuple(said)

    @property
    def sparsity(self) -> float:
        """Zeros over weights in the kernels that are not protected, counted."""
        return zeros_over_weights(self.pruned)

    @property
    def sparsity_all(self) -> float:
        """Zeros over weights in all kernels, counted."""
        return zeros_over_weights(self.kernels)

    def _groups(self, scores: Iterable[np.ndarray] | None = None) -> list[Groups]:
        if scores is None:
            scores = self.criterion(self.pruned, self.evidence)
        return [
            structure.groups(kernel.layout.matrix(array)).worth(cost**-0.5)
            for kernel, structure, array, cost in zip(
                self.pruned, self._structures, scores, self._costs, strict=True
            )
        ]

    def _expand(self, layer: int, keep: np.ndarray) -> np.ndarray:
        kernel = self.pruned[layer]
        shape = tuple(kernel.variable.shape)
        matrix = self._structures[layer].expand(keep, kernel.layout.matrix_shape(shape))
        return kernel.layout.kernel(matrix, shape)

    def _prepare(self, groups: Sequence[Groups]) -> None:
        """Let the scope try layers one by one; the weights are as before afterwards."""
        model, batches = self.evidence.model, self.evidence.batches[:SCANNED]
        dense = reference_outputs(model, batches)

        def damage(layer: int, keep: np.ndarray) -> float:
            kernel = self.pruned[layer]
            own = kernel.values()
            kernel.assign(np.where(self._expand(layer, keep), own, 0))
            try:
                return distance(model, batches, dense)
            finally:
                kernel.assign(own)

        self._scope.prepare(groups, self._costs, damage)  # type: ignore[attr-defined]
        self._prepared = True


def zeros_over_weights(kernels: Sequence[Kernel]) -> float:
    """The sparsity of the kernels together, counted."""
    zeros = sum(int(np.count_nonzero(kernel.values() == 0)) for kernel in kernels)
    return zeros / sum(kernel.values().size for kernel in kernels)


def _masked(
    module: Any, mask: Any, shrink: Any, own: Callable[[Any], Any] | None
) -> Callable[[Any], Any]:
    ops = module.ops

    def constraint(weights: Any) -> Any:
        values = ops.convert_to_tensor(own(weights) if own is not None else weights)
        if shrink is not None:
            # The proximal step of an L1 term: it takes the same off every |w|, down to 0.
            less = ops.maximum(ops.abs(values) - ops.cast(shrink, values.dtype), 0)
            values = ops.sign(values) * less
        return ops.where(mask, values, ops.zeros_like(values))

    return constraint
