# SPDX-License-Identifier: Apache-2.0
"""`package.module:function`, and live arrays, pairs, dicts and tf.data datasets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from edgekit.errors import EdgekitError
from edgekit.model.custom import import_object
from edgekit.model.dataset import Samples
from edgekit.model.info import InputSpec
from edgekit.model.readers.raw import Raw, from_named
from edgekit.model.tf import quiet


def read_function(spec: str, inputs: Sequence[InputSpec]) -> Raw:
    """What the user's function returns; called once, without arguments."""
    function = import_object(spec, "--data")
    try:
        with quiet():
            value = function() if callable(function) else function
    except Exception as error:
        raise EdgekitError(
            f"--data '{spec}' failed: {type(error).__name__}: {error}",
            hint="the function is called without arguments and returns arrays",
        ) from error
    return read_live(value, inputs, spec)


def read_live(value: Any, inputs: Sequence[InputSpec], source: str = "arrays") -> Raw:
    """An array of samples, (x, y), ((x0, x1), y), a dict of arrays, or a tf.data dataset.

    The labels of several outputs are a dict by their names, or a list of arrays in their order.
    """
    if isinstance(value, Mapping):
        return from_named({str(k): np.asarray(v) for k, v in value.items()}, inputs, source)
    if hasattr(value, "as_numpy_iterator"):
        value = _drain(value, inputs)
    if isinstance(value, tuple) and len(value) == 2:
        x, y = value
        return _pair(x, y, inputs, source)
    if isinstance(value, (list, tuple)) and len(inputs) > 1:
        return _pair(value, None, inputs, source)
    if hasattr(value, "__array__") or isinstance(value, list):
        return _pair(value, None, inputs, source)
    raise EdgekitError(
        f"data of type {type(value).__name__} is not understood",
        hint="give an array, a pair (x, y), a dict of arrays, a tf.data dataset, or a path",
    )


def _pair(x: Any, y: Any, inputs: Sequence[InputSpec], source: str) -> Raw:
    parts = list(x) if len(inputs) > 1 and isinstance(x, (list, tuple)) else [x]
    if len(parts) != len(inputs):
        raise EdgekitError(
            f"the data have {len(parts)} arrays of samples, the model has {len(inputs)} inputs",
            hint="give one array per model input",
        )
    names = [f"input {position}" for position in range(len(parts))]
    arrays: dict[str, Samples] = {n: np.asarray(p) for n, p in zip(names, parts, strict=True)}
    if y is None:
        return Raw(arrays, (*names, ""), source=source)
    if not (several := _several(y, len(arrays[names[0]]))):
        return Raw(arrays | {"y": np.asarray(y)}, (*names, "y"), source=source)
    labels = {f"y_{name}": np.asarray(array) for name, array in several.items()}
    answers = {name: f"y_{name}" for name in several}
    return Raw(arrays | labels, (*names, ""), source=source, train_answers=answers)


def _several(y: Any, samples: int) -> dict[str, Any]:
    """Labels by output, or {} for the labels of one: arrays of the samples' length are several."""
    if isinstance(y, Mapping):
        return {str(name): array for name, array in y.items()}
    if isinstance(y, (list, tuple)) and all(np.ndim(a) and hasattr(a, "shape") for a in y):
        if len(y) == samples != len(y[0]):  # a row for each sample
            return {}
        return {str(place): array for place, array in enumerate(y)}
    return {}


def _drain(dataset: Any, inputs: Sequence[InputSpec]) -> Any:
    """All samples of a tf.data dataset as arrays; elements may be batched or single samples."""
    elements = list(dataset.as_numpy_iterator())
    if not elements:
        raise EdgekitError("the tf.data dataset is empty", hint="give at least one sample")
    if isinstance(elements[0], dict):
        columns: Any = {name: _join([e[name] for e in elements], inputs) for name in elements[0]}
        return columns
    if not isinstance(elements[0], tuple):
        return _join(elements, inputs)
    xs, ys = [e[0] for e in elements], [e[1] for e in elements]
    batched = _is_batched(xs[0], inputs)
    joined = np.concatenate if batched else np.stack
    if isinstance(ys[0], Mapping):
        return _join(xs, inputs), {name: joined([y[name] for y in ys]) for name in ys[0]}
    if isinstance(ys[0], tuple):
        return _join(xs, inputs), [joined(column) for column in zip(*ys, strict=True)]
    return _join(xs, inputs), joined(ys)


def _join(values: list[Any], inputs: Sequence[InputSpec]) -> Any:
    if isinstance(values[0], tuple):
        return [
            _join([value[i] for value in values], inputs[i : i + 1]) for i in range(len(values[0]))
        ]
    return np.concatenate(values) if _is_batched(values[0], inputs) else np.stack(values)


def _is_batched(value: Any, inputs: Sequence[InputSpec]) -> bool:
    first = value[0] if isinstance(value, tuple) else value
    return bool(np.ndim(first) == len(inputs[0].shape) + 1)
