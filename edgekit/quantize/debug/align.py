# SPDX-License-Identifier: Apache-2.0
"""Which tensor of the converter's float file is which of the int8 file."""

from __future__ import annotations

import difflib
from dataclasses import dataclass

from edgekit.tflite.graph import Graph, Op, Tensor

_CASTS = ("QUANTIZE", "DEQUANTIZE")
INPUT = "(input)"


@dataclass(frozen=True, slots=True, eq=False)
class Step:
    """One op of the float file and what it became; `index` counts the float file's ops."""

    index: int
    layer: str
    kind: str
    outputs: tuple[tuple[int, Tensor], ...]  # (index in the float file, int8 file's tensor)
    constants: tuple[tuple[int, Tensor], ...]


def align(floats: Graph, graph: Graph) -> tuple[Step, ...]:
    """The ops of both files that do the same, in order; QUANTIZE and DEQUANTIZE have no twin."""
    ours = [op for op in floats.ops if op.kind not in _CASTS]
    theirs = [op for op in graph.ops if op.kind not in _CASTS]
    keys = [
        [(op.kind, g.output_of(op).shape) for op in ops]
        for ops, g in ((ours, floats), (theirs, graph))
    ]
    matcher = difflib.SequenceMatcher(None, keys[0], keys[1], autojunk=False)
    steps = [_inputs(floats, graph)]
    for block in matcher.get_matching_blocks():
        for offset in range(block.size):
            steps.append(_step(floats, graph, ours[block.a + offset], theirs[block.b + offset]))
    return tuple(steps)


def _inputs(floats: Graph, graph: Graph) -> Step:
    pairs = zip(floats.inputs, graph.inputs, strict=True)
    return Step(-1, INPUT, "INPUT", tuple((i, graph.tensor(j)) for i, j in pairs), ())


def _step(floats: Graph, graph: Graph, mine: Op, other: Op) -> Step:
    constants = []
    for i, j in zip(mine.inputs, other.inputs, strict=False):
        if min(i, j) >= 0 and _is_rounded(floats.tensor(i), graph.tensor(j)):
            constants.append((i, graph.tensor(j)))
    outputs = tuple((i, graph.tensor(j)) for i, j in zip(mine.outputs, other.outputs, strict=False))
    return Step(mine.index, other.layer, mine.kind, outputs, tuple(constants))


def _is_rounded(real: Tensor, stored: Tensor) -> bool:
    """A float constant and the integers that it became."""
    both = real.is_constant and stored.is_constant and stored.quant is not None
    return both and real.dtype == "float32" and real.shape == stored.shape
