# SPDX-License-Identifier: Apache-2.0
"""What quantization changed: int8 outputs beside float ones, as real numbers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np

from edgekit.errors import EdgekitError
from edgekit.quantize.arrays import dequantize_array, quantize_array
from edgekit.tflite.graph import Graph, Tensor


class Golden(Protocol):
    """Whatever runs the int8 model on this host: TFLM's interpreter, or the aot model."""

    def run(self, inputs: Sequence[np.ndarray]) -> list[np.ndarray]: ...


def quantized_inputs(graph: Graph, x: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Real samples as the model's input tensors hold them, one array per input."""
    return [_stored(a, graph.tensor(i)) for a, i in zip(x, graph.inputs, strict=True)]


def _stored(x: np.ndarray, tensor: Tensor) -> np.ndarray:
    if tensor.quant is None:
        return np.asarray(x, tensor.dtype)
    return quantize_array(x, tensor.quant.scale, tensor.quant.zero_point, tensor.dtype)


def real_outputs(
    golden: Golden,
    graph: Graph,
    x: Sequence[np.ndarray],
    each: Callable[[], None] = lambda: None,
) -> list[np.ndarray]:
    """Outputs for real samples `x` as real numbers, float32 [samples, ...], one per output.

    `each` is called after every sample.
    """
    stored = quantized_inputs(graph, x)
    rows: list[list[np.ndarray]] = []
    for i in range(len(x[0])):
        rows.append(golden.run([array[i] for array in stored]))
        each()
    outputs = []
    for position, index in enumerate(graph.outputs):
        tensor = graph.tensor(index)
        values = np.stack([row[position].reshape(tensor.shape[1:]) for row in rows])
        quant = tensor.quant
        outputs.append(
            dequantize_array(values, quant.scale, quant.zero_point)
            if quant
            else values.astype(np.float32)
        )
    return outputs


def output_error(floats: Sequence[np.ndarray], quantized: Sequence[np.ndarray]) -> dict[str, float]:
    """`{max_abs, rmse}` over all values of all outputs, in the outputs' own unit.

    EdgekitError where the float model gives no finite number: there is nothing to compare with.
    """
    expected = np.concatenate([np.asarray(a, np.float64).ravel() for a in floats])
    actual = np.concatenate([np.asarray(a, np.float64).ravel() for a in quantized])
    if not np.isfinite(expected).all():
        raise EdgekitError(
            "the float model gives NaN or infinity on the calibration data",
            hint="check the model and the scale of the data before converting",
        )
    difference = np.abs(expected - actual)
    return {
        "max_abs": float(difference.max(initial=0.0)),
        "rmse": float(np.sqrt(np.mean(difference**2))),
    }
