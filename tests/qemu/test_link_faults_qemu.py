# SPDX-License-Identifier: Apache-2.0
"""A line that errs, to the firmware in QEMU. The full form is benchmarks/link_faults.py."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgekit.boards import load_board
from tests.support import fault_rig
from tests.support.fault_line import FAULTS

pytestmark = [pytest.mark.needs_gcc, pytest.mark.needs_qemu]


def test_every_sample_comes_through_right(tmp_path: Path) -> None:
    board = load_board("qemu-mps2-an386")
    elf = fault_rig.build(board, tmp_path)
    kinds = [*FAULTS, "reset"]
    found = fault_rig.try_line(board, elf, kinds, 0.05, 4, samples=20, timeout_s=5.0)
    assert found.wrong == ""
    assert found.error == "" and found.samples >= 20
    assert sum(found.injected.values()) > 3
