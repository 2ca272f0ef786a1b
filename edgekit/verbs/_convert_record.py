# SPDX-License-Identifier: Apache-2.0
"""The record of `convert`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgekit.emit.scaling import InputScaling
from edgekit.quantize.checks import CheckResult
from edgekit.quantize.rounding.apply import KernelRow
from edgekit.quantize.statistics import TensorStatistics
from edgekit.verbs._arena import TflmArena
from edgekit.verbs._packing import Packing
from edgekit.verbs._tensor_scales import TensorScales
from edgekit.verbs._zeros import KernelZeros
from edgekit.verbs.inspect import OpRow


@dataclass(frozen=True, slots=True)
class ConvertRecord:
    """What came out of a conversion. All sizes in bytes.

    `model_sha256` is of the .tflite, `source_sha256` of the model given, `data_sha256` of the
    data file ("" for folders and live arrays). `float_tflite_bytes` is the converter's own float
    file of the same graph. `output_error` compares real outputs, int8 by `golden`, with the float
    model on the first `output_error["samples"]` calibration samples; `accuracy` is over
    `accuracy["samples"]` others. `packing` says what was saved by rewriting the file.
    `kernels` are those that came pruned, with their sparsity in the model and in the file.
    `weights` has a row for each kernel that was rounded otherwise than the converter does it,
    `formats` (layer, op, format) for each op that is not int8. `statistics` are of the activations
    on the calibration samples, and of the weights.
    `tflm_arena` says how `arena_bytes["tflm"]` was found, and what is in it. `checks` holds what
    came of each check of the file; what they remarked on is among the warnings.
    """

    name: str
    source: str
    source_sha256: str
    source_bytes: int
    data: str
    data_sha256: str
    tflite: Path
    tflite_bytes: int
    float_tflite_bytes: int | None
    model_sha256: str
    versions: dict[str, str]
    ops: tuple[OpRow, ...]
    tensors: tuple[TensorScales, ...]
    input_scaling: tuple[InputScaling, ...]
    statistics: tuple[TensorStatistics, ...]
    arena_bytes: dict[str, int | None]
    tflm_arena: TflmArena | None
    runtimes: dict[str, str]
    golden: dict[str, str] | None
    accuracy: dict[str, float] | None
    output_error: dict[str, float] | None
    calibration: dict[str, Any] | None
    packing: Packing
    kernels: tuple[KernelZeros, ...]
    weights: tuple[KernelRow, ...]
    formats: tuple[tuple[str, str, str], ...]
    checks: tuple[CheckResult, ...]
    warnings: tuple[str, ...]
    written: tuple[Path, ...]
