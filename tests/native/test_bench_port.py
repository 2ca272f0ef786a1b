# SPDX-License-Identifier: Apache-2.0
"""bench over a port of a project that a platform's own tool has built: only the board is asked."""

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import edgekit
from edgekit.errors import EdgekitError
from edgekit.link.emulator import native_command
from tests.support.small_models import dense_model


@contextmanager
def _running(elf: Path) -> Iterator[str]:
    """The port of a board that runs `elf`."""
    master, slave = os.openpty()
    process = subprocess.Popen(native_command(elf), stdin=master, stdout=master)
    try:
        yield os.ttyname(slave)
    finally:
        process.kill()
        process.wait()
        os.close(master)
        os.close(slave)


@pytest.fixture
def built_elsewhere(tmp_path: Path) -> tuple[Path, Path]:
    """A project that says that edgekit does not build it, and its ELF, built all the same."""
    folder = tmp_path / "fw"
    edgekit.firmware(dense_model(tmp_path / "small.tflite"), board="native", out=folder)
    edgekit.build(folder)
    elf = tmp_path / "firmware.elf"
    (folder / "build" / "firmware.elf").rename(elf)
    for path in sorted((folder / "build").iterdir()):
        path.unlink()
    record = json.loads((folder / "firmware.json").read_text())
    (folder / "firmware.json").write_text(json.dumps(record | {"builder": ""}))
    return folder, elf


def test_outputs_and_time_come_from_the_board(built_elsewhere: tuple[Path, Path]) -> None:
    folder, elf = built_elsewhere
    with _running(elf) as port:
        record = edgekit.bench(folder, port=port, eval_samples=5)
    assert (record.bit_exact, record.samples) == (5, 5)
    assert record.kind == "measured" and record.latency.n == 5
    assert record.memory.flash_bytes is None and record.memory.ram_bytes is None
    assert record.memory.arena_used_bytes == record.memory.arena_bytes > 0


def test_without_a_port_it_says_what_to_do(built_elsewhere: tuple[Path, Path]) -> None:
    with pytest.raises(EdgekitError, match="edgekit does not build") as caught:
        edgekit.bench(built_elsewhere[0])
    assert "--port" in caught.value.hint
