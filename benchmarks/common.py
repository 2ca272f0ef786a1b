# SPDX-License-Identifier: Apache-2.0
"""What the benchmark scripts share: where the models are, and how a table is printed."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MLPERF_TINY = {
    "ad01": "ad01_int8.tflite",
    "kws": "kws_ref_model.tflite",
    "resnet8": "pretrainedResnet_quant.tflite",
    "vww96": "vww_96_int8.tflite",
}
BOARDS = (
    "native",
    "qemu-mps2-an385",
    "qemu-mps2-an386",
    "qemu-mps2-an500",
    "qemu-mps2-an505",
    "qemu-mps3-an547",
)


def shared_folder() -> Path:
    """Folder with `models/` and `data/`: EDGEKIT_SHARED, or beside the checkout."""
    folder = Path(os.environ.get("EDGEKIT_SHARED", ROOT.parent / "shared"))
    if not (folder / "models").is_dir():
        sys.exit(f"no models in '{folder}'; set EDGEKIT_SHARED to the folder that holds models/")
    return folder


def mlperf_model(name: str) -> Path:
    return shared_folder() / "models" / "mlperf_tiny" / MLPERF_TINY[name]


def conditions() -> str:
    """One line for the head of a result: date, commit, machine, compiler."""
    commit = _first_line("git", "-C", str(ROOT), "rev-parse", "--short", "HEAD")
    compiler = _first_line("arm-none-eabi-gcc", "--version")
    return (
        f"{datetime.now(UTC):%Y-%m-%d}, commit {commit}, {os.cpu_count()} cores,"
        f" {platform.system()} {platform.machine()}, Python {platform.python_version()}, {compiler}"
    )


def _first_line(*command: str) -> str:
    try:
        return subprocess.run(command, capture_output=True, text=True).stdout.splitlines()[0]
    except (OSError, IndexError):
        return f"no {command[0]}"


def table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """A Markdown table with aligned columns; ints get thousands separators."""
    cells = [[f"{c:,}" if isinstance(c, int) else str(c) for c in row] for row in rows]
    widths = [max(len(row[i]) for row in [list(head), *cells]) for i in range(len(head))]

    def line(row: Sequence[str]) -> str:
        return (
            "| " + " | ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True))
        ) + " |"

    rule = "|" + "|".join("-" * (width + 1) + ":" for width in widths) + "|"
    return "\n".join([line(list(head)), rule, *(line(row) for row in cells)])
