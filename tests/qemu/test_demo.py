# SPDX-License-Identifier: Apache-2.0
"""The demo, whole: from digits to a number off an emulated board."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("sklearn", reason="the demo's digits need scikit-learn")

NATIVE_TOOLS = ("make", "cc")


def _demo(folder: Path, path: str = "") -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "NO_COLOR": "1"} | ({"PATH": path} if path else {})
    return subprocess.run(
        [sys.executable, "-m", "edgekit", "demo", "--json", "-o", str(folder / "demo")],
        capture_output=True,
        text=True,
        env=env,
        timeout=500,
    )


@pytest.mark.needs_gcc
@pytest.mark.needs_qemu
@pytest.mark.needs_tf
@pytest.mark.slow
def test_the_demo_keeps_what_it_promises(tmp_path: Path) -> None:
    done = _demo(tmp_path)
    assert done.returncode == 0, done.stderr
    record = json.loads(done.stdout)
    bench = record["bench"]
    assert (bench["board"], bench["samples"], bench["bit_exact"]) == ("qemu-mps2-an386", 100, 100)
    assert bench["latency"]["unit"] == "instructions"
    assert bench["accuracy"] == record["convert"]["accuracy"]["int8"] >= 0.96
    assert abs(record["prune"]["sparsity"] - 0.75) < 0.005
    assert record["notes"] == []
    sizes = {step["step"]: step["bytes"] for step in record["steps"]}
    assert sizes["int8"] < sizes["pruned, float32"] <= sizes["trained, float32"] * 1.01
    names = {path.name for path in (tmp_path / "demo").rglob("*")}
    wanted = {"digits.keras", "digits.tflite", "digits_model.cc", "digits_aot.c", "firmware.elf"}
    assert wanted | {"demo.json", "report.html", "bench.json", "digits.npz"} <= names


@pytest.mark.needs_tf
@pytest.mark.slow
def test_without_a_cross_compiler_it_says_so_and_runs_on_native(tmp_path: Path) -> None:
    tools = {name: shutil.which(name) for name in NATIVE_TOOLS}
    if missing := [name for name, path in tools.items() if path is None]:
        pytest.skip(f"no {missing[0]} on PATH: apt-get install gcc libc6-dev make")
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in (*NATIVE_TOOLS, *("sh", "mkdir", "rm", "cp", "cat", "as", "ld", "echo", "sed")):
        if found := shutil.which(name):
            (folder / name).symlink_to(found)
    done = _demo(tmp_path, str(folder))
    assert done.returncode == 0, done.stderr
    record = json.loads(done.stdout)
    assert (record["bench"]["board"], record["bench"]["bit_exact"]) == ("native", 100)
    assert record["bench"]["kind"] == "measured"
    assert len(record["notes"]) == 1 and "arm-none-eabi-gcc" in record["notes"][0]
