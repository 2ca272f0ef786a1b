# SPDX-License-Identifier: Apache-2.0
"""Kernels for pruned weights on the emulated core: against their portable twins, and TFLM."""

from __future__ import annotations

import pytest

from edgekit.lower.build import lower_graph
from edgekit.lower.program import Target
from edgekit.tflite.reader import read_graph
from tests.support.core_models import golden_hashes, run_model
from tests.support.exact import needs_tflm
from tests.support.on_core import core_board
from tests.support.sparse_models import SPARSE_MODELS
from tests.support.way_models import FUNCTIONS, only

pytestmark = [pytest.mark.needs_gcc, pytest.mark.needs_qemu]
# One way for each block in assembly.
BLOCKS = ("2x2 rows", "2x2 lines", "8x2 row", "4x2 row", "single rows")
TWINS = ("-O1", "-DEK_PORTABLE")
NO_FPU = ("-Os", "-mcpu=cortex-m4+nofp", "-mthumb", "-mfloat-abi=soft")


def check(way, case, core, tmp_path, monkeypatch, *variants):
    """The same hashes from TFLM and from every variant of the build."""
    needs_tflm()
    monkeypatch.setattr("edgekit.lower.build.choose_ways", only(way))
    data = SPARSE_MODELS[way](*FUNCTIONS[case])
    program = lower_graph(read_graph(data), Target(core=core, optimize="speed"))
    assert way in {call.way for call in program.calls}
    expected = golden_hashes(data)
    for flags in variants:
        run = run_model(program, tmp_path, core_board(core), flags)
        assert run.hashes == expected, (flags, run.text[-500:])


@pytest.mark.parametrize("way", SPARSE_MODELS)
def test_assembly_and_twins_on_a_cortex_m4(way, tmp_path, monkeypatch):
    check(way, 0, "cortex-m4", tmp_path, monkeypatch, ("-O2",), TWINS)


@pytest.mark.parametrize("way", BLOCKS)
def test_where_nothing_is_below_zero(way, tmp_path, monkeypatch):
    check(way, 1, "cortex-m4", tmp_path, monkeypatch, ("-O0",))


@pytest.mark.parametrize("way", BLOCKS)
def test_without_a_floating_point_unit_values_are_parked_on_the_stack(way, tmp_path, monkeypatch):
    check(way, 0, "cortex-m4", tmp_path, monkeypatch, NO_FPU)


@pytest.mark.parametrize("core", ["cortex-m7", "cortex-m33"])
def test_other_cores(core, tmp_path, monkeypatch):
    check("2x2 lines", 0, core, tmp_path, monkeypatch, ("-O2",))
