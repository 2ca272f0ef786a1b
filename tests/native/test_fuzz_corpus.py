# SPDX-License-Identifier: Apache-2.0
"""The fuzzer's corpus through the firmware's frame and command code, under gcc's sanitizers.

The fuzzer itself needs clang: `python -m tests.support.fuzzing 600`.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.support import fuzzing


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return fuzzing.build(tmp_path_factory.mktemp("fuzz"), libfuzzer=False)


def test_the_corpus_is_served_without_a_fault(target: Path) -> None:
    inputs = sorted(fuzzing.CORPUS.iterdir())
    assert len(inputs) >= len(fuzzing.seeds())
    done = subprocess.run([target, *inputs], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout == f"{len(inputs)} inputs\n"


def test_every_seed_is_served_without_a_fault(target: Path, tmp_path: Path) -> None:
    for name, data in fuzzing.seeds().items():
        (tmp_path / name).write_bytes(data)
        done = subprocess.run([target, tmp_path / name], capture_output=True, text=True)
        assert done.returncode == 0, f"{name}: {done.stderr[-2000:]}"


@pytest.mark.parametrize(
    ("file", "right", "wrong"),
    [
        ("ek_requests.c", "if (ask.length > EK_MAX_PAYLOAD) {", "if (0) {"),
        ("ek_requests.c", "offset > bytes || length > bytes - offset", "offset + length > bytes"),
        ("ek_frame.c", "reader->length == EK_FRAME_BYTES", "reader->length > EK_FRAME_BYTES"),
    ],
)
def test_the_corpus_sees_a_mistake(
    file: str, right: str, wrong: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each of these would be a write or a read beyond a buffer."""
    import shutil

    from edgekit.resources import resource_dir

    shutil.copytree(resource_dir("firmware"), tmp_path / "firmware")
    source = tmp_path / "firmware" / "app" / file
    text = source.read_text()
    assert text.count(right) == 1
    source.write_text(text.replace(right, wrong))
    monkeypatch.setattr(fuzzing, "resource_dir", lambda name: tmp_path / name)
    target = fuzzing.build(tmp_path, libfuzzer=False)
    done = subprocess.run([target, *fuzzing.CORPUS.iterdir()], capture_output=True, text=True)
    assert done.returncode != 0 and "Sanitizer" in done.stderr
