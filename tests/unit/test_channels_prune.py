# SPDX-License-Identifier: Apache-2.0
"""`prune` with the structure "channels": a smaller model, fine-tuned, with a record."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgekit.errors import EdgekitError
from edgekit.model.load import load_model
from edgekit.model.tf import keras, quiet
from edgekit.prune.channels import find_groups, summed_scores
from edgekit.verbs.prune import prune

pytestmark = pytest.mark.needs_tf

RNG = np.random.default_rng(0)
Y = RNG.integers(0, 3, 300)
X = RNG.random((300, 8, 8, 1)).astype(np.float32)
X[np.arange(300), 2 * Y + 1] += 0.4  # a brighter row says which class it is


def net() -> Any:
    layers = keras().layers
    keras().utils.set_random_seed(3)
    return keras().Sequential(
        [
            keras().Input((8, 8, 1)),
            layers.Conv2D(8, 3, use_bias=False, name="first"),
            layers.BatchNormalization(name="norm"),
            layers.ReLU(name="relu"),
            layers.DepthwiseConv2D(3, name="depths"),
            layers.Conv2D(16, 1, activation="relu", name="middle"),
            layers.Flatten(name="flat"),
            layers.Dense(24, activation="relu", name="wide"),
            layers.Dense(3, activation="softmax", name="scores"),
        ]
    )


@pytest.mark.parametrize("data", [(X, Y), X, None])
@pytest.mark.parametrize("objective", ["macs", "size"])
def test_a_smaller_model_and_a_record(data: Any, objective: str, tmp_path: Path) -> None:
    model, out = net(), tmp_path / "small.keras"
    before = [array.copy() for array in model.get_weights()]
    options = {
        "structure": "channels",
        "objective": objective,
        "epochs": None if data is None else 2,
    }
    record = prune(model, data, out=out, sparsity=0.4, **options)
    small = load_model(out).keras
    shares = record.macs if objective == "macs" else None
    shares = shares or {"before": model.count_params(), "after": small.count_params()}
    assert 0.4 <= 1 - shares["after"] / shares["before"] < 0.7
    assert (record.fine_tuning is not None) == isinstance(data, tuple)
    assert (record.accuracy is not None) == isinstance(data, tuple)
    assert (record.batch_norm in ("re-estimated", "kept")) == (data is not None)
    assert {row.name: row.after for row in record.channels} == {
        group.name: group.size for group in find_groups(small)
    }
    assert record.sparsity < 0.01 and record.structure == "channels" and "are gone" in record.bought
    stored = json.loads((tmp_path / "small.prune.json").read_text())
    assert stored["files"].keys() == {"small.keras"} and stored["channels"][0]["name"] == "first"
    assert sum(layer["weights"] for layer in stored["layers"]) < small.count_params()
    assert not small.compiled and len(list(tmp_path.iterdir())) == 2
    assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))


def test_fine_tuning_learns_and_repeats(tmp_path: Path) -> None:
    model = net()
    model.compile("adam", "sparse_categorical_crossentropy")
    model.fit(X, Y, epochs=8, verbose=0)
    weights, scores = [], []
    for name, epochs in (("none", 0), ("a", 3), ("b", 3)):
        out = tmp_path / f"{name}.keras"
        record = prune(model, (X, Y), out=out, structure="channels", sparsity=0.7, epochs=epochs)
        assert record.accuracy is not None
        scores.append(record.accuracy["after"])
        weights.append(load_model(out).keras.get_weights())
    assert scores[1] > scores[0] + 0.1 and scores[1] == scores[2]
    assert all(np.array_equal(a, b) for a, b in zip(*weights[1:], strict=True))


@pytest.mark.parametrize("method", ["gradient", "stability", "activation", "random"])
def test_criteria_choose_channels(method: str, tmp_path: Path) -> None:
    options = {"structure": "channels", "method": method, "epochs": 0, "objective": "macs"}
    record = prune(net(), (X, Y), out=tmp_path / "a.keras", **options)
    assert record.method == method and record.macs
    assert record.macs["after"] <= record.macs["before"] / 2


def test_scores_of_weights_add_up_over_filters() -> None:
    model = net()
    groups = find_groups(model)
    kernel = model.get_layer("middle").kernel
    scores = summed_scores(groups, {id(kernel): np.asarray(kernel)})
    np.testing.assert_allclose(scores["middle"], np.square(kernel).sum((0, 1, 2)), rtol=1e-5)
    assert not scores["wide"].any()


def test_what_has_no_effect_is_said_and_layers_are_kept(tmp_path: Path) -> None:
    options = {"structure": "channels", "schedule": "constant", "keep": ("first", "wide")}
    record = prune(net(), out=tmp_path / "a.keras", sparsity=0.2, **options)
    assert any("schedule" in warning for warning in record.warnings)
    after = {row.name: row.after - row.before for row in record.channels}
    assert after["first"] == after["wide"] == 0 > after["middle"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"sparsity": 0.97}, "saves at most"),
        ({"keep": ("wdie",)}, "'wdie'"),
        ({"method": "gradient"}, "no labels|there are none"),
        ({"method": "luck"}, "no pruning method"),
        ({"objective": "luck"}, "no objective"),
        ({"objective": "cycles"}, "not what channels do"),
    ],
)
def test_what_cannot_be_done(options: dict[str, Any], words: str, tmp_path: Path) -> None:
    with pytest.raises(EdgekitError, match=words):
        prune(net(), out=tmp_path / "a.keras", structure="channels", **options)
    assert not list(tmp_path.iterdir())


def test_an_interrupted_run_goes_on(tmp_path: Path) -> None:
    from edgekit.prune.finetune import Interrupted

    class Stop:
        def __init__(self) -> None:
            self.left = 12

        def task(self, label: str, total: int) -> Any:
            return self

        def __enter__(self) -> Any:
            return self

        def __exit__(self, *error: object) -> None:
            pass

        def say(self, text: str) -> None:
            pass

        def advance(self, steps: int = 1, note: str = "") -> None:
            self.left -= steps
            if self.left < 0:
                raise KeyboardInterrupt

    with quiet():
        net().save(tmp_path / "net.keras")
    options: dict[str, Any] = {"structure": "channels", "epochs": 4, "batch_size": 32}
    with pytest.raises(Interrupted):
        prune(tmp_path / "net.keras", (X, Y), out=tmp_path / "a.keras", progress=Stop(), **options)
    assert load_model(tmp_path / "a.partial.keras").keras.count_params() < net().count_params()
    record = prune(tmp_path / "net.keras", (X, Y), out=tmp_path / "a.keras", **options)
    assert record.fine_tuning and record.fine_tuning["resumed_after"] >= 1
    assert not (tmp_path / "a.partial.keras").exists()


def test_the_table_shows_groups(tmp_path: Path) -> None:
    from io import StringIO

    from rich.console import Console

    from edgekit.artifacts import plain
    from edgekit.cli.prune_tables import show_prune

    out = StringIO()
    record = prune(net(), out=tmp_path / "a.keras", structure="channels")
    show_prune(Console(file=out, width=80, force_terminal=False), plain(record))
    [row] = [line.split() for line in out.getvalue().splitlines() if line.startswith(" middle")]
    assert row[1:3] == [
        "16",
        str(load_model(tmp_path / "a.keras").keras.get_layer("middle").filters),
    ]
