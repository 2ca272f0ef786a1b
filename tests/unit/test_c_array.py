# SPDX-License-Identifier: Apache-2.0
"""The C array compiles in every dialect, holds the file's bytes, and is the same every time."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from edgekit.emit.c_array import model_array_sources
from edgekit.emit.metadata import float_literal, tensor_macros
from edgekit.tflite.graph import Graph, Quant, Tensor

DATA = bytes(range(256)) + b"\x00\x01\x02"
WARNINGS = ["-Wall", "-Wextra", "-Wpedantic", "-Werror"]


def small_graph() -> Graph:
    tensors = (
        Tensor(0, 'in "put"', (1, 4), "int8", Quant((0.1,), (-3,))),
        Tensor(1, "out", (1, 2), "float32"),
    )
    return Graph("m", tensors, (), (0,), (1,))


def write(folder: Path) -> dict[str, str]:
    texts = model_array_sources(DATA, "m", "first line\nends in a backslash \\", small_graph())
    for name, text in texts.items():
        (folder / name).write_text(text)
    return texts


@pytest.mark.parametrize(
    ("compiler", "standard", "source"),
    [
        ("gcc", "c99", "m_model.c"),
        ("gcc", "c11", "m_model.c"),
        ("g++", "c++17", "m_model.cc"),
        ("arm-none-eabi-gcc", "c99", "m_model.c"),
        ("arm-none-eabi-g++", "c++17", "m_model.cc"),
    ],
)
def test_it_compiles_without_a_warning(
    compiler: str, standard: str, source: str, tmp_path: Path
) -> None:
    if shutil.which(compiler) is None:
        pytest.skip(f"no {compiler} on PATH")
    write(tmp_path)
    command = [compiler, f"-std={standard}", *WARNINGS, "-c", source, "-o", "m.o"]
    subprocess.run(command, cwd=tmp_path, check=True)


@pytest.mark.parametrize("source", ["m_model.c", "m_model.cc"])
def test_a_program_finds_the_bytes_aligned(source: str, tmp_path: Path) -> None:
    compiler = "gcc" if source.endswith(".c") else "g++"
    if shutil.which(compiler) is None:
        pytest.skip(f"no {compiler} on PATH")
    write(tmp_path)
    check = " && ".join(f"m_model[{i}] == {value}" for i, value in enumerate(DATA))
    main = tmp_path / f"main{Path(source).suffix}"
    main.write_text(
        '#include <stdint.h>\n#include "m_model.h"\n'
        "int main(void) { return (m_model_len == sizeof m_model && M_MODEL_LEN == 259u"
        f" && ((uintptr_t)m_model & 15u) == 0 && {check}) ? 0 : 1; }}\n"
    )
    subprocess.run([compiler, main.name, source, "-o", "m"], cwd=tmp_path, check=True)
    subprocess.run([str(tmp_path / "m")], check=True)


def test_twelve_bytes_a_line_and_the_same_bytes_every_time(tmp_path: Path) -> None:
    texts = write(tmp_path)
    rows = re.findall(r"^    (0x.*),$", texts["m_model.c"], re.MULTILINE)
    assert [len(row.split(",")) for row in rows] == [12] * 21 + [7]
    assert texts == write(tmp_path)
    assert texts["m_model.h"].startswith("// first line\n// ends in a backslash\n")


def test_macros_give_the_exact_scale_and_safe_names() -> None:
    macros = tensor_macros(small_graph(), "m")
    assert "#define M_INPUT_0_ZERO_POINT (-3)" in macros
    assert "#define M_INPUT_0_SHAPE {1, 4}" in macros
    assert '#define M_INPUT_0_NAME "in _put_"' in macros
    assert "M_OUTPUT_0_SCALE" not in macros


@pytest.mark.parametrize("value", [0.1, 1.0, 1 / 255, 3.4e-12, 128.0, 1e20])
def test_float_literals_read_back_to_the_same_float(value: float) -> None:
    text = float_literal(value)
    assert text.endswith("f") and re.search(r"[.e]", text)
    assert np.float32(text[:-1]) == np.float32(value)
