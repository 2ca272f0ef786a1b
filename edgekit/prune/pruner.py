# SPDX-License-Identifier: Apache-2.0
"""`Pruner`, a Keras callback: `model.fit(..., callbacks=[Pruner(sparsity=0.75)])`.

The class exists from the first time it is asked for, since its base is Keras's.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from edgekit.errors import EdgekitError
from edgekit.model.tf import keras
from edgekit.prune.masks import Choice, Masks, check_target
from edgekit.prune.schedule import Schedule, bound_schedule


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
    edgekit.prune.schedule, or any callable step -> (update?, sparsity); `total_steps` is only
    needed where fit cannot know how many steps an epoch has. `masks` shows the result.
    """

    model: Any
    params: dict[str, Any]

    def __init__(
        self,
        sparsity: float = 0.75,
        *,
        schedule: Any = "polynomial",
        method: str = "magnitude",
        scope: str = "global",
        structure: str = "unstructured",
        keep: tuple[str, ...] = (),
        total_steps: int = 0,
    ) -> None:
        super().__init__()
        check_target(sparsity)
        self.target = sparsity
        self.masks: Masks | None = None
        self.current = 0.0
        self._asked = schedule
        self._choice = Choice(method, scope, structure, keep)
        self._total_steps = total_steps
        self._schedule: Schedule = lambda step: (False, 0.0)
        self._start = 0
        self._next = 0

    def on_train_begin(self, logs: Any = None) -> None:
        """Put the masks on; a training function traced before knows nothing of them."""
        self._schedule = bound_schedule(self._asked, self.target, self._steps())
        self.masks = Masks(self.model, self._choice)
        self.masks.install()
        self._start, self._next = int(self.model.optimizer.iterations), 0
        self.model.make_train_function(force=True)

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        """Update when a due step has come or passed: fit may run several in one go."""
        step = int(self.model.optimizer.iterations) - self._start
        answers = [self._schedule(s) for s in range(self._next, step + 1)]
        self._next = step + 1
        due = [sparsity for update, sparsity in answers if update]
        if due and self.masks is not None:
            self.current = due[-1]
            self.masks.update(self.current)

    def on_train_end(self, logs: Any = None) -> None:
        """Bring a run that stopped early to the target, and take the masks off."""
        if self.masks is None:
            return
        if self.current < self.target:
            self.current = self.target
            self.masks.update(self.target)
        self.masks.remove()
        # The traced function still holds the masks; the next fit traces a new one.
        self.model.train_function = None

    def _steps(self) -> int:
        steps = self._total_steps or (self.params.get("steps") or 0) * self.params["epochs"]
        if not steps:
            raise EdgekitError(
                "the number of steps of this fit is not known, and the schedule needs it",
                hint="give Pruner(total_steps=...), or fit(steps_per_epoch=...)",
            )
        return int(steps)
