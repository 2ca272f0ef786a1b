# SPDX-License-Identifier: Apache-2.0
"""bench and deploy on emulated Cortex-M boards."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import edgekit
from edgekit.boards import load_board
from edgekit.errors import EdgekitError
from tests.support.boards import board_params, emulated
from tests.support.small_models import dense_model

pytestmark = [pytest.mark.needs_gcc, pytest.mark.needs_qemu]

BOARDS = board_params(emulated())


@pytest.mark.parametrize("board", BOARDS)
def test_deploy_is_bit_exact_and_counts_instructions(tmp_path: Path, board: str) -> None:
    model = dense_model(tmp_path / "small.tflite")
    record = edgekit.deploy(model, out=tmp_path / "out", board=board, eval_samples=12).bench
    assert (record.samples, record.bit_exact) == (12, 12)
    assert (record.kind, record.latency.unit) == ("emulated", "instructions")
    # 72 multiply-accumulates and a softmax over four values: hundreds of instructions, not tens
    # of thousands, and the same from run to run within what the data decide
    assert 200 < record.latency.median < 20_000
    assert record.latency.max - record.latency.min < 2_000
    assert all(row["ticks"] >= 0 and "us" not in row for row in record.layers)
    assert record.clock_hz > 0 and record.counter


def test_instructions_do_not_depend_on_the_hosts_mood(tmp_path: Path) -> None:
    model = dense_model(tmp_path / "small.tflite")
    edgekit.firmware(model, out=tmp_path / "fw")
    edgekit.build(tmp_path / "fw")
    first, second = (edgekit.bench(tmp_path / "fw", eval_samples=5, seed=4) for _ in range(2))
    resolution = first.latency.resolution
    assert abs(first.latency.median - second.latency.median) <= 40 * max(1, resolution)


def test_ticks_without_instruction_counting_are_refused(tmp_path: Path) -> None:
    board = load_board("qemu-mps2-an386")
    assert board.file is not None
    lines = board.file.read_text().splitlines(keepends=True)
    assert any(line.startswith("icount_shift") for line in lines)
    mine = tmp_path / "mine.toml"
    mine.write_text("".join(line for line in lines if not line.startswith("icount_shift")))
    model = dense_model(tmp_path / "small.tflite")
    edgekit.firmware(model, out=tmp_path / "fw", board=str(mine))
    edgekit.build(tmp_path / "fw")
    with pytest.raises(EdgekitError, match="instructions"):
        edgekit.bench(tmp_path / "fw", eval_samples=2)


def test_real_data_on_a_real_model(tmp_path: Path, shared: Path) -> None:
    with np.load(shared / "data" / "cifar10_subset.npz") as stored:
        x, y = stored["x_test"][:300], stored["y_test"][:300]
    np.savez(
        tmp_path / "test.npz", x_train=x[100:], y_train=y[100:], x_test=x[:100], y_test=y[:100]
    )
    record = edgekit.deploy(
        shared / "models" / "resnet8_cifar_jpeg.keras",
        tmp_path / "test.npz",
        out=tmp_path / "out",
        eval_samples=10,
    )
    assert record.bench.bit_exact == 10
    assert record.convert.accuracy is not None
    assert record.bench.accuracy == pytest.approx(record.convert.accuracy["int8"])
    assert record.bench.accuracy is not None and record.bench.accuracy >= 0.6


@pytest.mark.parametrize("board", ["qemu-mps2-an386", "qemu-mps2-an505", "qemu-mps2-an500"])
def test_cycles_are_estimated_where_there_is_a_model(tmp_path: Path, board: str) -> None:
    model = dense_model(tmp_path / "small.tflite")
    record = edgekit.deploy(model, out=tmp_path / "out", board=board, eval_samples=3).bench
    assert record.cycles is not None
    if board == "qemu-mps2-an500":
        assert record.cycles["estimated"] is None and "cortex-m7" in record.cycles["limits"]
        assert all("cycles" not in row for row in record.layers)
        return
    cycles = record.cycles["estimated"]
    assert record.latency.median < cycles < 3 * record.latency.median
    assert record.cycles["model"] == "cortex-m4"
    assert ("no timings" in record.cycles["limits"]) == (board == "qemu-mps2-an505")
    layers = sum(row["cycles"] for row in record.layers)
    assert abs(layers - cycles) < 0.2 * cycles


def test_each_layer_has_its_way_and_the_error_of_its_prediction(tmp_path: Path) -> None:
    model = dense_model(tmp_path / "small.tflite")
    record = edgekit.deploy(model, out=tmp_path / "out", eval_samples=3).bench
    told = record.prediction
    assert told is not None and told.layers == 3
    for row in record.layers:
        assert row["prediction_error"] == pytest.approx(
            row["predicted_instructions"] / row["instructions"] - 1, abs=1e-6
        )
    assert told.worst.error == max((r["prediction_error"] for r in record.layers), key=abs)
    assert told.cycles_error is not None
