# SPDX-License-Identifier: Apache-2.0
"""Models with several outputs learn from labels of each, however those are named and given."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgekit.errors import EdgekitError
from edgekit.model.data import load_data
from edgekit.model.info import InputSpec
from edgekit.model.load import load_model
from edgekit.model.tf import keras, tensorflow
from edgekit.prune.goals import Answers, goals_of, output_names
from edgekit.verbs.prune import PruneRecord, prune

pytestmark = pytest.mark.needs_tf

RNG = np.random.default_rng(0)
KIND = RNG.integers(0, 3, 300)
LEFT = (RNG.normal(size=(3, 10))[KIND] + 0.7 * RNG.normal(size=(300, 10))).astype(np.float32)
RIGHT = RNG.normal(size=(300, 6)).astype(np.float32)
SIZE = RIGHT[:, :2] * 0.5 + 1
SPECS = [InputSpec("left", (10,)), InputSpec("right", (6,))]


def net(form: str = "list") -> Any:
    """Two inputs; a class of the left one, two numbers of the right one."""
    layers = keras().layers
    keras().utils.set_random_seed(1)
    left, right = keras().Input((10,), name="left"), keras().Input((6,), name="right")
    x = layers.Dense(48, activation="relu", name="wide")(layers.Concatenate()([left, right]))
    x = layers.Dense(24, activation="relu", name="shared")(x)
    kind = layers.Dense(3, activation="softmax", name="kind")(x)
    size = layers.Dense(2, name="size")(x)
    outputs = {"list": [kind, size], "dict": {"what": kind, "how_big": size}}[form]
    return keras().Model([left, right], outputs)


@pytest.fixture(scope="module")
def trained() -> Any:
    model = net()
    model.compile("adam", ["sparse_categorical_crossentropy", "mse"])
    model.fit([LEFT, RIGHT], [KIND, SIZE], epochs=12, batch_size=32, verbose=0)
    return model


def run(model: Any, data: Any, out: Path, **options: Any) -> PruneRecord:
    settings = {"epochs": 6, "batch_size": 32, "sparsity": 0.7, "learning_rate": 3e-3}
    return prune(model, data, out=out, **settings | options)


def errors(model: Any) -> tuple[float, float]:
    """Share of wrong classes, mean square error of the numbers."""
    kind, size = (np.asarray(a) for a in model([LEFT, RIGHT], training=False))
    return float(np.mean(kind.argmax(1) != KIND)), float(np.mean((size - SIZE) ** 2))


@pytest.mark.parametrize("teacher", ["self", "none"])
def test_both_outputs_learn(teacher: str, trained: Any, tmp_path: Path) -> None:
    data = ([LEFT, RIGHT], {"size": SIZE, "kind": KIND})
    record = run(trained, data, tmp_path / "a.keras", teacher=teacher, epochs=12)
    untrained = run(trained, data, tmp_path / "b.keras", epochs=0)
    assert record.fine_tuning is not None and untrained.fine_tuning is None
    assert record.sparsity == pytest.approx(0.7, abs=0.003)
    before = errors(load_model(tmp_path / "b.keras").keras)
    after = errors(load_model(tmp_path / "a.keras").keras)
    assert after[0] < before[0] and after[1] < 0.8 * before[1]


def test_accuracy_is_of_the_outputs_that_are_classes(trained: Any, tmp_path: Path) -> None:
    two = ([LEFT, RIGHT], [KIND, SIZE])
    record = run(trained, two, tmp_path / "a.keras", epochs=1)
    assert set(record.output_accuracy) == {"kind"}
    assert record.accuracy is not None
    assert record.accuracy["before"] == record.output_accuracy["kind"]["before"] > 0.6
    body = json.loads((tmp_path / "a.prune.json").read_text())
    assert body["output_accuracy"]["kind"]["after"] == record.accuracy["after"]


@pytest.mark.parametrize("method", ["gradient", "stability"])
@pytest.mark.parametrize("structure", ["unstructured", "channels"])
def test_criteria_see_all_outputs(
    method: str, structure: str, trained: Any, tmp_path: Path
) -> None:
    data = ([LEFT, RIGHT], [KIND, SIZE])
    options = {"method": method, "structure": structure, "sparsity": 0.5, "epochs": 1}
    assert run(trained, data, tmp_path / "a.keras", **options).fine_tuning is not None


def test_outputs_of_a_dict_go_by_their_keys(tmp_path: Path) -> None:
    model = net("dict")
    assert output_names(model) == ("how_big", "what")
    data = {"left": LEFT, "right": RIGHT, "y_what": KIND, "y_how_big": SIZE}
    np.savez(tmp_path / "data.npz", **data)
    record = run(model, tmp_path / "data.npz", tmp_path / "a.keras")
    assert record.fine_tuning is not None and set(record.output_accuracy) == {"what"}
    assert record.accuracy is not None and record.accuracy["after"] > record.accuracy["before"]


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        ({"kind": KIND}, "none for the output size"),
        ({"kind": KIND, "sise": SIZE}, "none for the output size"),
        ([KIND + 9, SIZE], "labels run from 9"),
        ([KIND, SIZE[:, :1] + 0.1], "do not fit the model's output"),
    ],
)
def test_labels_that_do_not_fit(labels: Any, words: str, tmp_path: Path) -> None:
    with pytest.raises(EdgekitError, match=words) as caught:
        run(net(), ([LEFT, RIGHT], labels), tmp_path / "a.keras")
    assert caught.value.hint and not (tmp_path / "a.keras").exists()


def test_without_labels_of_each_output_it_is_said_how_to_give_them(tmp_path: Path) -> None:
    record = run(net(), ([LEFT, RIGHT], KIND), tmp_path / "a.keras")
    assert record.fine_tuning is None
    assert any("y_kind, y_size" in warning for warning in record.warnings)


def test_every_way_to_give_labels_is_the_same(tmp_path: Path) -> None:
    tf = tensorflow()
    pair = (LEFT, RIGHT)
    named = {"left": LEFT, "right": RIGHT}
    np.savez(tmp_path / "d.npz", **named, y_kind=KIND, y_size=SIZE)
    ways = [
        tmp_path / "d.npz",
        named | {"y_kind": KIND, "y_size": SIZE},
        (pair, {"kind": KIND, "size": SIZE}),
        tf.data.Dataset.from_tensor_slices((pair, {"kind": KIND, "size": SIZE})).batch(64),
    ]
    for way in ways:
        split = load_data(way, SPECS).train
        assert np.array_equal(split.answers["kind"], KIND), way
        assert np.allclose(split.answers["size"], SIZE) and split.y is None
    for way in ((pair, [KIND, SIZE]), tf.data.Dataset.from_tensor_slices((pair, (KIND, SIZE)))):
        split = load_data(way, SPECS).train
        assert list(split.answers) == ["0", "1"] and np.array_equal(split.answers["0"], KIND)
    taken = split.take([5, 2])
    assert np.array_equal(taken.answers["0"], KIND[[5, 2]])


def test_train_and_test_pairs() -> None:
    arrays = {"left_train": LEFT, "right_train": RIGHT, "y_train_kind": KIND, "y_train_size": SIZE}
    arrays |= {"left_test": LEFT[:9], "right_test": RIGHT[:9], "y_test_kind": KIND[:9]}
    data = load_data(arrays, SPECS)
    assert set(data.train.answers) == {"kind", "size"}
    assert data.test is not None and set(data.test.answers) == {"kind"} and len(data.test) == 9


def test_one_output_is_as_it_was() -> None:
    split = load_data((LEFT, list(KIND)), SPECS[:1]).train
    assert split.answers == {} and split.y is not None
    rows = load_data((LEFT, list(np.eye(3)[KIND])), SPECS[:1]).train
    assert rows.y is not None and np.array_equal(rows.y, KIND)


def test_the_loss_is_the_sum_of_the_outputs() -> None:
    model = net()
    y = Answers((KIND, SIZE))
    outputs = model([LEFT, RIGHT])
    losses = keras().losses
    wanted = losses.SparseCategoricalCrossentropy()(KIND, outputs[0])
    wanted += losses.MeanSquaredError()(SIZE, outputs[1])
    assert float(goals_of(model, y).loss(y, outputs)) == pytest.approx(float(wanted), rel=1e-5)
