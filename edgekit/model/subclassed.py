# SPDX-License-Identifier: Apache-2.0
"""Models of a class of one's own: a functional model round them gives them inputs and outputs.

The variables stay those of the model itself, so whatever is done to the outer one is done to it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from edgekit.errors import EdgekitError
from edgekit.model.tf import keras, quiet

OUTER = "edgekit_outer"


def with_inputs(model: Any) -> Any:
    """`model` inside of a functional one; EdgekitError where its input shape is not known."""
    shapes = _shapes(model)
    if not shapes:
        raise EdgekitError(
            f"model '{model.name}' was never built, so its input shape is not known",
            hint="start it with keras.Input(shape=...) or call it once on data",
        )
    module = keras()
    inputs = [module.Input(tuple(shape[1:])) for shape in shapes]
    try:
        with quiet():
            outputs = model(inputs if len(inputs) > 1 else inputs[0])
    except Exception as error:
        raise EdgekitError(
            f"model '{model.name}' cannot be called on symbolic inputs: {_first_line(error)}",
            hint="use keras.ops in its call, or build it with keras.Input and keras.Model",
        ) from error
    return module.Model(inputs if len(inputs) > 1 else inputs[0], outputs, name=OUTER)


def inner_of(model: Any) -> Any:
    """The model that `with_inputs` was given; any other model is itself."""
    return model.layers[-1] if model.name == OUTER else model


def twin_of(outer: Any) -> Any:
    """A copy of what `with_inputs` gave, weights and all; EdgekitError where none can be."""
    inner = inner_of(outer)
    twin = _made_again(inner)
    inputs = [np.zeros((1, *(side or 1 for side in t.shape[1:])), t.dtype) for t in outer.inputs]
    with quiet():
        twin(inputs if len(inputs) > 1 else inputs[0])
    copy = with_inputs(twin)
    copy.set_weights(outer.get_weights())
    return copy


def _made_again(inner: Any) -> Any:
    """By its configuration, or where that holds nothing of its own without arguments."""
    for make in (lambda: type(inner).from_config(inner.get_config()), type(inner)):
        try:
            return make()
        except (TypeError, NotImplementedError, ValueError):
            continue
    raise EdgekitError(
        f"model '{inner.name}' cannot be copied: its class {type(inner).__name__} has no "
        "get_config() that its constructor takes",
        hint="write get_config(), or prune in your own fit with the callback edgekit.Pruner",
    )


def _shapes(model: Any) -> list[Sequence[int | None]]:
    """Shapes of the inputs, batch first, as the model was built with them."""
    config = (model.get_build_config() or {}) if getattr(model, "built", False) else {}
    shapes = config.get("input_shape") or config.get("shapes_dict")
    if isinstance(shapes, dict):
        shapes = list(shapes.values())
    if not shapes:
        return []
    return list(shapes) if isinstance(shapes[0], (list, tuple)) else [shapes]


def _first_line(error: Exception) -> str:
    return next((line for line in str(error).splitlines() if line.strip()), "")[:160]
