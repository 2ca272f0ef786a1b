# SPDX-License-Identifier: Apache-2.0
"""Models of a class of one's own: pruned, fine-tuned and converted as others are."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgekit.errors import EdgekitError
from edgekit.model.load import load_model
from edgekit.model.tf import keras, quiet
from edgekit.verbs.convert import convert
from edgekit.verbs.prune import prune

pytestmark = pytest.mark.needs_tf
RNG = np.random.default_rng(0)
Y = RNG.integers(0, 3, 240)
X = (RNG.normal(size=(3, 12))[Y] + 0.5 * RNG.normal(size=(240, 12))).astype(np.float32)

SOURCE = """
import keras

class Net(keras.Model):
    def __init__(self, units=32, **options):
        super().__init__(**options)
        self.units = units
        self.scores = keras.layers.Dense(3, activation="softmax", name="scores")
        self.wide = keras.layers.Dense(units, activation="relu", name="wide")
        self.deep = keras.layers.Dense(units, activation="relu", name="deep")

    def call(self, x):
        return self.scores(self.deep(self.wide(x)))

    def get_config(self):
        return {"units": self.units}

class Plain(Net):
    def __init__(self):
        super().__init__()
    get_config = keras.Model.get_config

class Closed(Net):
    def __init__(self, units, secret):
        super().__init__(units)
    get_config = keras.Model.get_config
"""


@pytest.fixture
def classes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    keras()
    (tmp_path / "own_nets.py").write_text(SOURCE)
    monkeypatch.syspath_prepend(str(tmp_path))
    import own_nets  # type: ignore[import-not-found]

    yield own_nets
    sys.modules.pop("own_nets", None)


def trained(model: Any) -> Any:
    keras().utils.set_random_seed(1)
    model.compile("adam", "sparse_categorical_crossentropy")
    model.fit(X, Y, epochs=6, verbose=0)
    return model


@pytest.mark.parametrize("name", ["Net", "Plain"])
def test_a_live_one_is_fine_tuned_and_left_as_it_is(
    name: str, classes: Any, tmp_path: Path
) -> None:
    model = trained(getattr(classes, name)())
    before = [array.copy() for array in model.get_weights()]
    record = prune(model, (X, Y), out=tmp_path / "a.keras", sparsity=0.6, epochs=3)
    assert record.fine_tuning is not None and record.fine_tuning["teacher"] == "self"
    assert record.sparsity == pytest.approx(0.6, abs=0.003)
    assert record.accuracy is not None and record.accuracy["after"] > 0.8
    assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))


def test_a_file_comes_back_as_its_class_and_converts(classes: Any, tmp_path: Path) -> None:
    with quiet():
        trained(classes.Net(40)).save(tmp_path / "net.keras")
    custom = ("own_nets:Net",)
    out = tmp_path / "a.keras"
    record = prune(tmp_path / "net.keras", (X, Y), out=out, epochs=2, custom=custom)
    assert record.fine_tuning is not None
    with quiet():
        model = keras().models.load_model(out, custom_objects={"Net": classes.Net}, compile=False)
    assert type(model).__name__ == "Net" and model.units == 40
    zeros = np.mean(np.asarray(model.deep.kernel) == 0)
    assert zeros == next(row.sparsity for row in record.layers if row.name.endswith("deep")) > 0.3
    converted = convert(out, (X, Y), out=tmp_path / "int8", custom=custom, eval_samples=60)
    assert {row.layer.split("/")[-1] for row in converted.kernels} == {"wide", "deep"}
    assert converted.accuracy is not None
    assert converted.accuracy["int8"] == pytest.approx(converted.accuracy["float"], abs=0.05)


def test_what_ends_in_a_softmax_is_seen_though_there_is_no_graph(classes: Any) -> None:
    from edgekit.prune.evidence import activation_of

    assert activation_of(load_model(trained(classes.Net())).keras) == "softmax"


def test_what_cannot_be_done(classes: Any, tmp_path: Path) -> None:
    with pytest.raises(EdgekitError, match="never built"):
        prune(classes.Net(), (X, Y), out=tmp_path / "a.keras")
    closed = classes.Closed(32, secret=object())
    closed(X[:1])
    with pytest.raises(EdgekitError, match="cannot be copied") as caught:
        prune(closed, (X, Y), out=tmp_path / "a.keras")
    assert "Pruner" in caught.value.hint
    with pytest.raises(EdgekitError, match="no channels that can be followed") as caught:
        prune(trained(classes.Net()), (X, Y), out=tmp_path / "a.keras", structure="channels")
    assert caught.value.hint and not (tmp_path / "a.keras").exists()
