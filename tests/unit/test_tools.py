# SPDX-License-Identifier: Apache-2.0
"""Programs are found, run with a deadline, and their failures say what happened."""

import os
import sys
import time
from pathlib import Path

import pytest

from edgekit.errors import ToolMissing
from edgekit.tools import INSTALL, ToolFailed, find_tool, last_lines, run_tool


def _script(folder: Path, name: str, body: str) -> None:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)


@pytest.fixture
def on_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    return tmp_path


def test_a_missing_program_names_the_line_that_installs_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ToolMissing, match="'qemu-system-arm' is not installed") as caught:
        run_tool("qemu-system-arm", timeout_s=1)
    assert caught.value.hint == INSTALL["qemu-system-arm"]
    assert caught.value.exit_code == 3
    with pytest.raises(ToolMissing) as caught:
        find_tool("no-such-tool", "get it from the shop")
    assert caught.value.hint == "get it from the shop"


def test_output_of_both_streams_comes_back(on_path: Path) -> None:
    _script(on_path, "speaks", 'echo "out $1 $WORD"; echo err >&2; pwd')
    text = run_tool("speaks", "a b", timeout_s=10, cwd=on_path, env={"WORD": "w"})
    assert text.splitlines()[:2] == ["out a b w", "err"]
    assert Path(text.splitlines()[2]).resolve() == on_path.resolve()


def test_arguments_reach_the_program_unchanged(on_path: Path) -> None:
    _script(on_path, "speaks", 'printf "%s|" "$@"')
    assert run_tool("speaks", "$HOME", "a;b", "'", timeout_s=10) == "$HOME|a;b|'|"


def test_a_failure_has_the_last_lines_the_code_and_the_command(on_path: Path) -> None:
    _script(on_path, "fails", "for i in $(seq 1 20); do echo line $i; done; exit 7")
    with pytest.raises(ToolFailed, match="failed with exit code 7") as caught:
        run_tool("fails", "-x", timeout_s=10)
    assert "line 20" in str(caught.value)
    assert "line 12\n" not in str(caught.value)
    assert "line 1\n" in caught.value.output
    assert caught.value.hint.endswith("fails -x")
    assert caught.value.exit_code == 2


def test_a_program_that_hangs_is_killed_with_its_children(on_path: Path) -> None:
    _script(on_path, "hangs", f"echo started; sh -c 'echo $$ > {on_path}/child; sleep 60'; echo no")
    with pytest.raises(ToolFailed, match=r"did not end within 0\.5 s") as caught:
        run_tool("hangs", timeout_s=0.5)
    assert "started" in str(caught.value)
    child = int((on_path / "child").read_text())
    for _ in range(100):
        if not _is_running(child):
            return
        time.sleep(0.05)
    pytest.fail("the child of a program that was stopped is still running")


def _is_running(pid: int) -> bool:
    stat = Path(f"/proc/{pid}/stat")
    return stat.exists() and stat.read_text().rpartition(")")[2].split()[0] != "Z"


def test_output_that_is_not_text_does_not_break_the_error() -> None:
    code = "import sys; sys.stdout.buffer.write(b'\\xff\\n'); sys.exit(1)"
    with pytest.raises(ToolFailed, match="exit code 1"):
        run_tool(sys.executable, "-c", code, timeout_s=30)


def test_last_lines_skips_blank_ones() -> None:
    assert last_lines("a\n\nb\n \nc\n", 2) == "  b\n  c"
