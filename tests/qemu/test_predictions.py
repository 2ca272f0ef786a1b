# SPDX-License-Identifier: Apache-2.0
"""The cost models on layers that they were not made from: instructions and cycles counted."""

from __future__ import annotations

import random
import statistics

import pytest

from tests.support.predictions import Found, measure

pytestmark = [pytest.mark.needs_gcc, pytest.mark.needs_qemu]


def errors(rows: list[Found]) -> list[float]:
    return [abs(row.error) for row in rows]


@pytest.mark.parametrize("family", ["3x3", "depthwise", "fully connected", "convolution"])
def test_instructions_on_a_cortex_m4(family):
    rows = list(measure(family, "cortex-m4", random.Random(77), 5, timed=False))
    assert len({row.way for row in rows}) > 1
    assert statistics.median(errors(rows)) < 0.05
    heavy = [row for row in rows if row.counted > 20_000]
    assert all(error < 0.2 for error in errors(heavy)), [r for r in heavy if abs(r.error) >= 0.2]


@pytest.mark.parametrize("core", ["cortex-m55", "cortex-m0plus", "rv32"])
def test_instructions_on_other_cores(core):
    rows = list(measure("fully connected", core, random.Random(78), 6, timed=False))
    assert statistics.median(errors(rows)) < 0.08


@pytest.mark.parametrize("core", ["cortex-m3", "cortex-m0plus"])
def test_cycles_where_arm_publishes_timings(core):
    rows = list(measure("sum", core, random.Random(79), 4))
    told = [row.predicted_cycles / row.cycles - 1 for row in rows]
    assert all(abs(error) < 0.15 for error in told), told
