# SPDX-License-Identifier: Apache-2.0
"""`prune --board`: what pruning bought is built, run and said as it is."""

from __future__ import annotations

from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgekit.model.tf import keras
from edgekit.verbs._bought import DENSER
from edgekit.verbs.prune import PruneRecord, prune

pytestmark = [pytest.mark.needs_tf, pytest.mark.needs_gcc, pytest.mark.needs_qemu]
RNG = np.random.default_rng(0)
X = RNG.random((40, 8, 8, 3)).astype(np.float32)


def net() -> Any:
    module = keras()
    layers = module.layers
    module.utils.set_random_seed(1)
    return module.Sequential(
        [
            module.Input((8, 8, 3)),
            layers.Conv2D(16, 3, activation="relu"),
            layers.Conv2D(32, 3, activation="relu"),
            layers.Flatten(),
            layers.Dense(4, activation="softmax"),
        ]
    )


def run(out: Path, **options: Any) -> PruneRecord:
    return prune(net(), X, out=out, board="qemu-mps2-an386", **options)


def test_channels_show_on_the_board(tmp_path: Path) -> None:
    record = run(tmp_path / "a.keras", structure="channels", sparsity=0.5)
    before, after = record.on_board["before"], record.on_board["after"]
    assert after.flash_bytes < before.flash_bytes and after.latency < 0.7 * before.latency
    assert before.unit == "instructions" and before.kind == "emulated"
    gone = round(100 * (1 - after.latency / before.latency))
    assert f"latency -{gone} %" in record.bought and DENSER not in record.bought


def test_what_does_not_show_is_said(tmp_path: Path) -> None:
    from rich.console import Console

    from edgekit.artifacts import plain
    from edgekit.cli.prune_tables import show_prune

    record = run(tmp_path / "a.keras", sparsity=0.6)
    before, after = record.on_board["before"], record.on_board["after"]
    less = {
        "flash": 1 - after.flash_bytes / before.flash_bytes,
        "latency": 1 - after.latency / before.latency,
    }
    for name, value in less.items():
        assert f"{name} -{abs(round(100 * value))} %" in record.bought
    assert (DENSER in record.bought) == (max(less.values()) < 0.005)
    out = StringIO()
    show_prune(Console(file=out, width=80, force_terminal=False), plain(record))
    text = out.getvalue()
    assert "on qemu-mps2-an386" in text and "instructions, emulated" in text
    assert max(len(line.rstrip()) for line in text.splitlines()) <= 100
