# SPDX-License-Identifier: Apache-2.0
"""scripts/set-up.sh on machines that lack tools, played by stubs: nothing is installed here."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
NEEDED = ("sh", "cat", "cksum", "dirname", "cp", "env", "rm")
PACKAGES = (
    "gcc-arm-none-eabi libnewlib-arm-none-eabi gcc-avr avr-libc arduino-core-avr cmake"
    " qemu-system-arm"
)


class Machine:
    """A PATH of stubs that write down how they were called, and a checkout with a `.venv`."""

    def __init__(self, folder: Path) -> None:
        self.bin, self.checkout, self.calls = folder / "bin", folder / "checkout", folder / "calls"
        self.bin.mkdir()
        for program in NEEDED:
            (self.bin / program).symlink_to(shutil.which(program) or f"/bin/{program}")
        (self.checkout / "scripts").mkdir(parents=True)
        shutil.copy(ROOT / "scripts" / "set-up.sh", self.checkout / "scripts")
        shutil.copy(ROOT / "pyproject.toml", self.checkout)
        python = self.checkout / ".venv" / "bin" / "python"
        python.parent.mkdir(parents=True)
        self._write(python, f'echo "python $*" >>{self.calls}')

    def stub(self, program: str, body: str = "") -> None:
        self._write(self.bin / program, f'echo "{program} $*" >>{self.calls}\n{body}')

    def user(self, number: int) -> None:
        self._write(self.bin / "id", f"echo {number}")

    def set_up(self, *also: str) -> tuple[str, list[str]]:
        """What it said, and the calls of the stubs except pip's import check; it must succeed."""
        self.calls.write_text("")
        done = subprocess.run(
            ["sh", "scripts/set-up.sh", "dev", *also],
            cwd=self.checkout,
            env={"PATH": str(self.bin), "HOME": os.devnull},
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        calls = self.calls.read_text().splitlines()
        return done.stderr, [call for call in calls if call != "python -c import pip"]

    def _write(self, path: Path, body: str) -> None:
        path.write_text(f"#!/bin/sh\n{body}\n")
        path.chmod(0o755)


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    made = Machine(tmp_path)
    made.stub("cc")
    made.user(1000)
    return made


def test_root_installs_and_the_command_is_said_first(machine: Machine) -> None:
    machine.user(0)
    machine.stub("apt-get")
    said, calls = machine.set_up()
    install = f"apt-get install -y --no-install-recommends {PACKAGES}"
    assert f"set-up: apt-get update; {install}\n" in said
    assert calls[-2:] == ["apt-get update -qq", f"{install} -qq"]


def test_risc_v_is_installed_where_it_is_asked_for(machine: Machine) -> None:
    machine.user(0)
    machine.stub("apt-get")
    more = "gcc-riscv64-unknown-elf picolibc-riscv64-unknown-elf qemu-system-misc"
    _, calls = machine.set_up("riscv")
    assert calls[-1] == f"apt-get install -y --no-install-recommends {PACKAGES} {more} -qq"
    machine.stub("riscv64-unknown-elf-gcc")
    machine.stub("qemu-system-riscv32")
    _, calls = machine.set_up("riscv")
    assert calls[-1] == f"apt-get install -y --no-install-recommends {PACKAGES} -qq"


def test_sudo_without_a_password_installs(machine: Machine) -> None:
    machine.stub("apt-get")
    machine.stub("sudo", '[ "$1" = -n ] || "$@"')
    said, calls = machine.set_up()
    assert f"sudo apt-get install -y --no-install-recommends {PACKAGES}\n" in said
    assert calls[-1] == f"apt-get install -y --no-install-recommends {PACKAGES} -qq"


@pytest.mark.parametrize("sudo", [False, True], ids=["no sudo", "sudo wants a password"])
def test_others_are_told_the_line_and_go_on(machine: Machine, sudo: bool) -> None:
    machine.stub("apt-get")
    if sudo:
        machine.stub("sudo", "exit 1")
    said, calls = machine.set_up()
    assert f"\n  sudo apt-get install -y --no-install-recommends {PACKAGES}\n" in said
    assert "going on with the board 'native'" in said
    assert not [call for call in calls if call.startswith("apt-get")]


def test_without_a_c_compiler_there_is_no_native_board(machine: Machine) -> None:
    machine.stub("apt-get")
    (machine.bin / "cc").unlink()
    said, _ = machine.set_up()
    assert f"gcc libc6-dev {PACKAGES}\n" in said
    assert "not even 'native'" in said


def test_a_failing_apt_is_said_and_does_not_stop_it(machine: Machine) -> None:
    machine.user(0)
    machine.stub("apt-get", "exit 100")
    said, _ = machine.set_up()
    assert "apt-get failed" in said
    assert "going on with the board 'native'" in said


def test_a_second_run_does_nothing(machine: Machine) -> None:
    machine.stub("arm-none-eabi-gcc", "echo /usr/lib/nano.specs")
    for program in ("avr-g++", "cmake", "qemu-system-arm"):
        machine.stub(program)
    _, calls = machine.set_up()
    assert [call for call in calls if "pip install" in call]
    said, calls = machine.set_up()
    assert said == ""
    assert calls == ["arm-none-eabi-gcc -print-file-name=nano.specs"]


def test_a_moved_checkout_is_installed_again(machine: Machine) -> None:
    machine.set_up()
    machine.checkout = machine.checkout.rename(machine.checkout.with_name("elsewhere"))
    _, calls = machine.set_up()
    assert [call for call in calls if "pip install" in call]
