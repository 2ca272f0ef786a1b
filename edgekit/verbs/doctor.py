# SPDX-License-Identifier: Apache-2.0
"""`edgekit.doctor()`: what this computer has, what it lacks, and the line that installs it."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib import metadata

from edgekit.errors import EdgekitError
from edgekit.tools import INSTALL, run_tool
from edgekit.verbs._check import Check

PYTHONS = ((3, 11), (3, 13))
_ASK_TIMEOUT_S = 20.0

# Distribution -> what it is for. Versions come from metadata: nothing of it is imported.
_PACKAGES = {
    "tensorflow": "training, pruning, quantization",
    "tf-keras": "models saved by Keras 2",
    "tflite-micro": "golden outputs by TFLite Micro; without it the aot model on this host",
    "pyserial": "serial ports",
    "pyelftools": "flash and RAM of a build",
    "scikit-learn": "the demo's digits",
}
_OPTIONAL = {"tf-keras", "tflite-micro", "scikit-learn"}
_EXTRAS = {"scikit-learn": "pip install 'edgekit[demo]'"}


@dataclass(frozen=True, slots=True)
class DoctorRecord:
    """`ok` where everything is there that a run on an emulated board needs."""

    ok: bool
    checks: tuple[Check, ...]


def doctor() -> DoctorRecord:
    """Look for Python, packages, compilers, emulators, flashers, and the right to use ports."""
    from edgekit.verbs._desk import desk_checks

    checks = (_python(), *map(_package, _PACKAGES), *_tools(), *desk_checks())
    return DoctorRecord(
        ok=all(check.ok for check in checks if check.needed),
        checks=checks,
    )


def _python() -> Check:
    low, high = (".".join(map(str, version)) for version in PYTHONS)
    return Check(
        name="python",
        kind="python",
        ok=PYTHONS[0] <= sys.version_info[:2] <= PYTHONS[1],
        needed=True,
        detail=f"{sys.version.split()[0]} (edgekit needs {low} to {high})",
        install="sudo apt-get install --no-install-recommends python3 python3-venv",
    )


def _package(name: str) -> Check:
    try:
        version = metadata.version(name)
    except metadata.PackageNotFoundError:
        version = ""
    return Check(
        name=name,
        kind="package",
        ok=bool(version),
        needed=name not in _OPTIONAL,
        detail=f"{version}: {_PACKAGES[name]}" if version else f"missing: {_PACKAGES[name]}",
        install=_EXTRAS.get(name, f"pip install {name}"),
    )


def _tools() -> list[Check]:
    return [
        _tool("make", lambda: _first_line("make")),
        _tool("cc", lambda: _compiler("host")),
        _tool("arm-none-eabi-gcc", lambda: _compiler("arm-none-eabi")),
        _tool("qemu-system-arm", lambda: _qemu("qemu-system-arm")),
        _tool("riscv64-unknown-elf-gcc", lambda: _compiler("riscv64-unknown-elf"), needed=False),
        _tool("qemu-system-riscv32", lambda: _qemu("qemu-system-riscv32"), needed=False),
        # for --runtime tflm and the template cmake
        _tool("cmake", lambda: _first_line("cmake"), needed=False),
        _tool("arm-none-eabi-g++", _cpp_compiler, needed=False),
    ]


def _tool(name: str, ask: Callable[[], str], *, needed: bool = True) -> Check:
    try:
        ok, detail = True, ask()
    except EdgekitError as error:
        ok, detail = False, " ".join(str(error).split())
    return Check(
        name=name,
        kind="tool",
        ok=ok,
        needed=needed,
        detail=detail,
        install=INSTALL.get(name, ""),
    )


def _first_line(name: str) -> str:
    text = run_tool(name, "--version", timeout_s=_ASK_TIMEOUT_S)
    return text.splitlines()[0].strip() if text.strip() else "no version"


def _cpp_compiler() -> str:
    """The C++ compiler's version; EdgekitError where its headers are not there."""
    from edgekit.build.toolchain import find_cpp_compiler

    return find_cpp_compiler("arm-none-eabi").version


def _compiler(toolchain: str) -> str:
    from edgekit.build.toolchain import find_compiler

    return find_compiler(toolchain).version


def _qemu(program: str) -> str:
    """QEMU's version; EdgekitError naming the machines of our boards that it does not know."""
    from edgekit.boards import all_boards

    version = _first_line(program)
    listed = run_tool(program, "-M", "help", timeout_s=_ASK_TIMEOUT_S)
    known = {line.split()[0] for line in listed.splitlines() if line.strip()}
    emulators = [board.emulator for board in all_boards() if board.emulator]
    wanted = {each.machine for each in emulators if each.program == program}
    if absent := sorted(wanted - known):
        raise EdgekitError(f"{version} has no machine {', '.join(absent)}")
    return f"{version}; machines {', '.join(sorted(wanted))}"
