# SPDX-License-Identifier: Apache-2.0
"""Zeros of a pruned model are counted again in the int8 file, kernel by kernel."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgekit.errors import EdgekitError
from edgekit.model.tf import keras
from edgekit.prune.masks import Choice
from edgekit.prune.oneshot import prune_at_once
from edgekit.prune.targets import find_kernels
from edgekit.tflite.graph import Graph
from edgekit.tflite.reader import read_graph
from edgekit.verbs._zeros import check_zeros
from edgekit.verbs.convert import ConvertRecord, convert

pytestmark = pytest.mark.needs_tf
RNG = np.random.default_rng(0)
X = RNG.random((40, 8, 8, 3)).astype(np.float32)


def net() -> Any:
    """Batch norms to fold, kernels of every common kind, a nested model, one kernel used twice."""
    module = keras()
    layers = module.layers
    module.utils.set_random_seed(1)
    nested = module.Sequential(
        [module.Input((6, 6, 24)), layers.Conv2D(24, 1, name="deep")], name="nested"
    )
    start = module.Input((8, 8, 3))
    x = layers.Conv2D(16, 3, padding="same", use_bias=False, name="first")(start)
    x = layers.ReLU()(layers.BatchNormalization()(x))
    x = layers.SeparableConv2D(24, 3, name="apart")(x)
    x = layers.ReLU()(layers.BatchNormalization()(nested(x)))
    x = layers.Conv2DTranspose(8, 3, strides=2, name="wider")(x)
    x = layers.GlobalAveragePooling2D()(layers.Conv2D(32, 3, name="last")(x))
    twice = layers.Dense(32, activation="relu", name="twice")
    x = layers.Dense(10, name="scores")(twice(twice(x)))
    model = module.Model(start, x)
    for layer in model.layers:
        if "batch" in layer.name:
            layer.gamma.assign(RNG.uniform(0.2, 2, layer.gamma.shape))
    return model


@pytest.fixture(scope="module")
def converted(tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, ConvertRecord]:
    model = net()
    prune_at_once(model, 0.7, Choice(scope="per_layer"))
    out = tmp_path_factory.mktemp("int8")
    return model, convert(model, X, out=out, name="net", eval_samples=0)


def test_every_pruned_kernel_is_found_and_keeps_its_zeros(converted: Any) -> None:
    model, record = converted
    pruned = {k.name: k for k in find_kernels(model) if not k.protected}
    assert {row.layer for row in record.kernels} == set(pruned) and len(pruned) >= 6
    for row in record.kernels:
        assert row.float_sparsity == float(np.mean(pruned[row.layer].values() == 0))
        assert row.float_sparsity <= row.int8_sparsity < row.float_sparsity + 0.02
    assert not any("cannot be found" in warning for warning in record.warnings)


def changed(graph: Graph, layer: str, change: Any) -> Graph:
    """`graph` with the kernel of the op of `layer` changed."""
    op = next(op for op in graph.ops if op.layer.split("/")[-1] == layer)
    index = next(
        i
        for i in op.inputs
        if i >= 0 and graph.tensor(i).dtype == "int8" and graph.tensor(i).is_constant
    )
    tensors = list(graph.tensors)
    data = tensors[index].data.copy()
    change(data.reshape(-1))
    tensors[index] = replace(tensors[index], data=data)
    return replace(graph, tensors=tuple(tensors))


def one_back(flat: np.ndarray) -> None:
    flat[np.flatnonzero(flat == 0)[:1]] = 1


def more_zeros(flat: np.ndarray) -> None:
    flat[np.flatnonzero(flat)[::10]] = 0


@pytest.mark.parametrize("change", [one_back, more_zeros])
@pytest.mark.parametrize("layer", ["last", "twice", "deep"])
def test_zeros_that_were_lost_or_made_up_are_an_error(
    layer: str, change: Any, converted: Any
) -> None:
    model, record = converted
    graph = read_graph(Path(record.tflite))
    check_zeros(model, graph)
    with pytest.raises(EdgekitError, match=f"layer '(nested/)?{layer}' has") as caught:
        check_zeros(model, changed(graph, layer, change))
    assert "%" in str(caught.value) and caught.value.hint


def test_rounding_is_no_loss_and_is_said(tmp_path: Path) -> None:
    model = net()
    kernel = model.get_layer("last").kernel
    values = np.asarray(kernel).copy()
    values[0, 0, 0, :] = 500 * np.abs(values).max()  # one large weight in each channel
    kernel.assign(values)
    prune_at_once(model, 0.5, Choice(method="random", scope="per_layer"))
    record = convert(model, X, out=tmp_path / "a", eval_samples=0)
    row = next(row for row in record.kernels if row.layer == "last")
    assert row.int8_sparsity > row.float_sparsity + 0.1
    assert any("layer 'last': rounding" in warning for warning in record.warnings)


def test_a_dense_model_has_no_rows(tmp_path: Path) -> None:
    assert convert(net(), X, out=tmp_path / "a", eval_samples=0).kernels == ()
