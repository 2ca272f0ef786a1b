# SPDX-License-Identifier: Apache-2.0
"""An input that arrives by rows, on an emulated Cortex-M4."""

from __future__ import annotations

from pathlib import Path

import pytest

import edgekit
from tests.support.row_models import First, row_model

pytestmark = [pytest.mark.needs_gcc, pytest.mark.needs_qemu]


def test_rows_over_the_link_are_bit_exact(tmp_path: Path) -> None:
    (tmp_path / "rows.tflite").write_bytes(row_model(First((48, 40, 3), strides=(2, 2))))
    made = {}
    for stream_rows in (False, True):
        folder = tmp_path / f"fw{stream_rows}"
        made[stream_rows] = edgekit.firmware(
            tmp_path / "rows.tflite", out=folder, stream_rows=stream_rows
        )
    edgekit.build(tmp_path / "fwTrue")
    record = edgekit.bench(tmp_path / "fwTrue", eval_samples=5)
    assert (record.samples, record.bit_exact) == (5, 5)
    assert made[True].ops[0]["way"] != "portable"
    assert made[False].arena_bytes >= 48 * 40 * 3
    assert made[True].arena_bytes <= 24 * 20 * 8 + 3 * 40 * 3 + 1024  # output, window, scratch
    assert record.memory.arena_bytes == made[True].arena_bytes
    assert not made[True].warnings
