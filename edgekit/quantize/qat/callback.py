# SPDX-License-Identifier: Apache-2.0
"""What fine-tuning needs of a run that trains quantized: zeros that hold, and words for it.

It stands where a pruning callback stands; the zeros are those that the model came with.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

import numpy as np

from edgekit.model.tf import keras
from edgekit.quantize.qat.fake import KernelPlan


class Zeros:
    """Weights that are 0 stay 0: each kernel's constraint multiplies it by its mask."""

    def __init__(self, plans: Mapping[str, KernelPlan]) -> None:
        self._variables = [plan.variable for plan in plans.values()]
        self._masks = [np.asarray(variable) != 0 for variable in self._variables]
        self._own: list[Any] | None = None

    @property
    def sparsity(self) -> float:
        """Zeros over weights, counted as the kernels are now."""
        zeros = sum(int(np.sum(np.asarray(v) == 0)) for v in self._variables)
        return zeros / max(1, sum(mask.size for mask in self._masks))

    def install(self) -> None:
        self._own = [variable.constraint for variable in self._variables]
        for variable, mask, own in zip(self._variables, self._masks, self._own, strict=True):
            if not mask.all():
                variable.constraint = _masked(mask, own)

    def release(self) -> None:
        """Give the variables their own constraints back."""
        for variable, own in zip(self._variables, self._own or (), strict=False):
            variable.constraint = own
        self._own = None

    def values(self) -> list[np.ndarray]:
        return self._masks


def _masked(mask: np.ndarray, own: Callable[[Any], Any] | None) -> Callable[[Any], Any]:
    def constraint(weights: Any) -> Any:
        values = own(weights) if own is not None else weights
        return values * keras().ops.cast(mask, values.dtype)

    return constraint


@cache
def tuner_class() -> Any:
    """The callback, made when Keras is there; takes the plans of the kernels."""
    return type("QuantizedTraining", (_Tuning, keras().callbacks.Callback), {})


class _Tuning:
    model: Any
    label = "training quantized"
    finish_on_end = True

    def __init__(self, plans: Mapping[str, KernelPlan]) -> None:
        super().__init__()
        self.masks = Zeros(plans)
        self.current = self.target = self.masks.sparsity

    def resume(self, step: int, sparsity: float, masks: Sequence[np.ndarray]) -> None:
        """Nothing moves but the weights: the masks are those of the model given."""

    def on_train_begin(self, logs: Any = None) -> None:
        self.masks.install()
        self.model.make_train_function(force=True)

    def on_train_end(self, logs: Any = None) -> None:
        self.masks.release()
        self.model.train_function = None
