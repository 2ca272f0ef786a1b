# SPDX-License-Identifier: Apache-2.0
"""A Spec to the bytes of its int8 .tflite file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from edgekit.model.info import InputSpec
from edgekit.quantize.checks import check_full_integer
from edgekit.quantize.convert import convert_int8
from edgekit.tflite.reader import read_graph
from tests.random_graphs.apply import build
from tests.random_graphs.spec import Spec

SAMPLES = 4


@dataclass(frozen=True, slots=True)
class _Loaded:
    name: str
    keras: Any
    saved: Any = None


def tflite_of(spec: Spec) -> bytes:
    """Builds and converts; EdgekitError or whatever Keras raises where that cannot be done."""
    rng = np.random.default_rng(spec.seed + 1)
    model = build(spec)
    inputs = [InputSpec(f"in{i}", shape, "float32") for i, shape in enumerate(spec.inputs)]
    samples = [rng.normal(0, 1, (SAMPLES, *shape)).astype(np.float32) for shape in spec.inputs]
    data = convert_int8(
        _Loaded("random", model),
        inputs,
        samples,
        input_dtype=spec.input_dtype,
        output_dtype=spec.output_dtype,
    ).tflite
    check_full_integer(read_graph(data), "random", converted=True)
    return data
