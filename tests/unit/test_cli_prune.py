# SPDX-License-Identifier: Apache-2.0
"""`edgekit prune` as a user meets it: its options, its table, its words."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest

from edgekit.cli import options
from edgekit.model.tf import keras, quiet
from edgekit.prune.augment import AUGMENTS
from edgekit.prune.criteria import CRITERIA
from edgekit.prune.objective import CYCLES, OBJECTIVES
from edgekit.prune.schedule import SCHEDULES
from edgekit.prune.scopes import SCOPES

pytestmark = pytest.mark.needs_tf


def prune(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "edgekit", "prune", "net.keras", *arguments],
        capture_output=True,
        text=True,
        cwd=cwd,
        env=os.environ | {"NO_COLOR": "1"},
        timeout=240,
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    layers, rng = keras().layers, np.random.default_rng(0)
    model = keras().Sequential(
        [
            keras().Input((20,)),
            layers.Dense(32, activation="relu", name="wide"),
            layers.BatchNormalization(),
            layers.Dense(3, activation="softmax", name="scores"),
        ]
    )
    with quiet():
        model.save(tmp_path / "net.keras")
    np.save(tmp_path / "unlabelled.npy", rng.random((64, 20)).astype(np.float32))
    return tmp_path


@pytest.mark.parametrize(
    ("shown", "rows"),
    [
        (options.Method, CRITERIA),
        (options.Scope, SCOPES),
        (options.Schedule, SCHEDULES),
        (options.Objective, {*OBJECTIVES, CYCLES}),
        (options.Augment, AUGMENTS),
    ],
)
def test_the_command_line_offers_every_row_of_the_tables(shown: type, rows: Iterable[str]) -> None:
    assert {item.value for item in shown} == set(rows)  # type: ignore[attr-defined]


def test_the_table_says_what_it_bought_and_what_was_left_alone(folder: Path) -> None:
    done = prune("--data", "unlabelled.npy", "--method", "stability", "-o", "a.keras", cwd=folder)
    assert done.returncode == 0 and done.stdout == ""
    for words in ("75.0 %", "depends on the core", "fewer than 256 weights", "batch norm"):
        assert words in done.stderr


def test_what_a_criterion_lacks_is_said(folder: Path) -> None:
    done = prune("--data", "unlabelled.npy", "--method", "gradient", "-o", "a.keras", cwd=folder)
    assert done.returncode == 2 and "no labels" in done.stderr and "stability" in done.stderr
