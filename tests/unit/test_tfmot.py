# SPDX-License-Identifier: Apache-2.0
"""tensorflow-model-optimization in its own process: same outputs, same masks, never imported."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgekit.errors import EdgekitError, ToolMissing
from edgekit.model.tf import keras
from edgekit.prune import tfmot_engine
from edgekit.prune.tfmot_engine import Samples, cluster_with_tfmot, prune_with_tfmot

needs_tfmot = pytest.mark.skipif(
    find_spec("tensorflow_model_optimization") is None,
    reason="no tensorflow-model-optimization: pip install 'edgekit[tfmot]'",
)
pytestmark = pytest.mark.needs_tf

RNG = np.random.default_rng(0)
X = RNG.random((64, 8, 8, 3)).astype(np.float32)
Y = RNG.integers(0, 4, 64)


def net() -> Any:
    """Two paths that add up, batch norms, a nested model and settings Keras 2 names otherwise."""
    module = keras()
    layers = module.layers
    module.utils.set_random_seed(3)
    nested = module.Sequential(
        [module.Input((8, 8, 16)), layers.Conv2D(16, 3, padding="same", name="deep")],
        name="nested",
    )
    start = module.Input((8, 8, 3))
    x = layers.Conv2D(16, 3, padding="same", kernel_regularizer="l2", name="first")(start)
    x = layers.LeakyReLU(negative_slope=0.2)(layers.BatchNormalization()(x))
    x = layers.Add()([x, layers.ReLU(max_value=6.0)(nested(x))])
    x = layers.Conv2D(24, 3, name="middle")(layers.DepthwiseConv2D(3, name="depths")(x))
    x = layers.Dropout(0.1)(layers.GlobalAveragePooling2D()(x))
    return module.Model(start, layers.Dense(4, activation="softmax", name="scores")(x))


def kernels(model: Any) -> dict[str, np.ndarray]:
    from edgekit.prune.targets import find_kernels

    return {kernel.name: kernel.values() for kernel in find_kernels(model)}


@needs_tfmot
def test_pruned_with_training_comes_back_and_leaves_the_model_alone() -> None:
    model = net()
    before = kernels(model)
    samples = Samples([X], Y, epochs=4, batch_size=16)
    result = prune_with_tfmot(model, samples, sparsity=0.75, seed=1)
    after = kernels(result.model)
    assert set(result.layers) == {"deep", "middle"}
    for name in before:
        wanted = 0.75 if name in result.layers else 0.0
        assert np.mean(after[name] == 0) == pytest.approx(wanted, abs=1e-3)
        assert np.array_equal(kernels(model)[name], before[name])
    assert any(not np.array_equal(after[name], before[name] * (after[name] != 0)) for name in after)
    assert result.off_before < 1e-5 and result.off_after < 1e-5
    loaded = {name.partition(".")[0] for name in sys.modules}
    assert "tensorflow_model_optimization" not in loaded


@needs_tfmot
def test_at_once_and_two_of_four() -> None:
    model = net()
    result = prune_with_tfmot(model, sparsity=0.5, structure="2:4")
    before, after = kernels(model)["middle"], kernels(result.model)["middle"]
    assert np.mean(after == 0) == 0.5
    assert np.array_equal(after[after != 0], before[after != 0])


@needs_tfmot
def test_clusters_hold_few_values() -> None:
    result = cluster_with_tfmot(net(), clusters=8)
    distinct = {name: len(np.unique(values)) for name, values in kernels(result.model).items()}
    assert distinct["first"] <= 8 and distinct["middle"] <= 8 and distinct["deep"] <= 8
    assert distinct["depths"] > 8


@needs_tfmot
def test_our_masks_are_theirs_update_by_update() -> None:
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-m", "tests.support.tfmot_masks"],
        capture_output=True,
        text=True,
        cwd=root,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    found = json.loads(done.stdout.splitlines()[-1])
    assert set(found) == {"polynomial", "constant", "odd"}
    for rows in found.values():
        assert len(rows) >= 14
        assert rows[-1][3] > 0.4 * rows[-1][2]
        assert [row for row in rows if row[4]] == []


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"schedule": "exponential"}, "no schedule"),
        ({"structure": "4x1"}, "no structure"),
        ({"structure": "1:4"}, "sparsity of 0.75"),
    ],
)
def test_what_it_cannot_do_is_said(
    options: dict[str, str], words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tfmot_engine, "need_tfmot", lambda: "0")
    with pytest.raises(EdgekitError, match=words):
        prune_with_tfmot(net(), sparsity=0.5, **options)


def test_a_missing_package_is_named_with_the_line_that_installs_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(tfmot_engine, "PACKAGE", "no_such_package")
    with pytest.raises(ToolMissing) as raised:
        prune_with_tfmot(net(), sparsity=0.5)
    assert "pip install" in raised.value.hint and "tfmot" in raised.value.hint


@needs_tfmot
def test_a_layer_that_keras_2_does_not_have_is_named() -> None:
    module = keras()
    model = module.Sequential(
        [
            module.Input((8, 16)),
            module.layers.RMSNormalization(name="root"),
            module.layers.Dense(64, name="wide"),
        ]
    )
    with pytest.raises(EdgekitError, match="which Keras 2 does not have"):
        prune_with_tfmot(model, sparsity=0.5)
