# SPDX-License-Identifier: Apache-2.0
"""Given ranges and TensorFlow's quantizer: no op stays float, however often it is asked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgekit.quantize import ranging
from edgekit.tflite.reader import read_graph
from edgekit.verbs.convert import convert

# Without what place.py leaves out, about half of the runs left a SPLIT in float.
RUNS = 6


def test_no_split_of_a_bidirectional_lstm_stays_float(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keras = pytest.importorskip("keras", reason="needs Keras")
    keras.utils.set_random_seed(1)
    x = keras.Input((6, 8))
    y = keras.layers.Bidirectional(keras.layers.LSTM(5, unroll=True), name="tried")(x)
    files: list[bytes] = []
    once = ranging.quantize_file

    def often(*arguments: Any, **options: Any) -> bytes:
        files.extend(once(*arguments, **options) for _ in range(RUNS))
        return files[0]

    monkeypatch.setattr(ranging, "quantize_file", often)
    data = np.random.default_rng(0).normal(size=(24, 6, 8)).astype(np.float32)
    convert(keras.Model(x, y), data, out=tmp_path / "out", name="m", samples=24)
    assert len(files) == RUNS
    for file in files:
        graph = read_graph(file)
        splits = [op for op in graph.ops if op.kind == "SPLIT"]
        assert len(splits) == 12
        assert {graph.output_of(op).dtype for op in splits} == {"int8"}
        assert not [op for op in graph.ops if op.kind == "DEQUANTIZE"]
