# SPDX-License-Identifier: Apache-2.0
"""`edgekit.cluster`: files, record and what is refused."""

from __future__ import annotations

import json
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from edgekit.errors import EdgekitError, ToolMissing
from edgekit.model.load import load_model
from edgekit.model.tf import keras
from edgekit.prune import tfmot_engine
from edgekit.verbs.cluster import cluster

pytestmark = pytest.mark.needs_tf
needs_tfmot = pytest.mark.skipif(
    find_spec("tensorflow_model_optimization") is None,
    reason="no tensorflow-model-optimization: pip install 'edgekit[tfmot]'",
)
RNG = np.random.default_rng(0)
Y = RNG.integers(0, 3, 240)
X = (RNG.normal(size=(240, 20)) + 2 * np.eye(3, 20)[Y]).astype(np.float32)


@pytest.fixture
def model(tmp_path: Path) -> Path:
    module = keras()
    module.utils.set_random_seed(1)
    net = module.Sequential(
        [
            module.Input((20,)),
            module.layers.Dense(32, activation="relu", name="wide"),
            module.layers.Dense(3, activation="softmax", name="scores"),
        ]
    )
    net.compile("adam", "sparse_categorical_crossentropy")
    net.fit(X, Y, epochs=8, verbose=0)
    path = tmp_path / "net.keras"
    net.save(path)
    return path


@needs_tfmot
def test_few_values_and_an_honest_record(model: Path, tmp_path: Path) -> None:
    out = tmp_path / "few.keras"
    record = cluster(model, (X, Y), out=out, clusters=4, epochs=2, seed=1)
    kernel = np.asarray(load_model(out).keras.get_layer("wide").kernel)
    assert len(np.unique(kernel)) <= 4
    rows = {row.name: row for row in record.layers}
    assert rows["wide"].clustered and rows["wide"].after == len(np.unique(kernel))
    assert rows["wide"].before > 600
    assert not rows["scores"].clustered and rows["scores"].after == rows["scores"].before
    assert record.index_bits == 2 and record.keras2_difference < 1e-5
    assert record.accuracy is not None and record.accuracy["samples"] == 80
    assert record.accuracy["after"] > 0.5
    body = json.loads((tmp_path / "few.cluster.json").read_text())
    assert body["stage"] == "cluster" and body["fine_tuning"]["samples"] == 160
    loaded = {name.partition(".")[0] for name in sys.modules}
    assert "tensorflow_model_optimization" not in loaded


def test_a_strangers_file_is_not_overwritten(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tfmot_engine, "need_tfmot", lambda: "0")
    before = model.read_bytes()
    with pytest.raises(EdgekitError, match="did not write it"):
        cluster(model, out=model)
    assert model.read_bytes() == before


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"clusters": 1}, "2 to 256"),
        ({"start": "middle"}, "no start 'middle'"),
        ({"keep": ("wide",)}, "no kernel to prune"),
    ],
)
def test_wrong_options_are_said(
    options: dict[str, object],
    words: str,
    model: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(tfmot_engine, "need_tfmot", lambda: "0")
    with pytest.raises(EdgekitError, match=words):
        cluster(model, out=tmp_path / "few.keras", **options)  # type: ignore[arg-type]
    assert not (tmp_path / "few.keras").exists()


def test_without_the_package_nothing_starts(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tfmot_engine, "PACKAGE", "no_such_package")
    with pytest.raises(ToolMissing, match="not installed"):
        cluster(model, out=tmp_path / "few.keras")
