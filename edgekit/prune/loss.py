# SPDX-License-Identifier: Apache-2.0
"""What fine-tuning minimizes: the task's loss, and the distance to the dense model's outputs.

For distillation the targets of a batch carry the teacher's outputs with them, so that an
ordinary `fit` with an ordinary loss does the work: class numbers [n] and outputs [n, k] become
rows [n, 1 + k]; targets and outputs of one shape are stacked on a new last axis.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from edgekit.errors import EdgekitError
from edgekit.model.tf import keras, tensorflow
from edgekit.prune.evidence import activation_of

TEMPERATURE = 3.0  # as in the measured runs; 2 to 5 differ little
SHARE = 0.5  # of the loss that is distillation
_SMALL = 1e-7


@dataclass(frozen=True, slots=True)
class Task:
    """`kind` is "classes", "binary" or "values"; `logits` whether outputs are no probabilities."""

    kind: str
    logits: bool


def task_of(model: Any, y: np.ndarray, output: int = 0) -> Task:
    """By the labels and the activation of an output; EdgekitError where they do not fit."""
    last = activation_of(model, output)
    if y.dtype.kind not in "iu":
        _check_shape(model, y, output)
        return Task("values", False)
    units = model.outputs[output].shape[-1]
    if units == 1:
        binary = bool(np.isin(y, (0, 1)).all())
        return Task("binary" if binary else "values", last != "sigmoid")
    if y.min() < 0 or y.max() >= units:
        raise EdgekitError(
            f"labels run from {y.min()} to {y.max()}, and the model has {units} outputs",
            hint="y holds class numbers from 0, or one-hot rows",
        )
    return Task("classes", last != "softmax")


def _check_shape(model: Any, y: np.ndarray, output: int) -> None:
    given = tuple(model.outputs[output].shape[1:])
    if None in given or np.prod(given) == np.prod(y.shape[1:]):
        return
    raise EdgekitError(
        f"targets of shape {tuple(y.shape[1:])} do not fit the model's output, which is {given}",
        hint="y holds class numbers (integers), or one target of the output's shape per sample",
    )


def task_loss(task: Task) -> Any:
    losses = keras().losses
    if task.kind == "classes":
        return losses.SparseCategoricalCrossentropy(from_logits=task.logits)
    if task.kind == "binary":
        return losses.BinaryCrossentropy(from_logits=task.logits)
    return losses.MeanSquaredError()


def pack(task: Task, y: np.ndarray, taught: np.ndarray) -> np.ndarray:
    """Targets and the teacher's outputs as one float32 array."""
    if task.kind == "values":
        return np.stack([y.reshape(taught.shape), taught], axis=-1).astype(np.float32)
    return np.concatenate([y.reshape(-1, 1), taught], axis=1).astype(np.float32)


def _targets(task: Task, packed: Any) -> tuple[Any, Any]:
    if task.kind == "values":
        return packed[..., 0], packed[..., 1]
    return packed[:, :1], packed[:, 1:]


def distillation_loss(task: Task, temperature: float = TEMPERATURE, share: float = SHARE) -> Any:
    """A Keras loss of `pack`ed targets: (1 - share) task + share distance to the teacher.

    The distance is the divergence of the outputs softened by `temperature`, times its square
    (Hinton 2015); for values the mean square error.
    """
    own: Any = task_loss(task)
    base: Any = keras().losses.Loss

    class Distilled(base):
        def call(self, y_true: Any, y_pred: Any) -> Any:
            tf = tensorflow()
            pred = tf.cast(y_pred, tf.float32)
            y, taught = _targets(task, tf.cast(y_true, tf.float32))
            loss = own(y, pred)
            return (1 - share) * loss + share * _distance(task, taught, pred, temperature)

    return Distilled(name="distilled")


def _distance(task: Task, taught: Any, pred: Any, temperature: float) -> Any:
    tf = tensorflow()
    if task.kind == "values":
        return tf.reduce_mean(tf.square(taught - pred))
    if task.kind == "binary":
        one = tf.sigmoid(_scores(task, taught) / temperature)
        soft = tf.nn.sigmoid_cross_entropy_with_logits(one, _scores(task, pred) / temperature)
        return temperature**2 * tf.reduce_mean(soft)
    goal = tf.nn.softmax(_scores(task, taught) / temperature)
    soft = tf.nn.softmax_cross_entropy_with_logits(goal, _scores(task, pred) / temperature)
    return temperature**2 * tf.reduce_mean(soft)


def _scores(task: Task, outputs: Any) -> Any:
    """Logits; of probabilities those that give them."""
    tf = tensorflow()
    if task.logits:
        return outputs
    p = tf.clip_by_value(outputs, _SMALL, 1 - _SMALL)
    return tf.math.log(p) - tf.math.log1p(-p) if task.kind == "binary" else tf.math.log(p)


def accuracy_metric(task: Task, *, packed: bool) -> Callable[[Any, Any], Any] | None:
    """Share of the batch that is right; None for values."""
    if task.kind == "values":
        return None

    def accuracy(y_true: Any, y_pred: Any) -> Any:
        tf = tensorflow()
        y = tf.cast(y_true, tf.float32)
        y = y[:, 0] if packed else tf.reshape(y, [-1])
        return tf.cast(tf.equal(y, tf.cast(_decided(task, y_pred), tf.float32)), tf.float32)

    return accuracy


def _decided(task: Task, outputs: Any) -> Any:
    tf = tensorflow()
    if task.kind == "classes":
        return tf.argmax(outputs, axis=-1)
    return tf.cast(tf.reshape(outputs, [-1]) > (0.0 if task.logits else 0.5), tf.int32)


def score_of(task: Task, outputs: np.ndarray, y: np.ndarray) -> float:
    """Higher is better: accuracy, or minus the mean square error."""
    if task.kind == "values":
        return -float(np.mean((outputs - y.reshape(outputs.shape)) ** 2))
    return float(np.mean(np.asarray(_decided(task, outputs)) == y.reshape(-1)))
