# SPDX-License-Identifier: Apache-2.0
"""What a task's bytes mean to a model, and what the host's golden answers to them."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from edgekit.quantize.arrays import dequantize_array, quantize_array
from edgekit.tflite.graph import Graph, Tensor
from edgekit.verbs._mlperf_task import Task

# Results have three decimals; one more half of the last is float32's own rounding.
DECIMALS = 3
TOLERANCE = 0.0011


class Judge:
    """The host's answers to what is sent to a device."""

    def __init__(self, task: Task, graph: Graph, tflite: Path) -> None:
        from edgekit.verbs.golden import golden_for, keeps_layers

        self.task, self.graph = task, graph
        self._preserved = keeps_layers()
        self._golden = golden_for(tflite, preserve=self._preserved)
        self.by, self.version = self._golden.by, self._golden.version

    def results(self, sent: bytes) -> np.ndarray:
        """Real-valued results: one per class, or one mean square error."""
        output = self._golden.run([as_taken(self.task, self.graph, sent)])[0]
        real = _real(output, self.graph.tensor(self.graph.outputs[0])).ravel()
        if self.task.convention != "float32":
            return real
        missed = real - np.frombuffer(sent, "<f4")
        return np.array([np.mean(missed.astype(np.float64) ** 2)])

    def scores(self, results: np.ndarray) -> np.ndarray:
        """What the last softmax was given for the `results` just computed, for that tells apart
        what rounds to a probability of 0; the results themselves where it cannot be seen."""
        last = self.graph.ops[-1]
        if last.kind != "SOFTMAX" or not self._preserved:
            return results
        return self._golden.tensor(last.inputs[0]).ravel().astype(np.float64)

    def agrees(self, sent: bytes, results: tuple[float, ...]) -> bool:
        """Whether a device's results are the host's, to the decimals that it says."""
        golden = self.results(sent)
        # a mean of 640 squares is summed in float32 on the device
        near = TOLERANCE + 1e-5 * np.abs(golden)
        return len(results) == len(golden) and bool(
            np.all(np.abs(golden - np.array(results)) <= near)
        )


def _real(array: np.ndarray, tensor: Tensor) -> np.ndarray:
    if tensor.quant is None or tensor.dtype == "float32":
        return array
    return dequantize_array(array, tensor.quant.scale, tensor.quant.zero_point)


def as_sent(task: Task, graph: Graph, quantized: np.ndarray) -> bytes:
    """One input of the model, as it takes it, as the bytes that the task sends for it."""
    tensor = graph.tensor(graph.inputs[0])
    if task.convention == "float32":
        return np.ascontiguousarray(_real(quantized, tensor), "<f4").tobytes()
    if task.convention == "uint8" and tensor.dtype == "int8":
        return (quantized.astype(np.int16) + 128).astype(np.uint8).tobytes()
    return np.ascontiguousarray(quantized).tobytes()


def as_taken(task: Task, graph: Graph, sent: bytes) -> np.ndarray:
    """The model's input, of its tensor's shape and dtype, that a device makes of bytes sent."""
    tensor = graph.tensor(graph.inputs[0])
    array: np.ndarray
    if task.convention == "float32":
        array = np.frombuffer(sent, "<f4")
        if tensor.quant is not None and tensor.dtype != "float32":
            quant = tensor.quant
            array = quantize_array(array, quant.scale, quant.zero_point, tensor.dtype)
    elif task.convention == "uint8" and tensor.dtype == "int8":
        array = (np.frombuffer(sent, np.uint8).astype(np.int16) - 128).astype(np.int8)
    else:
        array = np.frombuffer(sent, tensor.dtype)
    return array.reshape(tensor.shape)
