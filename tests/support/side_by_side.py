# SPDX-License-Identifier: Apache-2.0
"""Many small cases of an operator in one model, so that they cost one compilation."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from tests.support.tflite_builder import ModelBuilder


def side_by_side(add: Callable[..., Any], cases: Iterable[tuple[Any, ...]], **rest: Any) -> bytes:
    """One model with `add(builder, *case, **rest)` for each case, each with inputs of its own.

    `add` returns the op's output, or a list of its outputs.
    """
    b = ModelBuilder()
    outputs: list[int] = []
    for case in cases:
        made = add(b, *case, **rest)
        outputs += made if isinstance(made, list) else [made]
    return b.finish(outputs)


def alone(add: Callable[..., Any]) -> Callable[..., bytes]:
    """The function that makes a model of one op out of one that adds it to a builder."""

    def model(*args: Any, **rest: Any) -> bytes:
        return side_by_side(add, [args], **rest)

    return model
