# SPDX-License-Identifier: Apache-2.0
"""Dead bytes are overwritten where the sanitizers are on: a plan that calls a needed byte dead,
or lets an output run too far into its input, is seen at run time."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from edgekit.build.host import HostModel
from edgekit.emit.aot import aot_sources
from edgekit.lower.build import lower_graph
from edgekit.lower.program import Program, Target
from edgekit.tflite.reader import read_graph
from tests.random_graphs.judge import EQUAL, judge
from tests.random_graphs.thin import draw_thin
from tests.support.exact import needs_tflm, random_inputs
from tests.support.pass_models import QUANT, conv, weights
from tests.support.separable import separable
from tests.support.tflite_builder import ModelBuilder


def _model() -> bytes:
    rng = np.random.default_rng(1)
    b = ModelBuilder()
    x = b.input((1, 6, 6, 4), **QUANT)
    y = conv(b, x, (1, 6, 6, 4), weights(rng, 4, 3, 3, 4), [0] * 4)
    z = conv(b, y, (1, 6, 6, 4), weights(rng, 4, 3, 3, 4), [0] * 4)
    return b.finish([b.op("ADD", [y, z], (1, 6, 6, 4), scale=0.1)])


def _outputs(program: Program, poison: bool) -> list[bytes]:
    host = HostModel(program, aot_sources(program, "m", "test"), "m", poison=poison)
    return [host.run(inputs)[0].tobytes() for inputs in random_inputs(program.graph, 4)]


def test_needed_byte_that_is_called_dead_is_seen() -> None:
    program = lower_graph(read_graph(_model()))
    skip = program.graph.ops[0].outputs[0]
    first, last = program.plan.lifetimes[skip]
    assert last == 2
    wrong = replace(program.plan, lifetimes=program.plan.lifetimes | {skip: (first, 1)})
    broken = replace(program, plan=wrong)
    sound = _outputs(program, poison=False)
    assert _outputs(program, poison=True) == sound
    assert _outputs(broken, poison=False) == sound
    assert _outputs(broken, poison=True) != sound


def test_output_too_far_in_its_input_is_seen() -> None:
    rng = np.random.default_rng(2)
    b = ModelBuilder()
    x = b.input((1, 6, 6, 4), **QUANT)
    y = conv(b, x, (1, 6, 6, 4), weights(rng, 4, 3, 3, 4), [0] * 4)
    program = lower_graph(read_graph(b.finish([y])))
    source, output = program.graph.inputs[0], program.graph.ops[0].outputs[0]
    offsets = program.plan.offsets
    assert offsets[source] - offsets[output] >= dict(program.calls[0].leads)[0]
    assert offsets[source] - offsets[output] < 6 * 6 * 4, "they do not overlap"
    wrong = replace(program.plan, offsets=offsets | {source: offsets[output]})
    assert _outputs(replace(program, plan=wrong), poison=True) != _outputs(program, poison=True)


@pytest.mark.parametrize("seed", range(5000, 5006))
def test_random_models_do_not_mind(seed: int) -> None:
    needs_tflm()
    assert judge(draw_thin(seed), inputs=4, sanitize=True).outcome == EQUAL


@pytest.mark.parametrize("ram_bytes", [0, 2800, 2400, 1])
@pytest.mark.parametrize("core", ["cortex-m4", "cortex-m0plus", "cortex-m55"])
def test_kernels_of_a_core_in_tight_memory_do_not_mind(core: str, ram_bytes: int) -> None:
    graph = read_graph(separable())
    program = lower_graph(graph, Target(core, "size", ram_bytes=ram_bytes))
    assert any(call.way != "portable" for call in program.calls)
    assert _outputs(program, poison=True) == _outputs(lower_graph(graph), poison=False)
