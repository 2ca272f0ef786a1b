# SPDX-License-Identifier: Apache-2.0
"""A few random models of each family; benchmarks/random_graphs.py runs hundreds."""

from __future__ import annotations

import pytest

from tests.random_graphs.judge import EQUAL
from tests.random_graphs.on_core import CoreSummary, golden_of, run_batch
from tests.random_graphs.sweep import CRASHED, Summary, Task, summarize
from tests.support.exact import needs_tflm


def _run(kind: str, count: int, *, sanitize: bool = False, core: str = "generic") -> Summary:
    needs_tflm()
    seeds = range(9000, 9000 + count)
    summary = summarize([Task(kind, seed, sanitize, 4, core=core) for seed in seeds])
    wrong = [f"{t.kind} {t.seed}: {v.outcome}: {v.reason}" for t, v in summary.bad]
    assert not wrong, "\n".join(wrong)
    assert not summary.outcomes[CRASHED]
    return summary


@pytest.mark.needs_tf
def test_keras_models_are_equal() -> None:
    summary = _run("keras", 25)
    assert summary.outcomes[EQUAL] >= 20, summary.outcomes


def test_odd_quantizations_are_equal() -> None:
    summary = _run("flat", 40)
    assert summary.outcomes[EQUAL] >= 34, summary.outcomes


def test_channels_that_passes_remove_are_equal() -> None:
    summary = _run("thin", 40)
    assert summary.outcomes[EQUAL] >= 38, summary.outcomes


def test_nothing_undefined_and_nothing_out_of_bounds() -> None:
    _run("flat", 10, sanitize=True)


def test_twins_of_the_kernels_for_dsp_are_equal() -> None:
    _run("flat", 20, sanitize=True, core="cortex-m4")


@pytest.mark.parametrize("core", ["cortex-m55", "cortex-m0plus"])
def test_twins_of_the_kernels_for_other_cores_are_equal(core: str) -> None:
    _run("flat", 10, sanitize=True, core=core)


@pytest.mark.needs_gcc
@pytest.mark.needs_qemu
@pytest.mark.parametrize("core", ["cortex-m0plus", "cortex-m4", "cortex-m55"])
def test_kernels_drawn_at_random_on_the_core_are_equal(core: str) -> None:
    needs_tflm()
    summary = CoreSummary()
    run_batch(list(golden_of([Task("flat", seed) for seed in range(9100, 9108)])), core, summary)
    assert not summary.different
    assert summary.equal >= 5
