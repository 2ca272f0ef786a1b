# SPDX-License-Identifier: Apache-2.0
"""The samples that a bench sends, the user's or generated, quantized as the model takes them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from edgekit.measure.compare import check_labels
from edgekit.measure.harness import sample_shape
from edgekit.model.data import load_data
from edgekit.model.dataset import Dataset
from edgekit.model.fit import check_range
from edgekit.model.info import InputSpec
from edgekit.quantize.arrays import quantize_array
from edgekit.tflite.graph import Graph, Tensor
from edgekit.tflite.lookups import lookup_limit
from edgekit.verbs._parity import ScalingParity, check_parity


@dataclass(frozen=True, slots=True, eq=False)
class BenchSamples:
    """One quantized array `[samples, ...]` per model input; `labels` are class numbers or None.

    `scaling` says what came of scaling the same real values in C; None for generated inputs.
    `real` are these values as data, one array per input.
    """

    inputs: tuple[np.ndarray, ...]
    labels: np.ndarray | None
    source: str
    sha256: str
    classes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    scaling: ScalingParity | None = None
    real: tuple[np.ndarray, ...] = ()


def bench_samples(
    graph: Graph, data: Any, *, count: int, seed: int, calibrated: int
) -> BenchSamples:
    """At most `count` samples of `data` that did not calibrate; without data, generated ones.

    EdgekitError where the data do not fit the model.
    """
    if data is None:
        return BenchSamples(_generated(graph, count, seed), None, "generated", "")
    specs = [input_spec(graph.tensor(index)) for index in graph.inputs]
    dataset = data if isinstance(data, Dataset) else load_data(data, specs)
    chosen = dataset.evaluation(count, seed, calibrated=calibrated)
    arrays = chosen.arrays()
    check_range(arrays, specs, f"'{dataset.source}'")
    labels = chosen.y if chosen.labelled and len(graph.outputs) == 1 else None
    if labels is not None:
        check_labels(labels, int(np.prod(sample_shape(graph.tensor(graph.outputs[0])))))
    inputs = tuple(
        _quantized(array, graph.tensor(index))
        for array, index in zip(arrays, graph.inputs, strict=True)
    )
    return BenchSamples(
        inputs,
        labels,
        dataset.source,
        dataset.sha256,
        dataset.classes,
        dataset.warnings,
        check_parity(graph, arrays, inputs, "model"),
        tuple(arrays),
    )


def input_spec(tensor: Tensor) -> InputSpec:
    """What real-valued data for an input must look like; quantized inputs bound their values."""
    shape = sample_shape(tensor)
    if tensor.quant is None or tensor.dtype == "float32":
        return InputSpec(tensor.name, shape, tensor.dtype)
    limits = np.iinfo(tensor.dtype)
    low, high = (
        tensor.quant.scale * (int(edge) - tensor.quant.zero_point)
        for edge in (limits.min, limits.max)
    )
    return InputSpec(tensor.name, shape, tensor.dtype, low=low, high=high)


def _quantized(array: np.ndarray, tensor: Tensor) -> np.ndarray:
    if tensor.quant is None or tensor.dtype == "float32":
        return np.ascontiguousarray(array, dtype=tensor.dtype)
    return quantize_array(array, tensor.quant.scale, tensor.quant.zero_point, tensor.dtype)


def _generated(graph: Graph, count: int, seed: int) -> tuple[np.ndarray, ...]:
    """Uniform over all values of an integer input, over -1..1 of a float one."""
    rng = np.random.default_rng(seed)
    arrays = []
    for index in graph.inputs:
        tensor = graph.tensor(index)
        size = (count, *sample_shape(tensor))
        if tensor.dtype == "float32":
            arrays.append(rng.uniform(-1.0, 1.0, size).astype(np.float32))
        elif tensor.dtype == "bool":
            arrays.append(rng.integers(0, 2, size).astype(np.bool_))
        elif limit := lookup_limit(graph, index):
            arrays.append(rng.integers(0, limit, size, tensor.dtype))
        else:
            limits = np.iinfo(tensor.dtype)
            arrays.append(rng.integers(limits.min, limits.max, size, tensor.dtype, endpoint=True))
    return tuple(arrays)
