# SPDX-License-Identifier: Apache-2.0
"""RELU and RELU6 that stand alone between two scales: TFLite Micro gives what the model means."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

import edgekit
from edgekit.model.load import call_keras
from edgekit.model.tf import keras
from edgekit.quantize.agree import quantized_inputs, real_outputs
from edgekit.quantize.arrays import dequantize_array, quantize_array
from edgekit.quantize.checks import Evidence, run_checks
from edgekit.quantize.clamps import rescaled_clamps
from edgekit.tflite.golden import TflmGolden, tflm_version
from edgekit.tflite.reader import read_graph
from tests.support.tflite_builder import ModelBuilder

needs_tflm = pytest.mark.skipif(not tflm_version(), reason="tflite-micro is not installed")
BEFORE = {"scale": 0.1, "zero_point": 5}
ENDS_AT_6 = {"scale": 6 / 255, "zero_point": -128}


def _file(kind: str, **behind: float) -> bytes:
    b = ModelBuilder()
    x = b.input((1, 256), name="x", **BEFORE)
    return b.finish([b.op(kind, [x], (1, 256), name="m/clamp/Relu", **behind)])


def _clamped(data: bytes) -> tuple[np.ndarray, list[str]]:
    """What TFLite Micro gives for all int8 values, and the kinds of ops."""
    golden, graph = TflmGolden(data), read_graph(data)
    return golden.run([np.arange(-128, 128, dtype=np.int8)])[0].ravel(), [
        op.kind for op in graph.ops
    ]


@needs_tflm
@pytest.mark.needs_tf
@pytest.mark.parametrize(
    ("kind", "behind", "kinds"),
    [
        ("RELU6", ENDS_AT_6, ["RELU"]),
        ("RELU6", {"scale": 4 / 255, "zero_point": -128}, ["RELU"]),
        ("RELU6", {"scale": 0.05, "zero_point": -100}, ["QUANTIZE", "RELU6"]),
        ("RELU6", BEFORE, ["RELU6"]),
        ("RELU", {"scale": 0.05, "zero_point": -100}, ["RELU"]),
    ],
)
def test_every_value_is_clamped_and_rescaled(
    kind: str, behind: dict[str, Any], kinds: Sequence[str]
) -> None:
    real = dequantize_array(np.arange(-128, 128, dtype=np.int8), **BEFORE)
    top = 6.0 if kind == "RELU6" else np.inf
    expected = quantize_array(np.clip(real, 0, top), dtype="int8", **behind).astype(int)
    before = _file(kind, **behind)
    data = rescaled_clamps(before)
    found, written = _clamped(data)
    assert written == list(kinds)
    assert np.max(np.abs(found.astype(int) - expected)) <= 1
    assert all(result.status == "passed" for result in _equal_scales(data))
    wrong = written != [kind] or data != before
    off = np.max(np.abs(_clamped(before)[0].astype(int) - expected)) > 1
    assert wrong == off  # what is left as it was is right, and what was changed was wrong
    assert wrong == any(result.status == "failed" for result in _equal_scales(before))


def _equal_scales(data: bytes) -> Any:
    return run_checks(Evidence(read_graph(data), "m"), only=["equal-scales"])


def _sliced() -> Any:
    """A ReLU6 that nothing before it can take in, and values far above 6."""
    module = keras()
    module.utils.set_random_seed(0)
    k = module.layers
    inputs = module.Input((8, 8, 4), name="image")
    x = k.Conv2D(8, 3, kernel_initializer=module.initializers.RandomNormal(0, 1))(inputs)
    x = k.Add()([x, x[:, ::-1]])[:, 1:]
    x = k.Conv2D(4, 1, name="last")(k.ReLU(6.0, name="clamp")(x))
    return module.Model(inputs, x, name="sliced")


@needs_tflm
@pytest.mark.needs_tf
@pytest.mark.parametrize(
    "options", [{}, {"calibration": "converter"}, {"layers": ("clamp=int16x8",)}]
)
def test_a_relu6_behind_a_slice_converts_and_is_near_the_float_model(
    tmp_path: Any, options: dict[str, Any]
) -> None:
    model = _sliced()
    x = np.random.default_rng(0).normal(0, 1, (40, 8, 8, 4)).astype(np.float32)
    record = edgekit.convert(model, x, out=tmp_path / "out", **options)
    graph = read_graph(record.tflite)
    floats = call_keras(model, [x])[0]
    outputs = real_outputs(TflmGolden(record.tflite), graph, [x])[0].reshape(floats.shape)
    assert np.sqrt(np.mean((outputs - floats) ** 2)) < 0.05 * np.std(floats)
    check = next(result for result in record.checks if result.check == "equal-scales")
    assert check.status == "passed"


@needs_tflm
@pytest.mark.needs_tf
def test_trained_ranges_above_6_give_what_the_training_gave(tmp_path: Any) -> None:
    from edgekit.quantize.fold import fold_model
    from edgekit.quantize.qat.model import make_qat, measure_points
    from edgekit.quantize.qat.stored import Trained, add_trained

    x = np.random.default_rng(0).normal(0, 1, (20, 8, 8, 4)).astype(np.float32)
    folded = fold_model(_sliced())
    ranges = measure_points(folded, [x], "minmax") | {"clamp": (0.0, 6.4)}
    qat = make_qat(folded, ranges, mode="fixed")
    qat.settle()
    path = tmp_path / "trained.keras"
    folded.model.save(path)
    add_trained(path, Trained(qat.ranges(), {}))
    record = edgekit.convert(path, x, out=tmp_path / "out")
    graph = read_graph(record.tflite)
    assert [op.kind for op in graph.ops].count("QUANTIZE") == 1
    golden, quant = TflmGolden(record.tflite), graph.tensor(graph.outputs[0]).q
    outputs = np.stack([golden.run([s])[0] for s in quantized_inputs(graph, [x])[0]])
    expected = np.rint(call_keras(qat.exact, [x])[0] / quant.scale) + quant.zero_point
    off = np.abs(outputs.reshape(expected.shape) - expected)
    assert np.mean(off <= 1) >= 0.99
