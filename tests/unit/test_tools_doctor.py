# SPDX-License-Identifier: Apache-2.0
"""doctor names what is missing with the line that installs it, and never fails itself."""

from pathlib import Path

import pytest

import edgekit
from edgekit.artifacts import plain
from edgekit.boards import all_boards
from edgekit.verbs.doctor import Check


def _checks() -> dict[str, Check]:
    return {check.name: check for check in edgekit.doctor().checks}


def _fake(folder: Path, name: str, body: str) -> None:
    (folder / name).write_text(f"#!/bin/sh\n{body}\n")
    (folder / name).chmod(0o755)


@pytest.fixture
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A PATH with nothing on it but what a test puts there."""
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


def test_missing_tools_are_named_with_the_line_that_installs_them(bare: Path) -> None:
    record = edgekit.doctor()
    assert record.ok is False
    checks = {check.name: check for check in record.checks}
    for name in ("make", "cc", "arm-none-eabi-gcc", "qemu-system-arm"):
        assert checks[name].ok is False
        assert "not installed" in checks[name].detail
        assert checks[name].install.startswith("sudo apt-get install")


def test_versions_are_the_tools_own_words(bare: Path) -> None:
    _fake(bare, "cc", "echo 'cc (Test) 9.9'; echo more")
    assert _checks()["cc"] == Check(
        name="cc",
        kind="tool",
        ok=True,
        needed=True,
        detail="cc (Test) 9.9",
        install=_checks()["cc"].install,
    )


def test_a_cross_compiler_without_its_library_is_not_enough(bare: Path) -> None:
    _fake(bare, "arm-none-eabi-gcc", 'echo "nano.specs"')
    check = _checks()["arm-none-eabi-gcc"]
    assert check.ok is False
    assert "without its C library" in check.detail
    assert "libnewlib-arm-none-eabi" in check.install


def test_a_qemu_without_our_machines_is_said(bare: Path) -> None:
    wanted = sorted({b.emulator.machine for b in all_boards() if b.emulator and b.emulator.machine})
    listed = "; ".join(f"echo {machine} words" for machine in wanted[1:])
    _fake(bare, "qemu-system-arm", f'[ "$1" = --version ] && echo QEMU 1.0 || {{ {listed}; }}')
    check = _checks()["qemu-system-arm"]
    assert check.ok is False
    assert check.detail == f"QEMU 1.0 has no machine {wanted[0]}"


def test_a_tool_that_breaks_does_not_break_doctor(bare: Path) -> None:
    _fake(bare, "make", "echo broken; exit 3")
    check = _checks()["make"]
    assert check.ok is False
    assert "exit code 3" in check.detail and "\n" not in check.detail


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    from edgekit.verbs import doctor

    monkeypatch.setitem(doctor._PACKAGES, "no-such-package", "nothing")
    check = _checks()["no-such-package"]
    assert (check.ok, check.install) == (False, "pip install no-such-package")
    assert edgekit.doctor().ok is False


def test_the_record_is_json() -> None:
    body = plain(edgekit.doctor())
    assert {"ok", "checks"} == set(body)
    assert {"name", "kind", "ok", "needed", "detail", "install"} == set(body["checks"][0])
