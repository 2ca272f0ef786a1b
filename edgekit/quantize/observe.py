# SPDX-License-Identifier: Apache-2.0
"""What each activation of a quantized model is on real samples: which integers it takes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from edgekit.tflite.graph import Graph, Tensor

INTEGERS = ("int8", "uint8", "int16")


@dataclass(slots=True, eq=False)
class Seen:
    """One activation over all samples. `low` and `high` are per channel (last axis), as stored.

    `at_low` and `at_high` count the values at the two ends of the integer type, of `values`.
    """

    low: np.ndarray
    high: np.ndarray
    at_low: int = 0
    at_high: int = 0
    values: int = 0


class Watcher:
    """Collects `Seen` of every integer activation; `look` is called after each run.

    `tensor` gives the values of an activation by its index, as the golden does.
    """

    def __init__(self, graph: Graph, tensor: Callable[[int], np.ndarray]) -> None:
        self._tensors = [t for t in _activations(graph) if t.dtype in INTEGERS and t.quant]
        self._tensor = tensor
        self._seen: dict[int, Seen] = {}

    def look(self) -> None:
        for tensor in self._tensors:
            values = np.asarray(self._tensor(tensor.index)).reshape(_rows(tensor))
            self._note(tensor, values)

    def _note(self, tensor: Tensor, values: np.ndarray) -> None:
        low, high = values.min(axis=0), values.max(axis=0)
        seen = self._seen.get(tensor.index)
        if seen is None:
            seen = self._seen[tensor.index] = Seen(low, high)
        seen.low, seen.high = np.minimum(seen.low, low), np.maximum(seen.high, high)
        ends = np.iinfo(tensor.dtype)
        seen.at_low += int(np.count_nonzero(values == ends.min))
        seen.at_high += int(np.count_nonzero(values == ends.max))
        seen.values += values.size

    def seen(self) -> dict[int, Seen]:
        """By tensor, over all runs so far."""
        return dict(self._seen)


def _activations(graph: Graph) -> list[Tensor]:
    made = [index for op in graph.ops for index in op.outputs]
    return [graph.tensor(i) for i in dict.fromkeys([*graph.inputs, *made]) if i >= 0]


def _rows(tensor: Tensor) -> tuple[int, int]:
    return (-1, tensor.shape[-1]) if tensor.shape else (1, 1)
