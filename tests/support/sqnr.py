# SPDX-License-Identifier: Apache-2.0
"""How far an int8 file is from the float model that it was made of, by TFLM's interpreter."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from edgekit.quantize.arrays import dequantize_array, quantize_array
from edgekit.tflite.golden import TflmGolden


def sqnr_db(model: Any, tflite: Path, x: np.ndarray) -> float:
    """Signal over noise of the only output, of a Keras `model` with one input."""
    golden = TflmGolden(tflite)
    graph = golden.graph
    source, output = (graph.tensor(ends[0]) for ends in (graph.inputs, graph.outputs))
    stored = quantize_array(x, source.q.scale, source.q.zero_point, source.dtype)
    got = np.concatenate([golden.run([row[None]])[0] for row in stored])
    real = dequantize_array(got, output.q.scale, output.q.zero_point)
    floats = np.asarray(model(x), np.float64)
    noise = np.mean(np.square(floats - real.reshape(floats.shape)))
    return float(10 * np.log10(np.mean(np.square(floats)) / noise))
