# SPDX-License-Identifier: Apache-2.0
"""Fine-tuning while the masks close, and pruning at once where there is nothing to learn from."""

from __future__ import annotations

import contextlib
import math
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from edgekit.errors import EdgekitError
from edgekit.model.tf import keras, quiet
from edgekit.progress import Progress, Task
from edgekit.prune.masks import Choice, Masks

STEPS = 500  # of the default run; enough for 75 % on ResNet8 (see docs), a minute on two cores
MOST_EPOCHS = 30
LAST_LEARNING_RATE = 1e-5


@dataclass(frozen=True, slots=True)
class Budget:
    """How long to fine-tune: 0 epochs or batch size = chosen by the number of samples."""

    epochs: int | None = None
    batch_size: int | None = None
    learning_rate: float = 1e-3
    seed: int = 0

    def resolved(self, samples: int) -> Budget:
        """With batches of 128 (32 below 4,000 samples) and about STEPS steps."""
        batch = self.batch_size or (128 if samples >= 4000 else 32)
        steps = math.ceil(samples / batch)
        epochs = self.epochs
        if epochs is None:
            epochs = min(MOST_EPOCHS, max(1, math.ceil(STEPS / steps)))
        return Budget(epochs, min(batch, samples), self.learning_rate, self.seed)


def loss_for(model: Any, y: np.ndarray) -> Any:
    """Cross entropy for class numbers, mean square error for other targets.

    Whether outputs are probabilities is judged by the activation of the last layer.
    """
    losses = keras().losses
    if y.dtype.kind not in "iu":
        return losses.MeanSquaredError()
    units = model.outputs[0].shape[-1]
    last = getattr(getattr(model.layers[-1], "activation", None), "__name__", "")
    last = last or type(model.layers[-1]).__name__.lower()
    if units == 1:
        if not np.isin(y, (0, 1)).all():
            return losses.MeanSquaredError()
        return losses.BinaryCrossentropy(from_logits=last != "sigmoid")
    if y.min() < 0 or y.max() >= units:
        raise EdgekitError(
            f"labels run from {y.min()} to {y.max()}, and the model has {units} outputs",
            hint="y holds class numbers from 0, or one-hot rows",
        )
    return losses.SparseCategoricalCrossentropy(from_logits=last != "softmax")


def fine_tune(
    model: Any,
    x: Sequence[np.ndarray],
    y: np.ndarray,
    pruner: Any,
    budget: Budget,
    progress: Progress,
) -> None:
    """Fit `model` on x and y with the callback `pruner`; Adam with a cosine rate, seeded.

    The optimizer is let go afterwards, so that a saved model holds weights and nothing else.
    """
    module = keras()
    samples = len(x[0])
    assert budget.epochs is not None and budget.batch_size is not None
    steps = math.ceil(samples / budget.batch_size) * budget.epochs
    rate = module.optimizers.schedules.CosineDecay(
        budget.learning_rate, steps, alpha=LAST_LEARNING_RATE / budget.learning_rate
    )
    with _seeded(module, budget.seed), progress.task("pruning", steps) as task:
        model.compile(
            optimizer=module.optimizers.Adam(rate), loss=loss_for(model, y), jit_compile=False
        )
        model.fit(
            list(x) if len(x) > 1 else x[0],
            y,
            batch_size=budget.batch_size,
            epochs=budget.epochs,
            verbose=0,
            callbacks=[pruner, _reporter(module, pruner, task)],
        )
    model.optimizer, model.compiled = None, False


def prune_at_once(model: Any, sparsity: float, choice: Choice) -> Masks:
    """Make the least valuable weights zero and leave the others as they are."""
    masks = Masks(model, choice)
    masks.install()
    masks.update(sparsity)
    masks.remove()
    return masks


def _reporter(module: Any, pruner: Any, task: Task) -> Any:
    def advance(batch: int, logs: Any) -> None:
        loss = (logs or {}).get("loss")
        note = f"sparsity {100 * pruner.current:.0f} %"
        task.advance(1, note if loss is None else f"{note}, loss {float(loss):.3f}")

    return module.callbacks.LambdaCallback(on_train_batch_end=advance)


@contextlib.contextmanager
def _seeded(module: Any, seed: int) -> Iterator[None]:
    """Keras seeds Python's and numpy's generators too; the caller's are put back afterwards."""
    python, numpy = random.getstate(), np.random.get_state()
    try:
        with quiet():
            module.utils.set_random_seed(seed)
        yield
    finally:
        random.setstate(python)
        np.random.set_state(numpy)
