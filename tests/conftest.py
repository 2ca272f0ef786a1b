# SPDX-License-Identifier: Apache-2.0
"""Fixtures for every test, and skips that name what is missing."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
NEEDS = {
    "needs_gcc": ("arm-none-eabi-gcc", "apt-get install gcc-arm-none-eabi libnewlib-arm-none-eabi"),
    "needs_qemu": ("qemu-system-arm", "apt-get install qemu-system-arm"),
    "needs_avr": ("avr-g++", "apt-get install gcc-avr avr-libc arduino-core-avr"),
    "needs_riscv": (
        "riscv64-unknown-elf-gcc",
        "apt-get install gcc-riscv64-unknown-elf picolibc-riscv64-unknown-elf",
    ),
    "needs_qemu_riscv": ("qemu-system-riscv32", "apt-get install qemu-system-misc"),
}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        for marker, (program, install) in NEEDS.items():
            if item.get_closest_marker(marker) and shutil.which(program) is None:
                item.add_marker(pytest.mark.skip(reason=f"no {program} on PATH: {install}"))


@pytest.fixture(scope="session")
def root() -> Path:
    """The checkout."""
    return ROOT


@pytest.fixture(scope="session")
def shared() -> Path:
    """Folder with the large real models and data, beside the checkout or in EDGEKIT_SHARED."""
    folder = Path(os.environ.get("EDGEKIT_SHARED", ROOT.parent / "shared"))
    if not (folder / "models").is_dir():
        pytest.skip(f"no models and data in '{folder}' (set EDGEKIT_SHARED)")
    return folder
