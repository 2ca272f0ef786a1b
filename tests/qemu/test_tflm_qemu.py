# SPDX-License-Identifier: Apache-2.0
"""TFLite Micro's interpreter on an emulated Cortex-M, where TFLM_DIR says where a library is."""

import os
import shutil
from pathlib import Path

import numpy as np
import pytest

import edgekit
from edgekit.boards import load_board
from edgekit.errors import DeviceError
from edgekit.link.emulator import open_board
from edgekit.tflite.golden import TflmGolden, tflm_version
from edgekit.tflite.reader import read_graph
from tests.support.rendered import tiny_model

pytestmark = [
    pytest.mark.needs_gcc,
    pytest.mark.needs_qemu,
    pytest.mark.skipif(
        not os.environ.get("TFLM_DIR"),
        reason="TFLM_DIR is not set: it has to hold TFLite Micro's headers and a static library",
    ),
    pytest.mark.skipif(shutil.which("cmake") is None, reason="no cmake on PATH"),
]
BOARD = "qemu-mps2-an386"


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tflm")
    model = tiny_model(folder / "tiny.tflite")
    edgekit.firmware(model, runtime="tflm", out=folder / "fw", board=BOARD)
    record = edgekit.build(folder / "fw")
    assert record.tflm is not None and record.tflm.kernels in ("cmsis-nn", "reference")
    return folder / "fw"


def test_outputs_are_those_of_the_wheels_interpreter(built: Path) -> None:
    record = edgekit.bench(built, eval_samples=12)
    assert (record.bit_exact, record.runtime) == (12, "tflm")
    assert record.kernels in ("cmsis-nn", "reference")
    assert 0 < record.memory.arena_used_bytes <= record.memory.arena_bytes
    total = sum(row["instructions"] for row in record.layers)
    # ops are timed inside the interpreter's loop: what is left is the loop itself
    assert 0 < record.latency.median - total < 2_000


def test_every_op_alone_gives_what_the_interpreter_gives(built: Path) -> None:
    if not tflm_version():
        pytest.skip("no TFLM interpreter: pip install tflite-micro")
    graph = read_graph(built / "model" / "tiny.tflite", decode=False)
    golden = TflmGolden(built / "model" / "tiny.tflite", preserve=True)
    x = np.arange(-60, 60, 15, dtype=np.int8)
    golden.run([x])
    with open_board(load_board(BOARD), built / "build" / "firmware.elf") as device:
        assert device.hello().has_op_output
        device.load(0, x.tobytes())
        for op in graph.ops:
            device.run_ops(op.index, op.index)
            wanted = golden.tensor(op.outputs[0]).astype(np.int8).tobytes()
            assert device.read_op_output(0, len(wanted)) == wanted
        device.load(0, x.tobytes())  # the ops may have used its memory
        device.run()
        assert device.read_output(0) == golden.tensor(graph.outputs[0]).astype(np.int8).tobytes()


def test_an_arena_that_is_too_small_is_reported(built: Path, tmp_path: Path) -> None:
    model = built / "model" / "tiny.tflite"
    record = edgekit.firmware(model, runtime="tflm", out=tmp_path / "fw", arena_bytes=400)
    assert "smaller than planned" in record.warnings[0]
    edgekit.build(tmp_path / "fw")
    with pytest.raises(DeviceError, match=r"could not start: .* arena"):
        edgekit.bench(tmp_path / "fw", eval_samples=2)
