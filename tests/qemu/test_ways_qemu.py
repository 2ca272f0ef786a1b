# SPDX-License-Identifier: Apache-2.0
"""Kernels in assembly on the emulated core: against their portable twins, and against TFLM."""

from __future__ import annotations

import pytest

from edgekit.lower.build import lower_graph
from edgekit.lower.program import Target
from edgekit.tflite.reader import read_graph
from tests.support.core_models import golden_hashes, run_model
from tests.support.dsp_models import DSP_MODELS
from tests.support.exact import needs_tflm
from tests.support.helium_models import HELIUM_MODELS
from tests.support.on_core import core_board
from tests.support.side_by_side import side_by_side
from tests.support.tflite_builder import RELU, SAME
from tests.support.way_models import (
    FUNCTIONS,
    PLAIN_MODELS,
    depthwise,
    only,
)

pytestmark = [pytest.mark.needs_gcc, pytest.mark.needs_qemu]
NO_FPU = ("-Os", "-mcpu=cortex-m4+nofp", "-mthumb", "-mfloat-abi=soft")


def check(data, core, tmp_path, *variants):
    """The same hashes from TFLM and from every variant of the build."""
    needs_tflm()
    program = lower_graph(read_graph(data), Target(core=core, optimize="speed"))
    expected = golden_hashes(data)
    for flags in variants:
        run = run_model(program, tmp_path, core_board(core), flags)
        assert run.hashes == expected, (flags, run.text[-500:])


@pytest.fixture(autouse=True)
def _one_way(request, monkeypatch):
    if "way" not in request.fixturenames:
        return
    monkeypatch.setattr("edgekit.lower.build.choose_ways", only(request.getfixturevalue("way")))


@pytest.mark.parametrize(("function", "out_zp"), FUNCTIONS)
@pytest.mark.parametrize("way", DSP_MODELS)
def test_assembly_and_twins_on_a_cortex_m4(way, function, out_zp, tmp_path):
    data = DSP_MODELS[way](function, out_zp)
    check(data, "cortex-m4", tmp_path, ("-O2",), ("-O1", "-DEK_PORTABLE"))


@pytest.mark.parametrize("way", DSP_MODELS)
def test_without_a_floating_point_unit_values_are_parked_on_the_stack(way, tmp_path):
    data = DSP_MODELS[way](*FUNCTIONS[0])
    check(data, "cortex-m4", tmp_path, NO_FPU)


@pytest.mark.parametrize("core", ["cortex-m7", "cortex-m33"])
@pytest.mark.parametrize("way", DSP_MODELS)
def test_other_cores(way, core, tmp_path):
    check(DSP_MODELS[way](*FUNCTIONS[0]), core, tmp_path, ("-O0",))


@pytest.mark.parametrize(("function", "out_zp"), FUNCTIONS[::3])
@pytest.mark.parametrize("way", HELIUM_MODELS)
def test_helium_and_twins_on_a_cortex_m55(way, function, out_zp, tmp_path):
    data = HELIUM_MODELS[way](function, out_zp)
    check(data, "cortex-m55", tmp_path, ("-O2",), ("-O1", "-DEK_PORTABLE"))


@pytest.mark.parametrize(("function", "out_zp"), FUNCTIONS[::3])
@pytest.mark.parametrize("way", PLAIN_MODELS)
def test_thumb_and_twins_on_a_cortex_m0plus(way, function, out_zp, tmp_path):
    data = PLAIN_MODELS[way](function, out_zp)
    check(data, "cortex-m0plus", tmp_path, ("-O2",), ("-O1", "-DEK_PORTABLE"))


@pytest.mark.parametrize("way", PLAIN_MODELS)
def test_thumb_kernels_on_a_cortex_m3(way, tmp_path):
    check(PLAIN_MODELS[way](*FUNCTIONS[0]), "cortex-m3", tmp_path, ("-Os",))


@pytest.mark.needs_riscv
@pytest.mark.needs_qemu_riscv
@pytest.mark.parametrize("way", PLAIN_MODELS)
def test_kernels_and_twins_on_rv32(way, tmp_path):
    data = PLAIN_MODELS[way](*FUNCTIONS[0])
    check(data, "rv32", tmp_path, ("-O0",), ("-O1", "-DEK_PORTABLE"))


def test_vectors_made_by_the_compiler_do_no_harm_on_a_cortex_m55(tmp_path, monkeypatch):
    """GCC 12 at -O2 made wrong ones of the plain C around the depthwise kernel of such a shape."""
    monkeypatch.setattr("edgekit.lower.build.choose_ways", only("helium columns"))
    data = side_by_side(depthwise, [((1, 25, 5, 64), (1, 1), SAME, RELU, -128)])
    check(data, "cortex-m55", tmp_path, ("-O2",), ("-O3",), ("-O2", "-DEK_PORTABLE"))
