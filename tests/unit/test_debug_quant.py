# SPDX-License-Identifier: Apache-2.0
"""debug-quant names the layer that was spoiled on purpose, and why."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgekit.errors import EdgekitError
from edgekit.model.tf import keras
from edgekit.quantize.debug.losses import LayerLoss, Losses
from edgekit.quantize.debug.verdict import ranked
from edgekit.tflite.golden import tflm_version
from edgekit.verbs.convert import convert
from edgekit.verbs.debug_quant import debug_quant

pytestmark = [
    pytest.mark.needs_tf,
    pytest.mark.skipif(not tflm_version(), reason="no TFLM interpreter: pip install tflite-micro"),
]
EQUALIZE = "--equalize"
X = np.random.default_rng(0).normal(0, 1, (60, 8, 8, 3)).astype(np.float32)


def net(spoil: str = "") -> Any:
    """Three convolutions; those named `spoil` have one filter that is 60 times the others."""
    module = keras()
    layers = module.layers
    module.utils.set_random_seed(3)
    image = module.Input((8, 8, 3))
    x = image
    for name in ("first", "second", "third"):
        x = layers.Conv2D(8, 3, padding="same", activation="relu", name=name)(x)
    x = layers.GlobalAveragePooling2D(name="pool")(x)
    model = module.Model(image, layers.Dense(4, activation="softmax", name="scores")(x), name="net")
    if spoil:
        layer, reader = (
            model.get_layer(spoil),
            model.layers[model.layers.index(model.get_layer(spoil)) + 1],
        )
        kernel = layer.kernel.numpy()
        kernel[..., 0] *= 60
        layer.kernel.assign(kernel)
        following = reader.kernel.numpy()
        following[:, :, 0] /= 60
        reader.kernel.assign(following)
    return model


def test_the_layer_with_a_wide_range_is_the_first_verdict(tmp_path: Path) -> None:
    record = debug_quant(net("second"), X, out=tmp_path / "a", calibration="minmax")
    worst = record.verdicts[0]
    assert worst.layer == "second" and worst.share > 0.5
    assert "one channel reaches" in worst.cause and worst.advice.startswith(EQUALIZE)
    rows = {row.layer: row for row in record.layers}
    assert list(rows) == ["(input)", "first", "second", "third", "pool", "scores"]
    assert rows["second"].worth_int16 is not None and rows["second"].worth_int16 > 0.5
    assert record.output_db < debug_quant(net(), X, out=tmp_path / "b").output_db
    page = record.report.read_text()
    assert "second" in page and "<svg" in page and "Verdict" in page
    assert json.loads((tmp_path / "a" / "debug_quant.json").read_text())["verdicts"]


@pytest.mark.parametrize("int16", [0.9, None])
def test_inputs_are_no_layer_that_can_be_given_another_format(int16: float | None) -> None:
    row = LayerLoss(
        *("(input)", ("INPUT",), 20.0, 20.0, 0.1, 0.0, -1.0, 1.0, 1.0, 1.0, 1.0, 0.0, 1.0),
        worth_float=0.9,
        worth_int16=int16,
    )
    [verdict] = ranked(Losses(20.0, (row,)), 20.0)
    assert verdict.share == 0.9 and "--layer" not in verdict.advice


def test_the_simulation_is_near_what_the_interpreter_gives(tmp_path: Path) -> None:
    model = net()
    linear = keras().Model(model.input, model.get_layer("pool").output, name="net")
    record = debug_quant(linear, X, out=tmp_path / "a")
    assert abs(record.simulated_db - record.output_db) < 2.0
    assert record.agreement is not None and record.agreement >= 0.9


def test_another_scale_than_the_file_was_made_for_is_named(tmp_path: Path) -> None:
    made = convert(net(), X, out=tmp_path / "int8", eval_samples=0)
    record = debug_quant(net(), 255 * X, out=tmp_path / "a", tflite=made.tflite)
    assert record.findings[0].startswith("input scaled wrongly: the data span")
    assert record.tflite == made.tflite.name


def test_a_model_that_always_says_the_same_is_named(tmp_path: Path) -> None:
    model, dead = net(), net()
    features = keras().Model(model.input, model.get_layer("pool").output)
    kernel = 60 * model.get_layer("scores").kernel.numpy()
    bias = -np.mean(np.asarray(features(X)) @ kernel, axis=0)
    model.get_layer("scores").set_weights([kernel, bias])
    dead.get_layer("scores").set_weights([0 * kernel, bias])
    made = convert(dead, X, out=tmp_path / "int8", eval_samples=0)
    record = debug_quant(model, X, out=tmp_path / "a", tflite=made.tflite)
    assert any("always the same class" in finding for finding in record.findings)


def test_bad_input(tmp_path: Path) -> None:
    made = convert(net(), X, out=tmp_path / "int8", eval_samples=0)
    with pytest.raises(EdgekitError, match="beside its float model") as caught:
        debug_quant(made.tflite, X, out=tmp_path / "a")
    assert "--tflite" in caught.value.hint
    module = keras()
    other = module.Sequential([module.Input((5,)), module.layers.Dense(2)])
    with pytest.raises(EdgekitError, match="is not this model"):
        debug_quant(
            other, np.ones((9, 5)) * np.arange(9)[:, None], out=tmp_path / "b", tflite=made.tflite
        )
    assert not (tmp_path / "b").exists()
