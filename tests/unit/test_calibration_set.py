# SPDX-License-Identifier: Apache-2.0
"""The samples that calibrate: read a few at a time, and what is wrong with them said; models that
cannot become int8."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import edgekit
from edgekit.errors import EdgekitError
from edgekit.model.dataset import Dataset, LazyArray, Split
from edgekit.model.load import load_model
from edgekit.model.tf import keras
from edgekit.quantize.convert import convert_int8
from edgekit.verbs._calibration import READ, calibration_set

needs_tf = pytest.mark.needs_tf
RNG = np.random.default_rng(3)


def _lazy(values: np.ndarray, asked: list[int]) -> LazyArray:
    def read(indices: np.ndarray) -> np.ndarray:
        asked.append(len(indices))
        return values[indices]

    return LazyArray(len(values), read)


@needs_tf
def test_samples_are_read_a_few_at_a_time() -> None:
    asked: list[int] = []
    values = RNG.normal(0, 1, (1000, 5)).astype(np.float32)
    chosen = calibration_set(Dataset(Split([_lazy(values, asked)])), 900, 0)
    x = keras().Input((5,))
    loaded = load_model(keras().Model(x, keras().layers.Dense(2)(x)))
    done = convert_int8(loaded, loaded.inputs, chosen.split.x)
    assert done.measured is not None and done.measured.samples == 900
    assert max(asked) <= READ and sum(asked) == 2 * 900


@pytest.mark.parametrize(
    ("x", "y", "words"),
    [
        (RNG.normal(0, 1, (5, 3)), None, "only 5 samples to calibrate with"),
        (np.ones((30, 3)) * [[1, 2, 3]], None, "all 30 calibration samples are the same"),
        (RNG.normal(0, 1, (30, 3)), np.full(30, 2), "samples are of class two"),
    ],
)
def test_poor_calibration_sets_are_warned_of(
    x: np.ndarray, y: np.ndarray | None, words: str
) -> None:
    dataset = Dataset(Split([x.astype(np.float32)], y), classes=("zero", "one", "two"))
    chosen = calibration_set(dataset, 30, 0)
    assert len(chosen.warnings) == 1 and words in chosen.warnings[0]


@pytest.mark.parametrize("value", [np.nan, np.inf, 3.0])
def test_calibration_sets_that_say_nothing_are_refused(value: float) -> None:
    dataset = Dataset(Split([np.full((30, 3), value, np.float32)]))
    with pytest.raises(EdgekitError) as caught:
        calibration_set(dataset, 30, 0)
    assert caught.value.hint


def _unsuitable(kind: str) -> Any:
    module = keras()
    k = module.layers
    if kind == "float64":
        return module.Sequential([k.Input((4,), dtype="float64"), k.Dense(2, dtype="float64")])
    if kind == "float16":
        return module.Sequential([k.Input((4,)), k.Dense(2, dtype="mixed_float16")])
    if kind == "quantized":
        model = module.Sequential([k.Input((4,)), k.Dense(2)])
        model.quantize("int8")
        return model
    if kind == "strings":
        x = module.Input((), dtype="string")
        return module.Model(x, k.Embedding(5, 3)(k.StringLookup(vocabulary=["a", "b"])(x)))
    x = module.Input((None, 3), ragged=True)
    return module.Model(x, k.Dense(2)(x))


@needs_tf
@pytest.mark.filterwarnings("ignore:Layer InputLayer does not have")
@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("float64", "is float64, and int8 files are made from float32"),
        ("float16", "computes in float16"),
        ("quantized", "is quantized already"),
        ("strings", "takes strings"),
        ("ragged", "is ragged"),
    ],
)
def test_models_that_cannot_become_int8_are_refused_in_a_line(
    kind: str, words: str, tmp_path: Any
) -> None:
    with pytest.raises(EdgekitError, match=words) as caught:
        edgekit.convert(_unsuitable(kind), out=tmp_path / "out")
    assert caught.value.hint and not (tmp_path / "out").exists()
