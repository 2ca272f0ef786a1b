# SPDX-License-Identifier: Apache-2.0
"""`prune --engine tfmot`: the same files and record, and what it cannot do by name."""

from __future__ import annotations

import json
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgekit.cli.prune_commands import Engine
from edgekit.errors import EdgekitError, ToolMissing
from edgekit.model.load import load_model
from edgekit.model.tf import keras
from edgekit.prune import tfmot_engine
from edgekit.verbs._tfmot import ENGINES
from edgekit.verbs.prune import prune

pytestmark = pytest.mark.needs_tf
needs_tfmot = pytest.mark.skipif(
    find_spec("tensorflow_model_optimization") is None,
    reason="no tensorflow-model-optimization: pip install 'edgekit[tfmot]'",
)
RNG = np.random.default_rng(0)
Y = RNG.integers(0, 3, 240)
X = (RNG.normal(size=(240, 20)) + 2 * np.eye(3, 20)[Y]).astype(np.float32)


def net(outputs: int = 1) -> Any:
    module = keras()
    layers = module.layers
    module.utils.set_random_seed(1)
    start = module.Input((20,))
    x = layers.Dense(32, activation="relu", name="wide")(start)
    x = layers.BatchNormalization()(layers.Dense(32, activation="relu", name="deep")(x))
    ends = [layers.Dense(3, activation="softmax")(x) for _ in range(outputs)]
    return module.Model(start, ends if outputs > 1 else ends[0])


@needs_tfmot
@pytest.mark.parametrize("epochs", [2, 0])
def test_the_record_is_that_of_prune(epochs: int, tmp_path: Path) -> None:
    model, out = net(), tmp_path / "a.keras"
    before = model.get_weights()
    record = prune(model, (X, Y), out=out, engine="tfmot", sparsity=0.5, epochs=epochs)
    assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))
    kernels = {row.name: row for row in record.layers}
    for name in ("wide", "deep"):
        kernel = np.asarray(load_model(out).keras.get_layer(name).kernel)
        assert np.mean(kernel == 0) == kernels[name].sparsity == 0.5
    assert (record.engine, record.scope, record.method) == ("tfmot", "per_layer", "magnitude")
    assert record.versions["tensorflow-model-optimization"]
    assert record.sparsity == 0.5 and record.accuracy is not None
    body = json.loads((tmp_path / "a.prune.json").read_text())
    assert body["engine"] == "tfmot" and body["stage"] == "prune"
    if epochs:
        assert record.fine_tuning is not None and record.fine_tuning["teacher"] == "none"
        assert any("no teacher" in warning for warning in record.warnings)
    else:
        assert record.schedule == "at once" and record.batch_norm in ("re-estimated", "kept")
    loaded = {name.partition(".")[0] for name in sys.modules}
    assert "tensorflow_model_optimization" not in loaded


@pytest.mark.parametrize(
    ("options", "words", "hint"),
    [
        ({"method": "stability"}, "--method stability", "magnitude"),
        ({"scope": "global"}, "--scope global", "per_layer"),
        ({"scope": "adaptive"}, "--scope adaptive", "per_layer"),
        ({"structure": "2x2"}, "no structure '2x2'", "2:4"),
        ({"structure": "channels"}, "no structure 'channels'", "2:4"),
        ({"structure": "2:4", "sparsity": 0.75}, "means a sparsity of 0.5", "0.5"),
        ({"objective": "macs"}, "--objective macs", "size"),
        ({"of_all": True}, "--of-all", "leave"),
        ({"schedule": "exponential"}, "--schedule exponential", "polynomial and constant"),
        ({"schedule": lambda step: (True, 0.5)}, "--schedule", "polynomial and constant"),
        ({"teacher": "other.keras"}, "--teacher other.keras", "none"),
        ({"augment": "flip_shift"}, "--augment flip_shift", "none"),
        ({"steps": 10}, "--steps", "--epochs"),
        ({"engine": "tmfot"}, "no engine 'tmfot'", "tfmot"),
    ],
)
def test_what_it_cannot_do_is_said_by_name(
    options: dict[str, Any], words: str, hint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tfmot_engine, "need_tfmot", lambda: "0")
    with pytest.raises(EdgekitError, match=words) as caught:
        prune(net(), (X, Y), out=tmp_path / "a.keras", **{"engine": "tfmot"} | options)
    assert hint in caught.value.hint and not list(tmp_path.iterdir())


def test_several_outputs_cannot_be_trained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tfmot_engine, "need_tfmot", lambda: "0")
    with pytest.raises(EdgekitError, match="models with one output"):
        prune(net(2), (X, [Y, Y]), out=tmp_path / "a.keras", engine="tfmot")


def test_without_the_package_nothing_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tfmot_engine, "PACKAGE", "no_such_package")
    with pytest.raises(ToolMissing, match="not installed") as caught:
        prune(net(), (X, Y), out=tmp_path / "a.keras", engine="tfmot")
    assert "pip install" in caught.value.hint and caught.value.exit_code == 3


def test_the_command_line_offers_every_engine() -> None:
    assert {item.value for item in Engine} == set(ENGINES)
