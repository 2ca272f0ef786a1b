# SPDX-License-Identifier: Apache-2.0
"""A few random pruned models; `benchmarks/random_graphs.py --sparse` runs hundreds."""

from __future__ import annotations

import pytest

from tests.random_graphs.on_core import CoreSummary, golden_of, run_batch
from tests.random_graphs.sweep import SPARSE_KINDS, Task, summarize
from tests.support.exact import needs_tflm


@pytest.mark.parametrize("kind", SPARSE_KINDS)
def test_twins_of_the_sparse_kernels_are_equal(kind: str) -> None:
    needs_tflm()
    tasks = [Task(kind, seed, sanitize=True, inputs=3, core="cortex-m4") for seed in range(10)]
    summary = summarize(tasks)
    wrong = [f"{t.kind} {t.seed}: {v.outcome}: {v.reason}" for t, v in summary.bad]
    assert not wrong, "\n".join(wrong)
    assert summary.outcomes["equal"] >= 9


@pytest.mark.needs_gcc
@pytest.mark.needs_qemu
def test_sparse_kernels_drawn_at_random_on_the_core_are_equal() -> None:
    needs_tflm()
    summary = CoreSummary()
    tasks = [Task(kind, seed) for kind in SPARSE_KINDS for seed in range(100, 104)]
    run_batch(list(golden_of(tasks)), "cortex-m4", summary)
    assert not summary.different and summary.equal >= 10
    assert any(way.startswith(("2x2", "8x2", "4x2", "2 of 4", "single")) for way in summary.ways)
