# SPDX-License-Identifier: Apache-2.0
"""Rounding while training: forward what the integers will be, backward as if nothing happened."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from edgekit.model.tf import keras, tensorflow

MODES = ("learned", "averaged", "fixed")
MOMENTUM = 0.99  # of averaged ranges, a step
NARROWEST = 1e-6
TIE = 1e-4  # of a step; averages of up to 5,000 values differ by more


@cache
def fake_quant_class() -> Any:
    """The layer that rounds activations, made when Keras is there."""
    return type("FakeQuant", (_FakeQuant, keras().layers.Layer), {"__doc__": _FakeQuant.__doc__})


class _FakeQuant:
    """Rounds activations to 256 steps; `low` and `high` hold 0.

    Learned ranges are factors, so that a step of the optimizer means the same for a range of 0.1
    as for one of 100.
    """

    add_weight: Any

    def __init__(self, low: float, high: float, mode: str, **options: Any) -> None:
        super().__init__(**options)
        self.start_from(low, high)
        self._mode = mode
        self._ends: Any = None

    def start_from(self, low: float, high: float) -> None:
        """The range before anything is learned; a traced function keeps the one it saw."""
        self._start = (min(low, 0.0), max(high, NARROWEST, -low * NARROWEST))

    def build(self, input_shape: Any) -> None:
        if self._mode == "learned":
            self._ends = self.add_weight(shape=(2,), initializer="zeros", name="stretch")
        elif self._mode == "averaged":
            start = self._start
            self._ends = self.add_weight(
                shape=(2,),
                initializer=lambda shape, dtype=None: keras().ops.convert_to_tensor(start, dtype),
                trainable=False,
                name="ends",
            )
        self.built = True

    def ends(self) -> tuple[Any, Any]:
        tf = tensorflow()
        if self._mode == "learned":
            stretch = tf.exp(tf.convert_to_tensor(self._ends))
            return self._start[0] * stretch[0], self._start[1] * stretch[1]
        if self._mode == "averaged":
            held = tf.convert_to_tensor(self._ends)
            return held[0], held[1]
        return tf.constant(self._start[0]), tf.constant(self._start[1])

    def call(self, inputs: Any, training: Any = None) -> Any:
        tf = tensorflow()
        if training and self._mode == "averaged":
            now = tf.stack([tf.reduce_min(inputs), tf.reduce_max(inputs)])
            now = tf.stack([tf.minimum(now[0], 0.0), tf.maximum(now[1], NARROWEST)])
            self._ends.assign(MOMENTUM * self._ends + (1 - MOMENTUM) * now)
        low, high = self.ends()
        return tf.quantization.fake_quant_with_min_max_vars(inputs, low, high, num_bits=8)


def pool_ties(node: Any, name: str) -> Any:
    """A layer that moves averages by a ten thousandth of a step, so that halves round as in TFLM.

    Its AVERAGE_POOL_2D rounds halves of the stored integer away from zero, so those of negative
    integers (most are, behind a ReLU) go down; `node` is what rounds next, halves up.
    """
    base: Any = keras().layers.Layer

    class PoolTies(base):
        def call(self, inputs: Any) -> Any:
            tf = tensorflow()
            low, high = node.ends()
            step = (high - low) / 255.0
            stored = inputs / step - 128.0 - tf.round(low / step)
            away = tf.where(stored < 0, -TIE * step, TIE * step)
            return inputs + tf.stop_gradient(away)

    return PoolTies(name=name)


@dataclass(frozen=True, slots=True, eq=False)
class KernelPlan:
    """How a kernel is rounded: symmetric steps up to `limit`, one scale per index of `axes`.

    While it is trained the variable holds the kernel divided by `factor`. Folding a batch norm
    makes weights of any size (those of pixels 0..255 a hundredth of others), and a step of Adam
    is of one size; by the factor weights are as large as a fresh layer's.
    """

    variable: Any
    attribute: str
    axes: tuple[int, ...]
    bits: int
    factor: np.ndarray

    @property
    def limit(self) -> int:
        return int(2 ** (self.bits - 1) - 1)


@contextlib.contextmanager
def fake_kernels(layers: Mapping[str, Any], plans: Mapping[str, KernelPlan]) -> Iterator[None]:
    """Inside the block each layer named in `plans` computes with its rounded kernel."""
    own = {name: type(layers[name]) for name in plans}
    for name, plan in plans.items():
        layers[name].__class__ = _rounding_class(own[name], plan)
        plan.variable.assign(np.asarray(plan.variable) / plan.factor)
    try:
        yield
    finally:
        for plan in plans.values():
            plan.variable.assign(np.asarray(plan.variable) * plan.factor)
        for name, cls in own.items():
            layers[name].__class__ = cls


def _rounding_class(cls: Any, plan: KernelPlan) -> Any:
    """A class whose kernel is the rounded one; layers read it at each call."""
    kernel = property(lambda self: rounded(plan))
    return type(cls.__name__, (cls,), {plan.attribute: kernel, "__module__": cls.__module__})


def rounded(plan: KernelPlan) -> Any:
    """The kernel on its grid, halves away from zero; the gradient passes as if it were not."""
    tf = tensorflow()
    kernel = tf.convert_to_tensor(plan.variable) * plan.factor
    others = [axis for axis in range(len(kernel.shape)) if axis not in plan.axes]
    largest = tf.reduce_max(tf.abs(kernel), axis=others, keepdims=True)
    scale = tf.stop_gradient(largest) / plan.limit
    scale = tf.where(scale > 0, scale, tf.ones_like(scale))
    steps = kernel / scale
    whole = tf.sign(steps) * tf.floor(tf.abs(steps) + 0.5)
    return kernel + tf.stop_gradient(whole * scale - kernel)
