# SPDX-License-Identifier: Apache-2.0
"""agreement: the int8 model gives what the float model gives, by choice and by distance.

The bars are for a model that is broken, not for one that lost a point of accuracy: a random
choice, a class that never changes, outputs with more error than signal.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from edgekit.quantize.checks.finding import Check, Evidence, Finding
from edgekit.tflite.graph import Graph

MIN_SAMPLES = 8  # on fewer, a share says nothing
AGREE_WRONG, AGREE_REMARK = 0.6, 0.9
SQNR_WRONG, SQNR_REMARK = 3.0, 10.0  # dB
NEAR = 2.0  # steps of the output: as close as this, either choice is right
_REMEDY = "edgekit debug-quant names the layers to blame"


@dataclass(frozen=True, slots=True)
class OutputAgreement:
    """One output: `argmax` is the share of samples with the same choice (None for one value),
    `sqnr_db` signal over quantization noise, inf where they are equal. `small` says that the float
    output stays within a step or two of 0, so that nothing is to be lost."""

    output: str
    argmax: float | None
    sqnr_db: float
    same_class: bool
    small: bool


def sqnr_db(signal: np.ndarray, noisy: np.ndarray) -> float:
    """10 log10 of the power of `signal` over that of the difference, over all values."""
    power = float(np.mean(np.square(signal, dtype=np.float64)))
    noise = float(np.mean(np.square(np.subtract(signal, noisy, dtype=np.float64))))
    if noise == 0.0:
        return float("inf")
    return float(10 * np.log10(power / noise)) if power else float("-inf")


def agreements(evidence: Evidence) -> list[OutputAgreement]:
    """One for each output of the model."""
    graph = evidence.graph
    return [
        _of_output(graph, index, np.asarray(floats), np.asarray(integers))
        for index, floats, integers in zip(
            graph.outputs, evidence.floats or (), evidence.integers or (), strict=False
        )
    ]


def _of_output(graph: Graph, index: int, f: np.ndarray, q: np.ndarray) -> OutputAgreement:
    tensor = graph.tensor(index)
    step = tensor.quant.scale if tensor.quant else 0.0
    name = next((op.layer for op in graph.ops if index in op.outputs), tensor.name)
    small = float(np.max(np.abs(f), initial=0.0)) <= NEAR * step
    if f.ndim != 2 or f.shape[-1] < 2:
        return OutputAgreement(name, None, sqnr_db(f, q), False, small)
    rows = np.arange(len(f))
    chosen = q.argmax(axis=1)
    near = f.max(axis=1) - f[rows, chosen] <= NEAR * step
    sure = np.sort(f, axis=1)[:, -1] - np.sort(f, axis=1)[:, -2] > NEAR * step
    wanted = set(f.argmax(axis=1)[sure].tolist())
    same_class = len(f) >= MIN_SAMPLES and len(set(chosen.tolist())) == 1 and len(wanted) > 1
    return OutputAgreement(name, float(near.mean()), sqnr_db(f, q), same_class, small)


def _look(evidence: Evidence) -> Iterator[Finding]:
    samples = len(evidence.floats[0]) if evidence.floats else 0
    for found in agreements(evidence):
        layer = found.output
        if found.same_class:
            text = f"int8 output '{layer}' is always the same class, and the float model's is not"
            yield Finding(layer, text, _REMEDY)
        elif found.argmax is not None and samples >= MIN_SAMPLES and found.argmax < AGREE_REMARK:
            yield Finding(
                layer,
                f"int8 and float model choose the same class in output '{layer}' for "
                f"{100 * found.argmax:.0f} % of {samples} samples",
                _REMEDY,
                wrong=found.argmax < AGREE_WRONG,
            )
        if found.sqnr_db < SQNR_REMARK and not found.small:
            yield Finding(
                layer,
                f"output '{layer}' has {found.sqnr_db:.1f} dB of signal over quantization noise",
                _REMEDY,
                wrong=found.sqnr_db < SQNR_WRONG,
            )


AGREEMENT = Check("agreement", "int8 outputs agree with the float model's", _look, needs="floats")
