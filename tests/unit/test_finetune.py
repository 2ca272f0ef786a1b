# SPDX-License-Identifier: Apache-2.0
"""Fine-tuning: a teacher, the best epoch, going on after an interruption, and what goes wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgekit.errors import EdgekitError
from edgekit.model.load import load_model
from edgekit.model.tf import keras, tensorflow
from edgekit.prune.batchnorm import recalibrate_bn
from edgekit.prune.feed import Batches, Lesson
from edgekit.prune.finetune import in_words
from edgekit.prune.goals import goals_of
from edgekit.prune.loss import Task, distillation_loss, pack, task_loss
from edgekit.verbs.prune import PruneRecord, prune

pytestmark = pytest.mark.needs_tf

RNG = np.random.default_rng(0)
CENTRES = RNG.normal(size=(4, 12))
Y = RNG.integers(0, 4, 400)
X = (CENTRES[Y] + RNG.normal(size=(400, 12))).astype(np.float32)


def net(*, batch_norm: bool = False, units: int = 4, last: str | None = "softmax") -> Any:
    layers = keras().layers
    keras().utils.set_random_seed(3)
    hidden = [layers.Dense(32, activation="relu"), layers.Dense(32, activation="relu")]
    if batch_norm:
        hidden.insert(1, layers.BatchNormalization(name="norm"))
        hidden.append(layers.Dropout(0.5))
    return keras().Sequential([keras().Input((12,)), *hidden, layers.Dense(units, last)])


@pytest.fixture(scope="module")
def trained() -> Any:
    model = net(batch_norm=True)
    model.compile("adam", "sparse_categorical_crossentropy")
    model.fit(X, Y, epochs=8, verbose=0)
    return model


def run(out: Path, model: Any = None, **options: Any) -> PruneRecord:
    options = {"epochs": 4, "batch_size": 32, "sparsity": 0.6} | options
    return prune(model or net(), options.pop("data", (X, Y)), out=out, **options)


def weights(path: Path) -> list[np.ndarray]:
    return load_model(path).keras.get_weights()


def test_the_dense_model_teaches_unless_told_not_to(tmp_path: Path) -> None:
    taught = run(tmp_path / "a.keras").fine_tuning
    alone = run(tmp_path / "b.keras", teacher="none").fine_tuning
    assert taught and alone
    assert (taught["teacher"], alone["teacher"]) == ("self", "none")
    pairs = zip(weights(tmp_path / "a.keras"), weights(tmp_path / "b.keras"), strict=True)
    assert not all(np.array_equal(a, b) for a, b in pairs)


def test_another_teacher_has_to_fit(tmp_path: Path) -> None:
    run(tmp_path / "a.keras", teacher=net(batch_norm=True))
    for wrong, words in ((net(units=5), "-> "), (net(last=None), "probabilities")):
        with pytest.raises(EdgekitError, match=words) as caught:
            run(tmp_path / "b.keras", teacher=wrong)
        assert "--teacher self" in caught.value.hint


@pytest.mark.parametrize("kind", ["classes", "binary", "values"])
@pytest.mark.parametrize("logits", [True, False])
def test_a_student_equal_to_its_teacher_has_the_least_distance(kind: str, logits: bool) -> None:
    task = Task(kind, logits)
    p = np.array([[0.7, 0.2, 0.1], [0.1, 0.1, 0.8]], np.float32)
    p = p[:, :1] if kind == "binary" else p
    outputs = np.log(p / (1 - p) if kind == "binary" else p) if logits else p
    y = p if kind == "values" else np.array([1, 0])
    packed = pack(task, y, outputs)
    loss = distillation_loss(task, share=1.0)
    same, other = float(loss(packed, outputs)), float(loss(packed, outputs[::-1].copy()))
    assert same < other
    own = float(distillation_loss(task, share=0.0)(packed, outputs))
    targets = y if kind == "values" else y.reshape(-1, 1)
    assert own == pytest.approx(float(task_loss(task)(targets, outputs)), rel=1e-5)


def test_the_epoch_that_held_out_samples_like_best_is_kept(tmp_path: Path) -> None:
    told = run(tmp_path / "a.keras", epochs=6, learning_rate=0.05).fine_tuning
    assert told and 2 <= told["best_epoch"] <= told["epochs"] == 6


def interrupted_after(epochs: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C in the epoch after `epochs`."""
    from edgekit.prune.keeper import Keeper

    own = Keeper.batch

    def batch(self: Keeper, model: Any, logs: Any) -> None:
        own(self, model, logs)
        if self.epochs == epochs:
            raise KeyboardInterrupt

    monkeypatch.setattr(Keeper, "batch", batch)


