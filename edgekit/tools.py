# SPDX-License-Identifier: Apache-2.0
"""External programs: found on PATH, run with argument lists and a timeout, never by a shell."""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
from collections.abc import Mapping
from pathlib import Path

from edgekit.errors import EdgekitError, ToolMissing

_APT = "sudo apt-get install --no-install-recommends"

# The line that installs each program on Debian and Ubuntu.
INSTALL = {
    "arm-none-eabi-gcc": f"{_APT} gcc-arm-none-eabi libnewlib-arm-none-eabi",
    "arm-none-eabi-objcopy": f"{_APT} binutils-arm-none-eabi",
    "arm-none-eabi-g++": f"{_APT} gcc-arm-none-eabi libstdc++-arm-none-eabi-newlib",
    "cc": f"{_APT} gcc libc6-dev",
    "cmake": f"{_APT} cmake",
    "gcc": f"{_APT} gcc libc6-dev",
    "make": f"{_APT} make",
    "objcopy": f"{_APT} binutils",
    "qemu-system-arm": f"{_APT} qemu-system-arm",
    "qemu-system-riscv32": f"{_APT} qemu-system-misc",
    "riscv64-unknown-elf-gcc": f"{_APT} gcc-riscv64-unknown-elf picolibc-riscv64-unknown-elf",
    "riscv64-unknown-elf-objcopy": f"{_APT} binutils-riscv64-unknown-elf",
}

LAST_LINES = 8


class ToolFailed(EdgekitError):
    """A program ended with an error; `output` is all it wrote, `command` what was run."""

    def __init__(self, message: str, *, hint: str, command: str, output: str) -> None:
        super().__init__(message, hint=hint)
        self.command = command
        self.output = output


def find_tool(name: str, install: str = "") -> Path:
    """Path of program `name` on PATH; ToolMissing with the line that installs it otherwise."""
    found = shutil.which(name)
    if found is None:
        raise ToolMissing(
            f"'{name}' is not installed, or not on PATH",
            hint=install or INSTALL.get(name, "") or f"install '{name}' and put it on PATH",
        )
    return Path(found)


def run_tool(
    name: str,
    *args: str | Path,
    timeout_s: float,
    install: str = "",
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
) -> str:
    """Run `name` with `args`; what it wrote on stdout and stderr together, as text.

    `env` is added to this process's environment. The program sees no standard input, and it and
    its children are killed when `timeout_s` runs out or the caller is interrupted. Raises
    ToolMissing, or ToolFailed with the command and the last lines where it fails or hangs.
    """
    command = [str(find_tool(name, install)), *map(str, args)]
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        cwd=cwd,
        env={**os.environ, **env} if env else None,
        start_new_session=True,
    )
    try:
        raw, _ = process.communicate(timeout=timeout_s)
    except subprocess.TimeoutExpired:
        raw = _stop(process)
        raise _failed(name, f"did not end within {timeout_s:g} s", command, raw) from None
    except BaseException:
        _stop(process)
        raise
    if process.returncode:
        raise _failed(name, f"failed with exit code {process.returncode}", command, raw)
    return raw.decode("utf-8", "replace")


def last_lines(text: str, count: int = LAST_LINES) -> str:
    """The last `count` lines of `text` that are not blank, indented by two spaces."""
    lines = [line.rstrip() for line in text.splitlines() if line.strip()]
    return "\n".join(f"  {line}" for line in lines[-count:])


def _stop(process: subprocess.Popen[bytes]) -> bytes:
    """Kill the program and everything it started; what it had written so far."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
    return process.communicate()[0] or b""


def _failed(name: str, what: str, command: list[str], raw: bytes) -> ToolFailed:
    output = raw.decode("utf-8", "replace")
    tail = last_lines(output)
    return ToolFailed(
        f"'{name}' {what}" + (f":\n{tail}" if tail else ""),
        hint=f"the command was: {shlex.join(command)}",
        command=shlex.join(command),
        output=output,
    )
