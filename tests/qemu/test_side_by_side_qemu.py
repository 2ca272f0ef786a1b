# SPDX-License-Identifier: Apache-2.0
"""One model on several emulated boards: built for each, run side by side, compared."""

from pathlib import Path

import pytest

from edgekit.boards import load_board
from edgekit.verbs.bench_boards import BoardsFailed, bench_boards
from tests.support.small_models import dense_model

pytestmark = [pytest.mark.needs_gcc, pytest.mark.needs_qemu]


def test_boards_are_built_run_and_compared(tmp_path: Path) -> None:
    model = dense_model(tmp_path / "small.tflite")
    boards = ["qemu-mps2-an385", "qemu-mps2-an386"]
    record = bench_boards(model, boards=boards, out=tmp_path / "out", eval_samples=4)
    assert [(run.board, run.status) for run in record.runs] == [(b, "done") for b in boards]
    assert record.compared is not None and record.compared.layers
    assert (tmp_path / "out" / "qemu-mps2-an386" / "bench" / "report.html").is_file()
    again = bench_boards(model, boards=boards, out=tmp_path / "out", eval_samples=4)
    medians = [
        [run.bench.latency.median for run in each.runs if run.bench] for each in (record, again)
    ]
    assert len(medians[0]) == 2 and medians[0] == medians[1]


def test_a_board_that_is_too_small_takes_no_other_down(tmp_path: Path) -> None:
    source = load_board("qemu-mps2-an385").file
    assert source is not None
    small = tmp_path / "small.toml"
    text = source.read_text().replace('id = "qemu-mps2-an385"', 'id = "too-small"')
    small.write_text(text.replace("ram_bytes = 4_194_304", "ram_bytes = 1024"))
    assert "ram_bytes = 1024" in small.read_text()
    model = dense_model(tmp_path / "small.tflite")
    boards = [str(small), "qemu-mps2-an386"]
    with pytest.raises(BoardsFailed, match="does not fit") as caught:
        bench_boards(model, boards=boards, out=tmp_path / "out", eval_samples=2)
    assert caught.value.exit_code == 1
    assert [run.status for run in caught.value.record.runs] == ["failed", "done"]