@pytest.mark.parametrize("epochs", [1, 3])
def test_an_interrupted_run_goes_on_and_ends_as_if_nothing_had_been(
    epochs: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, broken, model = tmp_path / "whole.keras", tmp_path / "broken.keras", net()
    run(whole, model)
    with monkeypatch.context() as patch:
        interrupted_after(epochs, patch)
        with pytest.raises(EdgekitError, match=f"interrupted after epoch {epochs} of 4") as caught:
            run(broken, model)
    assert "again" in caught.value.hint and caught.value.exit_code == 130
    partial = tmp_path / "broken.partial.keras"
    if partial.exists():
        assert str(partial) in caught.value.hint
        assert np.mean(weights(partial)[2] == 0) > 0.3
    told = run(broken, model).fine_tuning
    assert told and told["resumed_after"] == epochs
    assert all(np.array_equal(a, b) for a, b in zip(weights(whole), weights(broken), strict=True))
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        "broken.keras",
        "broken.prune.json",
        "whole.keras",
        "whole.prune.json",
    ]


def test_another_run_does_not_go_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = net()
    with monkeypatch.context() as patch:
        interrupted_after(2, patch)
        with pytest.raises(EdgekitError):
            run(tmp_path / "a.keras", model)
    told = run(tmp_path / "a.keras", model, seed=1).fine_tuning
    assert told and told["resumed_after"] == 0


def test_a_damaged_checkpoint_is_not_taken(tmp_path: Path) -> None:
    (tmp_path / ".a.prune.resume.npz").write_bytes(b"PK\x03\x04 half a file")
    told = run(tmp_path / "a.keras").fine_tuning
    assert told and told["resumed_after"] == 0


