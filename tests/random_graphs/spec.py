# SPDX-License-Identifier: Apache-2.0
"""A random Keras model as plain data, so that it can be written down, repeated and shrunk."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Step:
    """One layer or keras.ops call; `sources` are the values that it reads.

    Values are numbered: the inputs first, then every step's output.
    """

    kind: str
    sources: tuple[int, ...]
    options: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Spec:
    """A model: input shapes without batch, steps, numbers of the output values, io types."""

    inputs: tuple[tuple[int, ...], ...]
    steps: tuple[Step, ...]
    outputs: tuple[int, ...]
    seed: int
    input_dtype: str = "int8"
    output_dtype: str = "int8"


def without_step(spec: Spec, position: int) -> Spec:
    """`spec` where readers of a step's output read its first source instead."""
    gone = len(spec.inputs) + position
    heir = spec.steps[position].sources[0]

    def renamed(value: int) -> int:
        value = heir if value == gone else value
        return value - 1 if value > gone else value

    steps = tuple(
        Step(step.kind, tuple(renamed(s) for s in step.sources), step.options)
        for i, step in enumerate(spec.steps)
        if i != position
    )
    outputs = tuple(dict.fromkeys(renamed(value) for value in spec.outputs))
    return Spec(spec.inputs, steps, outputs, spec.seed, spec.input_dtype, spec.output_dtype)
