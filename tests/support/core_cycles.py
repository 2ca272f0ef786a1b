# SPDX-License-Identifier: Apache-2.0
"""Estimated cycles of the programs of core_models: of one inference and of each op."""

from __future__ import annotations

import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from edgekit.boards import Board
from edgekit.link.cycles import MODELS, Cost, Meter, build_plugin, symbol_address
from tests.support.core_models import SEEDS
from tests.support.on_core import TIMEOUT_S


@dataclass(frozen=True, slots=True)
class CoreCycles:
    """Of the last seed's inference, and of every op of the profile."""

    whole: Cost
    ops: tuple[Cost, ...]


def core_cycles(elf: Path, board: Board) -> CoreCycles:
    """Runs the program that `run_model` built once more, metered; the few instructions that read
    the counter are in each figure."""
    assert board.emulator is not None
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "marks"
        address = symbol_address(elf, "core_ticks")
        option = f"{build_plugin()},core={MODELS[board.core]},mark={address:#x},out={file}"
        subprocess.run(
            [
                *(board.emulator.program, "-M", board.emulator.machine, "-nographic"),
                *("-semihosting-config", "enable=on,target=native", "-monitor", "none"),
                *("-serial", "none", "-plugin", option, "-kernel", str(elf)),
            ],
            capture_output=True,
            timeout=TIMEOUT_S,
            check=False,
        )
        marks = Meter(option, file).marks()
    costs = [end - start for start, end in zip(marks[::2], marks[1::2], strict=True)]
    return CoreCycles(costs[len(SEEDS) - 1], tuple(costs[len(SEEDS) :]))
