# SPDX-License-Identifier: Apache-2.0
"""The per-layer profile: exact on an emulated board, whole on any, and nearly free of RAM."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

import edgekit
from edgekit.link.messages import MAX_PAYLOAD
from edgekit.tools import run_tool
from tests.support.small_models import dense_model

BOARDS = [
    pytest.param("qemu-mps2-an386", marks=[pytest.mark.needs_gcc, pytest.mark.needs_qemu]),
    pytest.param(
        "native",
        marks=pytest.mark.skipif(
            shutil.which("cc") is None or shutil.which("make") is None,
            reason="no C compiler and make on PATH: apt-get install gcc libc6-dev make",
        ),
    ),
]
FEW_HUNDRED_BYTES = 512


@pytest.mark.parametrize("board", BOARDS)
def test_every_layer_has_ticks_macs_share_and_name(board: str, tmp_path: Path) -> None:
    model = dense_model(tmp_path / "small.tflite")
    record = edgekit.deploy(model, out=tmp_path / "out", board=board, eval_samples=3).bench
    assert [(row["index"], row["op"], row["layer"]) for row in record.layers] == [
        *((0, "FULLY_CONNECTED", "hidden"), (1, "FULLY_CONNECTED", "scores")),
        (2, "SOFTMAX", "probs"),
    ]
    assert sum(row["share"] for row in record.layers) == pytest.approx(1, abs=1e-4)
    assert [row["macs_run"] for row in record.layers] == [48, 24, 0]
    assert record.layers[0]["ticks_per_mac"] == pytest.approx(record.layers[0]["ticks"] / 48)
    assert record.layers[2]["ticks_per_mac"] is None
    if board != "native":  # a computer's clock is too coarse and too disturbed for such a model
        whole = sum(row["instructions"] for row in record.layers)
        assert whole == pytest.approx(record.latency.median, rel=0.2)
    without = edgekit.bench(tmp_path / "out" / "fw", eval_samples=3, profile=False)
    assert without.layers == () and without.prediction is None


@pytest.mark.needs_gcc
def test_a_profile_takes_no_ram_of_its_own(tmp_path: Path) -> None:
    """Ticks go straight into the answer's frame: the app has no table of them. Everything static
    of the app, the frame's buffers aside, is a few hundred bytes."""
    model = dense_model(tmp_path / "small.tflite")
    edgekit.firmware(model, out=tmp_path / "fw", board="qemu-mps2-an386")
    edgekit.build(tmp_path / "fw")
    said = run_tool(
        "arm-none-eabi-nm", "-S", "--size-sort", tmp_path / "fw/build/empty.elf", timeout_s=30
    )
    rows = [line.split() for line in said.splitlines()]
    statics = {row[3]: int(row[1], 16) for row in rows if len(row) == 4 and row[2] in "bBdD"}
    buffers = {name: size for name, size in statics.items() if size >= MAX_PAYLOAD}
    rest = sum(statics.values()) - sum(buffers.values())
    assert buffers and len(buffers) <= 3, buffers
    assert 0 < rest <= FEW_HUNDRED_BYTES, sorted(statics.items(), key=lambda each: -each[1])