def exploding(after: int) -> Any:
    calls = [0]

    def explode(x: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        calls[0] += 1
        return x * np.float32(np.nan) if calls[0] > after else x

    return explode


def test_nan_keeps_the_best_epoch_and_says_so(tmp_path: Path) -> None:
    record = run(tmp_path / "a.keras", augment=exploding(18))
    assert record.fine_tuning and record.fine_tuning["nan_step"] is not None
    assert any("NaN" in warning for warning in record.warnings)
    assert all(np.isfinite(array).all() for array in weights(tmp_path / "a.keras"))
    assert record.sparsity == pytest.approx(0.6, abs=0.005)


def test_nan_from_the_start_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(EdgekitError, match="not a number") as caught:
        run(tmp_path / "a.keras", augment=exploding(1))
    assert "--learning-rate" in caught.value.hint
    assert not (tmp_path / "a.keras").exists()


def test_memory_that_ran_out_is_told_in_words() -> None:
    errors = tensorflow().errors
    for error in (MemoryError(), errors.ResourceExhaustedError(None, None, "OOM")):
        with pytest.raises(EdgekitError, match="memory ran out") as caught, in_words():
            raise error
        assert "--batch-size" in caught.value.hint


def test_an_error_of_an_augmentation_is_not_swallowed(tmp_path: Path) -> None:
    def wrong(x: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        raise EdgekitError("no such image")

    with pytest.raises(EdgekitError, match="no such image"):
        run(tmp_path / "a.keras", augment=wrong)


@pytest.mark.parametrize(
    ("y", "words"), [(Y + 1, "labels run from"), (X[:, :3], "do not fit the model's output")]
)
def test_labels_that_do_not_fit_the_loss(y: np.ndarray, words: str, tmp_path: Path) -> None:
    with pytest.raises(EdgekitError, match=words):
        run(tmp_path / "a.keras", data=(X, y))


def test_steps_bound_a_run_whatever_the_samples(tmp_path: Path) -> None:
    told = run(tmp_path / "a.keras", epochs=None, steps=21).fine_tuning
    assert told and told["steps"] <= 21 < told["steps"] + told["epochs"]


def test_batches_are_a_function_of_seed_and_number() -> None:
    lesson = Lesson([X], Y)
    first, second = (Batches(lesson, 32, 7, goals_of(net(), Y)) for _ in range(2))
    seen = [first(number) for number in range(20)]
    x, y = second(17)
    assert np.array_equal(x, seen[17][0]) and np.array_equal(y, seen[17][1])
    one_pass = np.concatenate([labels for _, labels in seen[: first.per_pass]])
    assert len(one_pass) == 384 and not np.array_equal(seen[0][0], seen[first.per_pass][0])


def test_batch_norm_is_estimated_without_labels_and_nothing_else_changes(trained: Any) -> None:
    model = keras().models.clone_model(trained)
    model.set_weights(trained.get_weights())
    norm = model.get_layer("norm")
    norm.moving_mean.assign(np.full(32, 9.0))
    momentum = norm.momentum
    assert recalibrate_bn(model, [X]) == 1
    hidden = np.maximum(
        X @ np.asarray(model.layers[0].kernel) + np.asarray(model.layers[0].bias), 0
    )
    assert np.allclose(np.asarray(norm.moving_mean), hidden.mean(axis=0), atol=0.02)
    assert norm.momentum == momentum and model.layers[-2].rate == 0.5
    for ours, theirs in zip(model.layers, trained.layers, strict=True):
        if ours.name != "norm":
            pairs = zip(ours.get_weights(), theirs.get_weights(), strict=True)
            assert all(np.array_equal(a, b) for a, b in pairs)


@pytest.mark.parametrize("labelled", [True, False])
def test_one_shot_re_estimates_and_keeps_the_better(
    labelled: bool, trained: Any, tmp_path: Path
) -> None:
    data = (X, Y) if labelled else X
    record = prune(trained, data, out=tmp_path / "a.keras", sparsity=0.8, epochs=0)
    assert record.batch_norm in ("re-estimated", "kept") and record.fine_tuning is None
    off = prune(
        trained, data, out=tmp_path / "b.keras", sparsity=0.8, epochs=0, recalibrate_bn=False
    )
    assert off.batch_norm == ""


def test_the_record_is_honest_about_what_zeros_buy(tmp_path: Path) -> None:
    record = run(tmp_path / "a.keras")
    assert "depends on the core" in record.bought and "60 %" in record.bought
    assert record.weight_bytes["dense"] == 12 * 32 + 32 * 32 + 32 * 4
    assert record.accuracy and {"before", "after", "samples"} == set(record.accuracy)


def test_l1_cuts_late_and_shrinks_until_then(tmp_path: Path) -> None:
    record = run(tmp_path / "a.keras", method="l1")
    assert record.method == "l1" and record.schedule == "constant"
    assert record.sparsity == pytest.approx(0.6, abs=0.005)


@pytest.mark.parametrize(
    "options",
    [
        {"method": "gradient"},
        {"method": "stability", "structure": "2x2"},
        {"method": "activation", "structure": "2:4", "sparsity": None},
        {"scope": "adaptive"},
        {"schedule": "exponential", "objective": "macs"},
    ],
    ids=str,
)
def test_choices_go_together(options: dict[str, Any], tmp_path: Path) -> None:
    record = run(tmp_path / "a.keras", epochs=2, **options)
    assert record.sparsity == pytest.approx(0.5 if "2:4" in str(options) else 0.6, abs=0.005)


def test_before_the_first_epoch_nothing_is_promised(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        interrupted_after(0, patch)
        with pytest.raises(EdgekitError, match="before the first of 4 epochs") as caught:
            run(tmp_path / "a.keras")
    assert caught.value.exit_code == 130
    assert "from the beginning" in caught.value.hint and "go on" not in caught.value.hint
    assert not list(tmp_path.iterdir())


def test_statistics_catch_up_with_a_short_run(trained: Any, tmp_path: Path) -> None:
    """Far-off moving averages, which a few steps cannot bring back, are estimated anew."""
    norm = trained.get_layer("norm")
    own = [np.asarray(v).copy() for v in (norm.moving_mean, norm.moving_variance)]
    try:
        norm.moving_mean.assign(own[0] + 5)
        caught_up = run(tmp_path / "a.keras", trained, epochs=1, teacher="none")
        left = run(tmp_path / "b.keras", trained, epochs=1, teacher="none", recalibrate_bn=False)
    finally:
        norm.moving_mean.assign(own[0])
    assert caught_up.batch_norm == "re-estimated" and left.batch_norm == ""
    assert caught_up.accuracy is not None and left.accuracy is not None
    assert caught_up.accuracy["after"] > left.accuracy["after"]
