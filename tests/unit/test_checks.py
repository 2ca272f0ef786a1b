# SPDX-License-Identifier: Apache-2.0
"""Checks of a quantized file: each finds what it is for, and nothing in a good model.

The two silent defects of TensorFlow 2.21's converter are here as they arise on the plain path.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgekit.errors import EdgekitError
from edgekit.model.tf import keras, tensorflow
from edgekit.quantize.checks import (
    CHECKS,
    Evidence,
    check_allowed,
    refuse_failed,
    remarks,
    run_checks,
)
from edgekit.quantize.observe import Seen
from edgekit.tflite.golden import tflm_version
from edgekit.tflite.reader import read_graph
from edgekit.verbs.convert import convert
from edgekit.verbs.inspect import inspect
from tests.support.small_models import dense_model, sparse_model
from tests.support.tflite_builder import RELU, ModelBuilder

needs_tf = pytest.mark.needs_tf
needs_tflm = pytest.mark.skipif(
    not tflm_version(), reason="no TFLM interpreter: pip install tflite-micro"
)
X = np.random.default_rng(0).normal(0, 1, (40, 8, 8, 4)).astype(np.float32)


def statuses(data: bytes, **evidence: Any) -> dict[str, str]:
    results = run_checks(Evidence(read_graph(data), "file", converted=False, **evidence))
    return {result.check: result.status for result in results}


def dense(
    *,
    bias_factor: float = 1.0,
    zero_point: int = 0,
    zero_rows: int = 0,
    bias: int = 7,
    function: int = 0,
) -> bytes:
    """A dense layer of 4 channels, with what a converter might get wrong."""
    builder = ModelBuilder()
    x = builder.input((1, 8), scale=0.02, zero_point=-3)
    weights = np.random.default_rng(0).integers(-100, 100, (4, 8)).astype(np.int8)
    weights[:zero_rows] = 0
    w = builder.constant(weights, scales=[0.01, 0.02, 0.03, 0.04], zero_point=zero_point)
    scales = [0.02 * scale * bias_factor for scale in (0.01, 0.02, 0.03, 0.04)]
    b = builder.constant(np.full(4, bias, np.int32), scales=scales)
    options = {"fused_activation_function": function}
    y = builder.op(
        "FULLY_CONNECTED", [x, w, b], (1, 4), scale=0.1, zero_point=-128, options=options
    )
    return builder.finish([y])


@pytest.mark.parametrize("make", [dense_model, sparse_model])
def test_a_good_file_passes(make: Any, tmp_path: Path) -> None:
    found = statuses(make(tmp_path / "m.tflite").read_bytes())
    assert set(found) == set(CHECKS)
    assert set(found.values()) == {"passed", "not run"}


def test_published_files_pass(shared: Path) -> None:
    for path in (shared / "models" / "mlperf_tiny").glob("*.tflite"):
        assert not {"failed"} & set(statuses(path.read_bytes()).values()), path.name


@pytest.mark.parametrize(
    ("wrong", "check"),
    [
        ({"bias_factor": 7.7}, "bias-scale"),
        ({"bias_factor": 1.001}, "bias-scale"),
        ({"zero_point": 3}, "zero-points"),
    ],
)
def test_a_dense_layer_with_a_wrong_number(wrong: dict[str, Any], check: str) -> None:
    found = statuses(dense(**wrong))
    assert [name for name, status in found.items() if status == "failed"] == [check]


def test_a_bias_of_zero_may_have_any_scale() -> None:
    assert statuses(dense(bias_factor=7.7, bias=0))["bias-scale"] == "passed"


def test_zero_channels_are_a_remark() -> None:
    results = run_checks(Evidence(read_graph(dense(zero_rows=2)), "m"))
    [dead] = [result for result in results if result.check == "dead-channels"]
    assert dead.status == "warned" and "2 of 4 channels" in dead.found[0]
    refuse_failed(results)
    assert dead.found[0] in remarks(results)


@pytest.mark.parametrize("kind", ["MAX_POOL_2D", "RESHAPE", "SOFTMAX", "LOGISTIC"])
def test_scales_that_have_to_be_equal_or_fixed(kind: str) -> None:
    builder = ModelBuilder()
    x = builder.input((1, 4, 4, 2), scale=0.1, zero_point=4)
    shape = {"MAX_POOL_2D": (1, 3, 3, 2), "RESHAPE": (1, 32)}.get(kind, (1, 4, 4, 2))
    inputs = [x, builder.constant([1, 32])] if kind == "RESHAPE" else [x]
    rest = {"padding": 1} if kind == "MAX_POOL_2D" else {}
    y = builder.op(kind, inputs, shape, scale=0.2, zero_point=4, options=rest)
    assert statuses(builder.finish([y]))["equal-scales"] == "failed"


def seen(data: bytes, at_high: int, at_low: int = 0) -> dict[str, Any]:
    """Evidence of 1,000 values of the only output, some at the ends."""
    index = read_graph(data).outputs[0]
    low, high = np.full(4, -128, np.int8), np.full(4, 127, np.int8)
    return {"seen": {index: Seen(low, high, at_low, at_high, 1000)}, "samples": 250}


def test_saturation_counts_but_for_the_ends_of_the_activation() -> None:
    plain, relu = dense(), dense(function=RELU)
    assert statuses(plain, **seen(plain, 4, 4))["saturation"] == "passed"
    assert statuses(plain, **seen(plain, 30))["saturation"] == "warned"
    assert statuses(plain, **seen(plain, 0, 400))["saturation"] == "failed"
    assert statuses(relu, **seen(relu, 0, 400))["saturation"] == "passed"
    assert statuses(relu, **seen(relu, 400))["saturation"] == "failed"


@pytest.mark.parametrize(
    ("share", "status"), [(0.001, "passed"), (0.03, "warned"), (0.4, "failed")]
)
def test_values_that_only_round_to_an_end_are_no_saturation(share: float, status: str) -> None:
    data = dense()
    clipped = {read_graph(data).outputs[0]: share}
    assert statuses(data, **seen(data, 400), clipped=clipped)["saturation"] == status


def outputs(data: bytes, floats: np.ndarray, integers: np.ndarray) -> str:
    return statuses(data, floats=[floats], integers=[integers])["agreement"]


def test_agreement_is_about_broken_models() -> None:
    rng = np.random.default_rng(0)
    floats = rng.normal(0, 3, (32, 4)).astype(np.float32)
    data = dense()
    assert outputs(data, floats, floats + rng.normal(0, 0.1, floats.shape)) == "passed"
    assert outputs(data, floats, rng.permutation(floats)) == "failed"
    always = np.broadcast_to(np.float32([9, 0, 0, 0]), floats.shape)
    assert outputs(data, floats, always) == "failed"
    near = np.full((32, 4), 5, np.float32) + rng.normal(0, 0.05, (32, 4)).astype(np.float32)
    assert outputs(data, near, near[:, ::-1]) == "passed"  # no float class is the better by a step


def test_allow_names_a_check_and_the_remedy_says_which() -> None:
    graph = read_graph(dense(bias_factor=2.0))
    with pytest.raises(EdgekitError, match="2 times input scale") as caught:
        refuse_failed(run_checks(Evidence(graph, "m")))
    assert "--allow bias-scale" in caught.value.hint
    allowed = run_checks(Evidence(graph, "m"), ["bias-scale"])
    refuse_failed(allowed)
    assert [line for line in remarks(allowed) if line.startswith("allowed (bias-scale)")]
    with pytest.raises(EdgekitError, match="'bias-scale'") as unknown:
        check_allowed(["bias_scale"])
    assert "equal-scales" in unknown.value.hint


def test_inspect_shows_the_checks_and_never_fails(tmp_path: Path) -> None:
    file = tmp_path / "m.tflite"
    file.write_bytes(dense(bias_factor=2.0))
    record = inspect(file)
    assert {r.check: r.status for r in record.checks}["bias-scale"] == "failed"
    with pytest.raises(EdgekitError, match="bias scale"):
        convert(file, out=tmp_path / "a")
    kept = convert(file, out=tmp_path / "b", allow=("bias-scale",))
    assert any("allowed (bias-scale)" in line for line in kept.warnings)


def residuals(gain: float) -> Any:
    """A sum whose second operand is some `gain` times smaller than its first."""
    module = keras()
    layers = module.layers
    module.utils.set_random_seed(3)
    image = module.Input((8, 8, 4))
    x = layers.Conv2D(4, 3, padding="same", activation="relu", name="large")(image)
    small = layers.Conv2D(4, 3, padding="same", name="small")(x)
    x = layers.ReLU(name="bend")(layers.Add(name="sum")([x, small]))
    model = module.Model(image, layers.Dense(3)(layers.GlobalAveragePooling2D()(x)), name="net")
    for name, factor in (("large", gain), ("small", 1 / gain)):
        model.get_layer(name).kernel.assign(factor * model.get_layer(name).kernel)
    return model


@needs_tf
@needs_tflm
def test_ranges_that_the_converter_copies_from_a_sum(tmp_path: Path) -> None:
    """First defect: inputs of an ADD that its output took the memory of have the output's range."""
    found = convert(residuals(2), X, out=tmp_path / "a", calibration="converter", eval_samples=0)
    [line] = [text for text in found.warnings if "gave its output the range of the ADD" in text]
    assert "layer 'sum'" in line and "times too wide" in line
    with pytest.raises(EdgekitError, match="the range of the ADD of layer 'sum'") as caught:
        convert(residuals(30), X, out=tmp_path / "b", calibration="converter", eval_samples=0)
    assert "--calibration mse" in caught.value.hint and "--allow ranges" in caught.value.hint
    ours = convert(residuals(30), X, out=tmp_path / "c", eval_samples=0)
    assert {c.check: c.status for c in ours.checks}["ranges"] == "passed"


@needs_tf
@needs_tflm
def test_a_bias_of_another_scale_where_fake_quant_and_data_meet(tmp_path: Path) -> None:
    """Second defect: fake-quant before a pool, none after the dense layer behind it."""
    module = keras()

    class Fake(module.layers.Layer):  # type: ignore[misc, name-defined]
        def call(self, x: Any) -> Any:
            return tensorflow().quantization.fake_quant_with_min_max_vars(x, 0.0, 8.0)

    layers = module.layers
    image = module.Input((8, 8, 4))
    x = Fake()(layers.Conv2D(4, 3, activation="relu")(image))
    x = layers.Flatten()(layers.AveragePooling2D(6)(x))
    model = module.Model(image, layers.Dense(3, bias_initializer="normal", name="scores")(x))
    with pytest.raises(EdgekitError, match="gave layer 'scores' a bias scale") as caught:
        convert(model, X, out=tmp_path / "a", calibration="converter", eval_samples=0)
    assert "fake-quantization" in caught.value.hint
    ours = convert(model, X, out=tmp_path / "b", eval_samples=0)
    assert {c.check: c.status for c in ours.checks}["bias-scale"] == "passed"
