# SPDX-License-Identifier: Apache-2.0
"""`Pruner`, a Keras callback: `model.fit(..., callbacks=[Pruner(sparsity=0.75)])`.

The class exists from the first time it is asked for, since its base is Keras's.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from edgekit.errors import EdgekitError
from edgekit.model.tf import keras
from edgekit.prune.evidence import Evidence, make_evidence
from edgekit.prune.goals import Answers, arrays_of_targets
from edgekit.prune.masks import Choice, Masks
from edgekit.prune.momenta import clear_momenta
from edgekit.prune.reading import array_of
from edgekit.prune.schedule import Schedule, bound_schedule, default_schedule
from edgekit.prune.target import check_target, within_reach


def __getattr__(name: str) -> Any:
    if name == "Pruner":
        return pruner_class()
    raise AttributeError(name)


@cache
def pruner_class() -> Any:
    """The class `Pruner`, made when Keras is there."""
    return type("Pruner", (_Pruning, keras().callbacks.Callback), {"__doc__": _Pruning.__doc__})


class _Pruning:
    """Prunes the model that it is fitted with, and leaves it a plain model with zeros.

    `sparsity` is over the kernels that are not protected; `schedule` a name, an object of
    edgekit.prune.schedule, or any callable step -> (update?, sparsity); `choice` are the fields
    of Choice. `data` is what criteria and scopes look at, samples x or (x, y), each an array or
    a list of them (one per input or output), or an Evidence; `total_steps` is only needed
    where fit cannot know how many steps an epoch has. `masks` shows the result.
    """

    model: Any
    params: dict[str, Any]

    def __init__(
        self,
        sparsity: float = 0.75,
        *,
        schedule: Any = None,
        data: Any = None,
        seed: int = 0,
        total_steps: int = 0,
        **choice: Any,
    ) -> None:
        super().__init__()
        check_target(sparsity)
        self.target = sparsity
        self.masks: Masks | None = None
        self.current = 0.0
        self.finish_on_end = True
        self._asked, self._data, self._seed = schedule, data, seed
        self._choice = Choice(**choice)
        self._total_steps = total_steps
        self._schedule: Schedule = lambda step: (False, 0.0)
        self._start, self._next = 0, 0
        self._resumed: tuple[int, float, list[np.ndarray]] | None = None

    def resume(self, step: int, sparsity: float, masks: list[np.ndarray]) -> None:
        """Go on, at the next fit, from `step` of the schedule with these masks."""
        self._resumed = (step, sparsity, masks)

    def on_train_begin(self, logs: Any = None) -> None:
        """Put the masks on; a training function traced before knows nothing of them."""
        self.masks = Masks(self.model, self._choice, self._evidence())
        self.target, _ = within_reach(self.masks, self.target, self._choice)
        asked = self._asked
        if asked is None:
            asked = default_schedule(self.target, shrinking=self.masks.criterion.shrink > 0)
        self._schedule = bound_schedule(asked, self.target, self._steps())
        self.masks.install(self.model.distribute_strategy.scope() if self._spread() else None)
        self._start, self._next = int(array_of(self.model.optimizer.iterations)), 0
        if self._resumed is not None:
            step, self.current, values = self._resumed
            self._start, self._next = self._start - step, step
            self.masks.assign(values)
        self.model.make_train_function(force=True)

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        """Update when a due step has come or passed: fit may run several in one go."""
        step = int(array_of(self.model.optimizer.iterations)) - self._start
        answers = [self._schedule(s) for s in range(self._next, step + 1)]
        self._next = step + 1
        due = [sparsity for update, sparsity in answers if update]
        if self.masks is None:
            return
        if due:
            self.close(min(due[-1], self.target))
        if self.masks.criterion.shrink:
            closing = self.current < self.target
            self.masks.shrink(
                float(array_of(self.model.optimizer.learning_rate)) if closing else 0.0
            )

    def close(self, sparsity: float) -> None:
        """Bring the masks to `sparsity` now; the optimizer forgets what it knew of the weights."""
        assert self.masks is not None
        self.current = sparsity
        self.masks.update(sparsity)
        variables = [kernel.variable for kernel in self.masks.pruned]
        clear_momenta(self.model.optimizer, variables, self.masks.values())

    def on_train_end(self, logs: Any = None) -> None:
        """Bring a run that stopped early to the target, and take the masks off."""
        if self.masks is None or not self.finish_on_end:
            return
        if self.current < self.target:
            self.close(self.target)
        self.masks.remove()
        # The traced function still holds the masks; the next fit traces a new one.
        self.model.train_function = None

    def _spread(self) -> bool:
        return getattr(self.model, "distribute_strategy", None) is not None

    def _evidence(self) -> Evidence:
        if isinstance(self._data, Evidence) or self._data is None:
            return self._data or make_evidence(self.model, seed=self._seed)
        x, y = self._data if isinstance(self._data, tuple) else (self._data, None)
        arrays = list(x) if isinstance(x, (list, tuple)) else [x]
        y = Answers(y) if isinstance(y, (list, tuple)) else y
        return make_evidence(self.model, arrays, y, loss=self._loss, seed=self._seed)

    def _loss(self, y: Any, outputs: list[Any]) -> Any:
        goals = arrays_of_targets(y)
        several = len(outputs) > 1
        pairs = {"y": list(goals), "y_pred": outputs} if several else {"y": goals[0]}
        return self.model.compute_loss(**({"y_pred": outputs[0]} | pairs))

    def _steps(self) -> int:
        steps = self._total_steps or (self.params.get("steps") or 0) * self.params["epochs"]
        if not steps:
            raise EdgekitError(
                "the number of steps of this fit is not known, and the schedule needs it",
                hint="give Pruner(total_steps=...), or fit(steps_per_epoch=...)",
            )
        return int(steps)
