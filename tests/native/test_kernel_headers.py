# SPDX-License-Identifier: Apache-2.0
"""Every kernel header compiles on its own, with every warning an error."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from edgekit.build.host import STRICT

ROOT = Path(__file__).resolve().parents[2]
RUNTIME = ROOT / "firmware" / "runtime"
HEADERS = sorted(path.name for path in RUNTIME.glob("ek_*.h"))
CORTEX_M0 = ["-mcpu=cortex-m0plus", "-mthumb"]
CORTEX_M4 = ["-mcpu=cortex-m4", "-mthumb", "-mfloat-abi=hard", "-mfpu=fpv4-sp-d16"]


def compile_alone(tmp_path, header, compiler, *flags):
    """Includes `header` twice, which include guards must survive."""
    if shutil.which(compiler) is None:
        pytest.skip(f"no {compiler} on PATH")
    source = tmp_path / "alone.c"
    source.write_text(f'#include "{header}"\n#include "{header}"\nint unused;\n')
    command = [compiler, *flags, *STRICT, "-O2", "-I", str(RUNTIME), "-c", str(source)]
    done = subprocess.run(
        [*command, "-o", str(tmp_path / "alone.o")], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr


def test_there_are_headers():
    assert "ek_kernel.h" in HEADERS


@pytest.mark.parametrize("header", HEADERS)
def test_header_compiles_alone_for_the_host(tmp_path, header):
    compile_alone(tmp_path, header, "cc")


@pytest.mark.needs_gcc
@pytest.mark.parametrize("flags", [CORTEX_M0, CORTEX_M4], ids=["m0plus", "m4"])
@pytest.mark.parametrize("header", HEADERS)
def test_header_compiles_alone_for_cortex_m(tmp_path, header, flags):
    compile_alone(tmp_path, header, "arm-none-eabi-gcc", *flags)


@pytest.mark.parametrize("header", HEADERS)
def test_header_defines_only_names_of_its_own(header):
    """One prefix for everything, so that a model's C file can live beside any other code."""
    for line in (RUNTIME / header).read_text().splitlines():
        if line.startswith("#define"):
            assert line.split()[1].upper().startswith("EK_"), line
        if line.startswith(("EK_KERNEL", "EK_NOINLINE")):
            assert " ek_" in line or " *ek_" in line, line
