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
        """EdgekitError where the function fails on arrays of its inputs' own shapes."""
        tf = tensorflow()
        try:
            found = self.tensors([tf.constant(array) for array in arrays])
        except tf.errors.OpError as error:
            raise EdgekitError(
                f"the SavedModel's function fails on these inputs: {_told(error)}",
                hint="an int8 model takes arrays of one fixed shape: no ragged inputs, none whose "
                "values say how large others are",
            ) from error
        return [np.asarray(tensor) for tensor in found]


def _told(error: Exception) -> str:
    """What went wrong: the last line of TensorFlow's report that is no frame of it."""
    lines = [line.strip() for line in str(error).splitlines()]
    told = [line for line in lines if line and not line.startswith(("[[", "<", "Detected"))]
    return told[-1][:160] if told else type(error).__name__


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
