# SPDX-License-Identifier: Apache-2.0
"""A SavedModel without Keras inside: one function that can be called and converted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from edgekit.errors import EdgekitError
from edgekit.model.info import InputSpec
from edgekit.model.tf import quiet, tensorflow

SIGNATURE = "serving_default"


@dataclass(frozen=True, slots=True, eq=False)
class SavedFunction:
    """The `serving_default` signature of a SavedModel; `loaded` keeps its variables alive."""

    inputs: tuple[InputSpec, ...]
    function: Any
    loaded: Any

    def tensors(self, arguments: Sequence[Any]) -> list[Any]:
        """Output tensors for input tensors, both in the signature's order."""
        named = {spec.name: value for spec, value in zip(self.inputs, arguments, strict=True)}
        outputs = self.function(**named)
        return [outputs[name] for name in sorted(outputs)]

    def __call__(self, arrays: Sequence[np.ndarray]) -> list[np.ndarray]:
        tf = tensorflow()
        return [np.asarray(t) for t in self.tensors([tf.constant(array) for array in arrays])]


def load_saved_model(path: Path) -> SavedFunction:
    """The folder `path` as a callable; EdgekitError where it is damaged or has no signature."""
    tf = tensorflow()
    try:
        with quiet():
            loaded = tf.saved_model.load(str(path))
    except Exception as error:
        raise EdgekitError(
            f"'{path}' is not a readable SavedModel: {str(error).splitlines()[0][:160]}",
            hint="export it again: model.export(folder)",
        ) from error
    if SIGNATURE not in loaded.signatures:
        raise EdgekitError(
            f"the SavedModel '{path}' has no signature '{SIGNATURE}'",
            hint="export it with model.export(folder), which writes one",
        )
    function = loaded.signatures[SIGNATURE]
    arguments = function.structured_input_signature[1]
    inputs = tuple(
        InputSpec(name, tuple(spec.shape[1:]), spec.dtype.name)
        for name, spec in sorted(arguments.items())
    )
    return SavedFunction(inputs, function, loaded)
