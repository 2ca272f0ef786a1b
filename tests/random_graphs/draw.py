# SPDX-License-Identifier: Apache-2.0
"""Draws a random Spec: which layers, in which shapes, how they are joined."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.random_graphs.apply import MERGES, apply
from tests.random_graphs.layers import ONE, Shape, pick
from tests.random_graphs.spec import Spec, Step

MOST_ELEMENTS = 4096
JOINS = ("merge", "merge", "constant", "concat", "stack")


class Drawer:
    """Grows a model step by step; a step that Keras refuses is drawn again."""

    def __init__(self, seed: int) -> None:
        import keras

        keras.backend.clear_session()
        self._rng = np.random.default_rng(seed)
        self._seed = seed
        self._shapes = self._input_shapes()
        self._values: list[Any] = [keras.Input(s, batch_size=1) for s in self._shapes]
        self._steps: list[Step] = []

    def _input_shapes(self) -> tuple[Shape, ...]:
        rng = self._rng
        if rng.random() < 0.75:
            shape = (*(int(s) for s in rng.integers(3, 14, 2)), int(rng.integers(1, 9)))
        else:
            shape = tuple(int(s) for s in rng.integers(3, 17, pick(rng, [1, 2])))
        if rng.random() < 0.2:
            return (shape, shape)
        return (shape, (shape[-1],)) if rng.random() < 0.1 else (shape,)

    def spec(self) -> Spec:
        """The drawn model: three to nine steps, every input used, one or more outputs."""
        rng = self._rng
        self._join_inputs()
        for _ in range(int(rng.integers(3, 10))):
            for _ in range(8):
                if self._grow(self._draw_step()):
                    break
        if rng.random() < 0.08:
            axis = len(self._values[-1].shape) - 1
            self._grow(Step("argmax", (len(self._values) - 1,), {"axis": axis}))
        first_step = len(self._shapes)
        outputs = [len(self._values) - 1]
        if rng.random() < 0.2 and outputs[0] > first_step:
            outputs.append(int(rng.integers(first_step, outputs[0])))
        io = ["int8"] * 6 + ["uint8", "float32"]
        return Spec(
            self._shapes,
            tuple(self._steps),
            tuple(outputs),
            self._seed,
            str(pick(rng, io)),
            "int8" if self._steps[-1].kind == "argmax" else str(pick(rng, io)),
        )

    def _join_inputs(self) -> None:
        if len(self._shapes) > 1:
            kind = str(pick(self._rng, ["add", "multiply", "maximum", "subtract"]))
            self._grow(Step(kind, (0, 1)))

    def _draw_step(self) -> Step:
        rng = self._rng
        if rng.random() < 0.25:
            return self._draw_join()
        last = len(self._values) - 1
        source = last if rng.random() < 0.85 else int(rng.integers(0, last + 1))
        shape = tuple(self._values[source].shape[1:])
        kinds = [kind for kind, (ranks, _, _) in ONE.items() if len(shape) in ranks]
        weights = np.array([ONE[kind][1] for kind in kinds])
        kind = str(rng.choice(kinds, p=weights / weights.sum()))
        return Step(kind, (source,), ONE[kind][2](rng, shape))

    def _draw_join(self) -> Step:
        rng, last = self._rng, len(self._values) - 1
        how = str(pick(rng, JOINS))
        shape = tuple(self._values[last].shape)
        twins = [i for i, v in enumerate(self._values) if tuple(v.shape) == shape]
        other = int(pick(rng, twins))
        if how == "concat":
            axis = int(rng.integers(1, len(shape)))
            return Step(
                "concat",
                (last, other, int(pick(rng, twins)))[: int(rng.integers(2, 4))],
                {"axis": axis},
            )
        if how == "stack" and len(shape) < 4:
            return Step("stack", (last, other), {"axis": int(rng.integers(1, len(shape) + 1))})
        kind = str(pick(rng, MERGES))
        options = {"swap": bool(rng.random() < 0.4)}
        if how == "merge" and (other != last or rng.random() < 0.1):
            return Step(kind, (last, other), options)
        sides = [s if rng.random() < 0.5 else 1 for s in shape[1:]]
        constant = np.round(rng.normal(0, 1, [1, *sides]), 3).tolist()
        return Step(kind, (last,), options | {"constant": constant})

    def _grow(self, step: Step) -> bool:
        try:
            value = apply(step, [self._values[s] for s in step.sources])
        except Exception:  # whatever Keras says about shapes that do not fit
            return False
        shape = tuple(value.shape)
        if len(shape) < 2 or len(shape) > 4 or None in shape:
            return False
        if 0 in shape or int(np.prod(shape)) > MOST_ELEMENTS:
            return False
        if step.kind == "softmax" and shape[-1] >= 512:  # TFLM aborts where all are about equal
            return False
        self._steps.append(step)
        self._values.append(value)
        return True


def draw_spec(seed: int) -> Spec:
    """The random model number `seed`."""
    return Drawer(seed).spec()
