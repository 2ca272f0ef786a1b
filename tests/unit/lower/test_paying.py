# SPDX-License-Identifier: Apache-2.0
"""Which shapes of zeros pay: asked of the cost model, layer by layer."""

from __future__ import annotations

import numpy as np
import pytest

from edgekit.lower.build import lower_graph
from edgekit.lower.passes.alignment import channels_together, whole_groups
from edgekit.lower.paying import CostModel, with_zeros
from edgekit.lower.program import Target
from edgekit.tflite.reader import read_graph
from edgekit.verbs._auto import best_shape, kept
from tests.support.side_by_side import side_by_side
from tests.support.sparse_models import blocks, weights
from tests.support.tflite_builder import SAME, ModelBuilder
from tests.support.way_models import conv, dense

M4 = Target(core="cortex-m4", optimize="balanced")
WIDE = ((1, 10, 10, 32), (3, 3), (1, 1), SAME, 32)


def costs_of(add, case, target=M4):
    graph = read_graph(side_by_side(add, [case]))
    return CostModel(graph, target), graph.ops[0]


@pytest.mark.parametrize(
    ("add", "case", "sparsity", "structure"),
    [
        (dense, (1, 128, 64), 0.75, "2x8"),
        (dense, (16, 128, 64), 0.75, "2x2"),
        (conv, ((1, 6, 6, 64), (1, 1), (1, 1), SAME, 64), 0.5, "2:4x2"),
        (conv, WIDE, 0.9, "2x2"),
        (conv, WIDE, 0.02, None),
    ],
)
def test_the_cheapest_shape_of_a_layer(add, case, sparsity, structure):
    costs, op = costs_of(add, case)
    shape = best_shape(op, costs, sparsity)
    assert shape.structure == structure
    assert (shape.pruned.price < shape.dense.price) == (structure is not None)


def test_cores_without_sparse_kernels_gain_nothing():
    costs, op = costs_of(dense, (1, 128, 64), Target(core="cortex-m3"))
    assert best_shape(op, costs, 0.9).structure is None


def test_never_dearer_than_the_best_dense_way():
    """Zeros that lie in no shape leave the dense way as it is."""
    costs, op = costs_of(conv, WIDE)
    keep = np.random.default_rng(1).random(costs.graph.input_of(op, 1).shape) > 0.2
    assert costs.cost(op, keep).price <= costs.cost(op).price


def test_what_is_predicted_is_what_is_lowered():
    costs, op = costs_of(dense, (1, 128, 64))
    keep = kept(op, costs.graph, "2x8", 0.75)
    program = lower_graph(with_zeros(costs.graph, op, keep), M4)
    assert program.calls[0].way == costs.cost(op, keep).way == "8x2 row"
    assert keep.mean() == pytest.approx(0.25, abs=0.01)


@pytest.mark.parametrize("side", [8, 4, 2])
def test_channels_of_a_block_stay_together(side):
    b = ModelBuilder()
    x = b.input((1, 64), scale=0.05)
    w = b.constant(weights(blocks(side, 2), 64, 64, 0.7), scale=0.004)
    y = b.op("FULLY_CONNECTED", [x, w], (1, 64), scale=0.3)
    graph = read_graph(b.finish([y]))
    assert channels_together(graph)[graph.outputs[0]] == side


def test_dense_weights_bind_no_channels():
    graph = read_graph(side_by_side(dense, [(1, 64, 64)]))
    assert channels_together(graph) == {}


def test_groups_are_kept_whole():
    mask = np.array([False, False, True, False, False, False, True])
    assert whole_groups(mask, 2).tolist() == [False, False, True, True, False, False, True]
    assert whole_groups(mask, 1).tolist() == mask.tolist()
