# SPDX-License-Identifier: Apache-2.0
"""The record of `prune`."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class LayerRow:
    """One kernel: `sparsity` is zeros over weights; `protected` why it was left alone, or "";
    `structure` what of it went together, "" where nothing did."""

    name: str
    shape: tuple[int, ...]
    weights: int
    sparsity: float
    protected: str
    structure: str = ""


@dataclass(frozen=True, slots=True)
class OnBoard:
    """A model as int8 firmware: bytes, and the median of a few inferences in `unit`.

    `kind` says how it was come by, "measured" or "emulated". `constant_bytes` are weights, indices
    and parameters as the aot runtime stores them; `predicted_cycles` what the cost model foretold
    (None for cores without one), `cycles` what was estimated while it ran (None where it was not).
    """

    tflite_bytes: int
    flash_bytes: int
    model_flash_bytes: int
    ram_bytes: int
    latency: float
    unit: str
    kind: str
    constant_bytes: int = 0
    predicted_cycles: int | None = None
    cycles: int | None = None


@dataclass(frozen=True, slots=True)
class PruneRecord:
    """What pruning did. Sparsities and accuracies are fractions of one.

    `sparsity` is zeros over weights in the kernels not protected, `sparsity_all` in all kernels.
    `accuracy` is of the float model on `samples` that it was not fine-tuned on, the mean over
    the outputs of a model with several, which `output_accuracy` has one by one. `macs` counts
    multiply-accumulates of one inference, `nonzero` those with a weight that is not zero.
    `fine_tuning` is None where the weights were zeroed at once; `batch_norm` then says what
    became of the statistics: "re-estimated", "kept" (re-estimating did not help) or "".
    `weight_bytes` are of the kernels as int8, by the way they are stored, and `bought` says in a
    line what of it shows on the runtimes there are; with a board `on_board` has what was built
    and run of the model "before" and "after". With the structure "channels" `channels` has
    a row (name, before, after, reason) for each group of them, `target_sparsity` is the share of
    the MACs or weights to remove, and `sparsity` counts zeros in what is left. `engine` is
    "edgekit" or "tfmot", and `versions` names the package that did it where it was not edgekit.
    """

    model: Path
    source: str
    source_sha256: str
    method: str
    structure: str
    scope: str
    schedule: str
    target_sparsity: float
    sparsity: float
    sparsity_all: float
    layers: tuple[LayerRow, ...]
    accuracy: dict[str, float] | None
    macs: dict[str, int] | None
    fine_tuning: dict[str, Any] | None
    objective: str
    batch_norm: str
    weight_bytes: dict[str, int]
    bought: str
    warnings: tuple[str, ...]
    channels: tuple[Any, ...] = ()
    output_accuracy: dict[str, dict[str, float]] = field(default_factory=dict)
    engine: str = "edgekit"
    versions: dict[str, str] = field(default_factory=dict)
    board: str = ""
    on_board: dict[str, OnBoard] = field(default_factory=dict)
