# SPDX-License-Identifier: Apache-2.0
"""Every way for cores with DSP, as its portable twins on this machine, against TFLM."""

from __future__ import annotations

import numpy as np
import pytest

from edgekit.lower.program import Target
from edgekit.lower.ways import ways_of
from edgekit.tflite.reader import read_graph
from tests.support.dsp_models import DSP_MODELS
from tests.support.exact import check_bit_exact
from tests.support.helium_models import HELIUM_MODELS
from tests.support.tflite_builder import SAME, ModelBuilder
from tests.support.way_models import (
    FUNCTIONS,
    PLAIN_MODELS,
    conv,
    only,
)

M4 = Target(core="cortex-m4", optimize="speed")
M0PLUS = Target(core="cortex-m0plus", optimize="speed")


def ways(program):
    return {call.way for call in program.calls}


@pytest.mark.parametrize(("function", "out_zp"), FUNCTIONS)
@pytest.mark.parametrize("way", DSP_MODELS)
def test_layers(way, function, out_zp, monkeypatch):
    monkeypatch.setattr("edgekit.lower.build.choose_ways", only(way))
    program = check_bit_exact(DSP_MODELS[way](function, out_zp), 6, target=M4)
    assert way.partition(",")[0] in ways(program)


@pytest.mark.parametrize(("function", "out_zp"), FUNCTIONS[::3])
@pytest.mark.parametrize(
    ("core", "way"),
    [*(("cortex-m55", way) for way in HELIUM_MODELS), *(("rv32", way) for way in PLAIN_MODELS)],
)
def test_twins_of_other_cores(core, way, function, out_zp, monkeypatch):
    monkeypatch.setattr("edgekit.lower.build.choose_ways", only(way))
    data = (HELIUM_MODELS | PLAIN_MODELS)[way](function, out_zp)
    program = check_bit_exact(data, 6, target=Target(core=core, optimize="speed"))
    assert way.partition(",")[0] in ways(program)


def test_one_output_channel_is_never_run_by_a_kernel_that_writes_pairs():
    model = ModelBuilder()
    y = conv(model, (1, 6, 7, 5), (3, 3), (1, 1), SAME, 1)
    graph = read_graph(model.finish([y]))
    found = [way.name for way in ways_of(graph.ops[0], graph, M4)]
    assert set(found) == {"portable", "packed windows"}


def test_what_the_pair_trick_cannot_hold_has_wide_weights_or_portable_c():
    """-128 beside a negative weight does not fit a lane; a large multiplier has no fast shift."""
    weights = np.full((4, 1, 1, 8), -128, np.int8)
    for case, way in [({"weights": weights}, "wide rows"), ({"scale": 0.0003}, "portable")]:
        model = ModelBuilder()
        y = conv(model, (1, 4, 4, 8), (1, 1), (1, 1), SAME, 4, **case)
        assert ways(check_bit_exact(model.finish([y]), target=M4)) == {way}


@pytest.mark.parametrize(
    ("depth", "scale", "way"),
    [
        (32, 0.02, "trio rows"),
        (60, 0.02, "trio rows"),
        (65, 0.02, "trio rows in parts"),
        (67, 0.02, "plain rows"),  # a prime number of inputs has no equal parts
        (30, 0.25, "trio rows"),
        (60, 0.25, "trio rows in parts"),  # where a sum starts counts too
    ],
)
def test_sums_at_the_edge_of_a_trio(depth, scale, way, monkeypatch):
    """Weights of 127 with inputs of -128 reach -2^20 at 64 of them."""
    monkeypatch.setattr("edgekit.lower.build.choose_ways", only(way))
    model = ModelBuilder()
    weights = np.full((6, 1, 1, depth), 127, np.int8)
    weights[::2] = -127
    y = conv(model, (1, 4, 5, depth), (1, 1), (1, 1), SAME, 6, scale=scale, weights=weights)
    program = check_bit_exact(model.finish([y]), 12, target=M0PLUS)
    assert ways(program) == {way}


def test_sums_beyond_what_a_channel_a_may_have():
    """A layer of 70,000 taps of 127 has sums of more than 2^23."""
    b = ModelBuilder()
    x = b.input((1, 70_000), scale=0.05)
    w = b.constant(np.full((8, 70_000), 127, np.int8), scale=0.004)
    y = b.op("FULLY_CONNECTED", [x, w], (1, 8), scale=9000.0)
    assert ways(check_bit_exact(b.finish([y]), target=M4)) == {"portable"}
