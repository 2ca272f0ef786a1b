# SPDX-License-Identifier: Apache-2.0
"""Graphs and calls for the planner, with no kernels behind them."""

from __future__ import annotations

import numpy as np

from edgekit.lower.program import KernelCall
from edgekit.tflite.graph import Graph, Op, Tensor


def random_program(seed: int) -> tuple[Graph, list[KernelCall]]:
    """Up to 20 ops over int8 vectors: skips, several outputs, aliases, in-place, scratch."""
    rng = np.random.default_rng(seed)
    tensors: list[Tensor] = []

    def new(size: int) -> int:
        tensors.append(Tensor(len(tensors), f"t{len(tensors)}", (size,), "int8"))
        return len(tensors) - 1

    inputs = tuple(new(int(rng.integers(1, 100))) for _ in range(int(rng.integers(1, 3))))
    ops, calls = [], []
    for index in range(int(rng.integers(1, 21))):
        count = min(int(rng.integers(1, 4)), len(tensors))
        recent = max(0, len(tensors) - int(rng.integers(1, 8)))
        read = tuple(int(i) for i in rng.integers(recent, len(tensors), count))
        alias = bool(rng.random() < 0.2)
        size = tensors[read[0]].bytes if alias else int(rng.integers(1, 100))
        wrote = tuple(new(size) for _ in range(1 if alias else int(rng.choice([1, 1, 1, 3]))))
        in_place = tuple(i for i in range(count) if rng.random() < 0.4)
        scratch = int(rng.choice([0, 0, 0, 40]))
        leads = tuple((i, int(rng.integers(0, 80))) for i in range(count) if rng.random() < 0.4)
        ops.append(Op(index, "ANY", read, wrote))
        calls.append(
            KernelCall("any", {}, read, wrote, (), 0 if alias else scratch, in_place, alias, leads)
        )
    outputs = {int(i) for i in rng.integers(len(inputs), len(tensors), 2)} | {len(tensors) - 1}
    return Graph("random", tuple(tensors), tuple(ops), inputs, tuple(sorted(outputs))), calls
