# SPDX-License-Identifier: Apache-2.0
"""What a layer would cost with some of its weights zero: which patterns of zeros pay on a core."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from edgekit.lower.choose import PRICES
from edgekit.lower.passes import run_passes
from edgekit.lower.program import Target
from edgekit.lower.ways import Way, ways_of
from edgekit.tflite.graph import Graph, Op

PRUNABLE = ("CONV_2D", "FULLY_CONNECTED")
CLEARLY = 0.98  # of the dense price: a pattern that costs more does not pay


@dataclass(frozen=True, slots=True)
class Cost:
    """The best way for a layer: predicted instructions and cycles of one inference, bytes of
    weights and constants, and the `price` of both together by which ways are chosen."""

    way: str
    instructions: float
    cycles: float
    flash_bytes: int
    price: float


class CostModel:
    """Costs of the layers of `graph` on the core of `target`."""

    def __init__(self, graph: Graph, target: Target) -> None:
        self.graph, self.target = graph, target
        passed = run_passes(graph, target)
        fastest = sum(
            min(way.instructions for way in ways_of(op, passed, target)) for op in passed.ops
        )
        self._byte = PRICES[target.optimize][0] * fastest / 1024

    def cost(self, op: Op, keep: np.ndarray | None = None) -> Cost:
        """What `op` takes, with only the weights of `keep` (booleans of the weights' shape in the
        file) where it is given."""
        graph = self.graph if keep is None else with_zeros(self.graph, op, keep)
        best = min(ways_of(op, graph, self.target), key=self._price)
        return Cost(best.name, best.instructions, best.cycles, best.flash_bytes, self._price(best))

    def _price(self, way: Way) -> float:
        return way.instructions + self._byte * way.flash_bytes


def with_zeros(graph: Graph, op: Op, keep: np.ndarray) -> Graph:
    """`graph` with the weights of `op` zero outside of `keep`."""
    weights = graph.input_of(op, 1)
    assert weights.data is not None
    data = np.where(keep.reshape(weights.data.shape), weights.data, 0).astype(weights.data.dtype)
    tensors = list(graph.tensors)
    tensors[weights.index] = replace(weights, data=data)
    return replace(graph, tensors=tuple(tensors))
