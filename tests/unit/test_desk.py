# SPDX-License-Identifier: Apache-2.0
"""What doctor says about boards on the desk: flashers, rules, rights."""

import re
import subprocess
from pathlib import Path

import pytest

import edgekit
from edgekit.boards import all_boards
from edgekit.verbs import _desk
from edgekit.verbs._check import Check

REAL = [board for board in all_boards() if board.emulator is None]


def _checks() -> dict[str, Check]:
    return {check.name: check for check in edgekit.doctor().checks}


def test_each_flasher_is_named_with_its_boards_and_its_fix(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    checks = _checks()
    used = {flasher.tool for board in REAL for flasher in board.flash}
    assert {name for name, check in checks.items() if check.kind == "flasher"} == used
    assert checks["uf2"].ok
    for name in used - {"uf2"}:
        assert not checks[name].ok and not checks[name].needed
        assert "not installed" in checks[name].detail and checks[name].install
    assert "teensy-4-1" in checks["teensy-loader-cli"].detail
    (tmp_path / "openocd").write_text("#!/bin/sh\n")
    (tmp_path / "openocd").chmod(0o755)
    assert _checks()["openocd"].ok


def test_a_missing_flasher_is_no_reason_to_fail(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = edgekit.doctor().ok
    monkeypatch.setattr(_desk, "RULES", (tmp_path,))
    assert edgekit.doctor().ok == before
    assert not _checks()["udev rules"].ok


def test_vendors_that_need_a_rule_are_those_that_are_reached_by_raw_usb() -> None:
    assert _desk.usb_vendors(REAL) == {"0483", "1366", "16c0", "1fc9", "2341", "2e8a"}


def test_rules_of_this_computer_are_read(tmp_path: Path) -> None:
    (tmp_path / "60-openocd.rules").write_text(
        '# idVendor=="ffff" in a comment of another form\n'
        'ATTRS{idVendor}=="0483", ATTRS{idProduct}=="374b", MODE="660", TAG+="uaccess"\n'
        'ATTRS{idVendor}=="2E8A", MODE="660"\n'
    )
    (tmp_path / "notes.txt").write_text('ATTRS{idVendor}=="1366"\n')
    assert _desk.ruled_vendors((tmp_path, tmp_path / "none")) == {"0483", "2e8a"}


def test_the_fix_writes_rules_that_are_then_found(tmp_path: Path) -> None:
    """The very line, with `sudo` and `udevadm` left out."""
    line = _desk.udev_rule({"0483", "1366"})
    printed = line.partition(" | sudo tee ")[0]
    done = subprocess.run(["sh", "-c", printed], capture_output=True, text=True, check=True)
    (tmp_path / "60-edgekit.rules").write_text(done.stdout)
    assert _desk.ruled_vendors((tmp_path,)) == {"0483", "1366"}
    rules = done.stdout.splitlines()
    assert len(rules) == 2
    for rule in rules:
        assert re.fullmatch(
            r'ATTRS\{idVendor\}=="[0-9a-f]{4}", MODE="0660", TAG\+="uaccess", .*', rule
        )
        assert 'ENV{ID_MM_DEVICE_IGNORE}="1"' in rule


def test_the_group_is_named_with_its_fix(monkeypatch: pytest.MonkeyPatch) -> None:
    import grp
    import os

    monkeypatch.setattr(os, "geteuid", lambda: 12345)
    monkeypatch.setattr(os, "getegid", lambda: 12345)
    monkeypatch.setattr(os, "getgroups", list)
    monkeypatch.setattr(grp, "getgrall", lambda: [grp.struct_group(("uucp", "x", 987, []))])
    monkeypatch.setattr(Path, "glob", lambda *_: iter(()))
    may, detail, group = _desk._serial_rights()
    assert (may, group) == (False, "uucp")
    assert "not in group uucp" in detail
