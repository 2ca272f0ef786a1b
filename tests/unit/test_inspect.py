# SPDX-License-Identifier: Apache-2.0
"""inspect: what it counts, worked out by hand, and what it must not load."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import edgekit
from edgekit.errors import EdgekitError
from edgekit.tflite.graph import Quant, Tensor
from edgekit.verbs.inspect import count_zeros
from tests.support.small_models import dense_model
from tests.support.tflite_builder import ModelBuilder


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return dense_model(tmp_path / "small.tflite")


def test_ops_are_counted(model: Path) -> None:
    record = edgekit.inspect(model)
    assert [row.op for row in record.ops] == ["FULLY_CONNECTED", "FULLY_CONNECTED", "SOFTMAX"]
    assert [row.layer for row in record.ops] == ["hidden", "scores", "probs"]
    assert [row.macs for row in record.ops] == [48, 24, 0]
    assert [row.weights for row in record.ops] == [48, 24, 0]
    assert record.ops[0].zero_weights >= 24
    assert record.ops[0].weight_bytes == 48 + 6 * 4
    assert record.macs == 72
    assert record.weight_bytes == 48 + 24 + 24 + 16
    assert record.sparsity == pytest.approx(record.zero_weights / 72, abs=1e-6)
    assert all("aot" in row.runtimes for row in record.ops)


def test_lifetimes_and_peak(model: Path) -> None:
    record = edgekit.inspect(model)
    by_role = {row.role: row for row in record.tensors}
    assert (by_role["input"].first_op, by_role["input"].last_op) == (-1, 0)
    assert (by_role["output"].first_op, by_role["output"].last_op) == (2, 2)
    assert by_role["constant"].first_op is None
    assert [row.live_bytes for row in record.ops] == [8 + 6, 6 + 4, 4 + 4]
    assert (record.peak_bytes, record.peak_op) == (14, 0)
    arena = record.arena_bytes["aot"]
    assert arena is not None and arena >= record.peak_bytes


def test_zeros_are_values_at_the_zero_point_of_their_channel() -> None:
    data = np.array([[0, 1], [2, 2]], np.int8)
    plain = Tensor(0, "w", (2, 2), "int8", Quant((1.0,), (0,)), data)
    assert count_zeros(plain) == 1
    per_channel = Tensor(0, "w", (2, 2), "int8", Quant((1.0, 1.0), (1, 2)), data)
    assert count_zeros(per_channel) == 3
    along_columns = Tensor(0, "w", (2, 2), "int8", Quant((1.0, 1.0), (0, 2), axis=1), data)
    assert count_zeros(along_columns) == 2


def test_an_op_that_nothing_runs_says_why(tmp_path: Path) -> None:
    builder = ModelBuilder()
    x = builder.input((1, 4), "float32")
    path = tmp_path / "float.tflite"
    path.write_bytes(builder.finish([builder.op("EXP", [x], (1, 4), "float32")]))
    record = edgekit.inspect(path)
    assert "aot" not in record.ops[0].runtimes
    assert "EXP" in record.ops[0].refused["aot"]
    assert record.runtimes["aot"]
    assert record.arena_bytes["aot"] is None


def test_a_board_says_whether_it_fits(model: Path) -> None:
    record = edgekit.inspect(model, board="qemu-mps2-an386")
    assert record.board is not None and record.board.fits
    with pytest.raises(EdgekitError, match="unknown board"):
        edgekit.inspect(model, board="qemu-mps2-an999")


def test_a_board_shows_how_each_layer_would_run(model: Path) -> None:
    assert edgekit.inspect(model).lowered == ()
    rows = edgekit.inspect(model, board="qemu-mps2-an386").lowered
    assert [row["layer"] for row in rows] == ["hidden", "scores", "probs"]
    assert all(row["way"] and row["predicted_instructions"] > 0 for row in rows)
    assert all(row["predicted_cycles"] >= row["predicted_instructions"] for row in rows)
    assert any(row["way"] != "portable" for row in rows)
    other = edgekit.inspect(model, board="qemu-mps2-an500", optimize="size").lowered
    assert all(row["predicted_cycles"] is None for row in other)


def test_what_inspect_shows_is_what_firmware_writes(model: Path, tmp_path: Path) -> None:
    shown = edgekit.inspect(model, board="qemu-mps2-an386", optimize="speed")
    written = edgekit.firmware(
        model, board="qemu-mps2-an386", optimize="speed", out=tmp_path / "fw"
    )
    assert written.ops == shown.lowered
    assert written.arena_bytes == shown.arena_bytes["aot"]


@pytest.mark.parametrize("content", [b"", b"not a model", b"\x20\0\0\0TFL3" + b"\xff" * 40])
def test_what_is_no_model_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "broken.tflite"
    path.write_bytes(content)
    with pytest.raises(EdgekitError):
        edgekit.inspect(path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(EdgekitError, match=r"gone\.tflite"):
        edgekit.inspect(tmp_path / "gone.tflite")


def test_it_does_not_load_tensorflow(model: Path) -> None:
    code = (
        "import sys, edgekit; edgekit.inspect(sys.argv[1]);"
        "sys.exit('tensorflow' in sys.modules or 'keras' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code, str(model)]).returncode == 0
