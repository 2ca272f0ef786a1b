# SPDX-License-Identifier: Apache-2.0
"""The emitted C: the same each time, strict C99, and nothing from libc but memcpy and memset."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from edgekit.emit.aot import aot_sources, c_float, c_value
from edgekit.emit.c_array import model_array_sources
from edgekit.lower.build import lower_graph
from edgekit.resources import resource_dir
from edgekit.tflite.reader import read_graph
from tests.random_graphs.flat import draw_flat
from tests.support.tflite_builder import ModelBuilder

STRICT = ("-std=c99", "-Wall", "-Wextra", "-Wconversion", "-Werror", "-c")
ALLOWED = {"memcpy", "memset"}


def _write(folder: Path, data: bytes, name: str = "net") -> Path:
    sources = aot_sources(lower_graph(read_graph(data)), name, "made by a test")
    for file_name, text in sources.items():
        (folder / file_name).write_text(text)
    return folder / f"{name}_aot.c"


def _compile(source: Path, compiler: str, *flags: str) -> Path:
    target = source.with_suffix(".o")
    runtime = resource_dir("firmware") / "runtime"
    command = [compiler, *STRICT, *flags, "-I", runtime, source, "-o", target]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return target


def _foreign_symbols(target: Path, nm: str) -> set[str]:
    text = subprocess.run([nm, "-u", target], capture_output=True, text=True, check=True).stdout
    return {line.split()[-1] for line in text.splitlines() if line.strip()}


def test_same_program_same_text() -> None:
    data = draw_flat(7)
    first, second = (
        aot_sources(lower_graph(read_graph(data)), "net", "made by a test") for _ in range(2)
    )
    assert first == second
    assert set(first) == {"net_aot.h", "net_aot.c", "ek_model_net.c"}
    assert "made by a test" in first["net_aot.c"]


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.skipif(shutil.which("cc") is None, reason="no cc on PATH")
def test_host_compiler_has_nothing_to_say(tmp_path: Path, seed: int) -> None:
    target = _compile(_write(tmp_path, draw_flat(seed)), "cc", "-O2", "-fno-stack-protector")
    foreign = _foreign_symbols(target, "nm") - {"_GLOBAL_OFFSET_TABLE_"}
    assert foreign <= ALLOWED, foreign


@pytest.mark.needs_gcc
@pytest.mark.parametrize("seed", range(20))
def test_arm_compiler_has_nothing_to_say(tmp_path: Path, seed: int) -> None:
    source = _write(tmp_path, draw_flat(seed))
    target = _compile(source, "arm-none-eabi-gcc", "-O2", "-mcpu=cortex-m4", "-mthumb")
    libgcc = {s for s in _foreign_symbols(target, "arm-none-eabi-nm") if s.startswith("__aeabi_")}
    assert _foreign_symbols(target, "arm-none-eabi-nm") - libgcc <= ALLOWED


@pytest.mark.skipif(shutil.which("cc") is None, reason="no cc on PATH")
@pytest.mark.parametrize("seed", range(5))
def test_the_headers_of_both_runtimes_agree(tmp_path: Path, seed: int) -> None:
    data = draw_flat(seed)
    _write(tmp_path, data)
    for name, text in model_array_sources(data, "net", "by a test", read_graph(data)).items():
        (tmp_path / name).write_text(text)
    both = tmp_path / "both.c"
    both.write_text('#include "net_model.h"\n#include "net_aot.h"\nint unused;\n')
    _compile(both, "cc")


@pytest.mark.needs_gcc
def test_two_models_link_into_one_program(tmp_path: Path) -> None:
    objects = [
        _compile(_write(tmp_path, draw_flat(seed), name), "arm-none-eabi-gcc", "-mcpu=cortex-m4")
        for seed, name in ((1, "first"), (2, "second"))
    ]
    both = tmp_path / "both.o"
    done = subprocess.run(
        ["arm-none-eabi-ld", "-r", *objects, "-o", both],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_hostile_names_stay_inside_comments_and_strings() -> None:
    b = ModelBuilder()
    x = b.input((4,), scale=0.5, name='*/ int evil; /* "\\ é\n')
    y = b.op("RELU", [x], (4,), scale=0.5, name="*/ evil();/")
    sources = aot_sources(lower_graph(read_graph(b.finish([y]))), "net", "*/ int evil; /*")
    assert sources["net_aot.c"].isascii() and sources["net_aot.h"].isascii()
    for text in sources.values():
        for comment in text.split("/*")[1:]:
            assert "*/" in comment
        assert "int evil" not in _without_comments(text)


def _without_comments(text: str) -> str:
    import re

    return re.sub(r'"[^"]*"', "", re.sub(r"/\*.*?\*/", "", text, flags=re.S))


@pytest.mark.parametrize(
    ("value", "text"),
    [(3, "3"), (-(1 << 31), "INT32_MIN"), ({"a": 1, "b": [2, 3]}, "{.a = 1, .b = {2, 3}}")],
)
def test_c_values(value: object, text: str) -> None:
    assert c_value(value) == text


def test_floats_are_exact() -> None:
    for value in (0.1, 1e-30, -3.75):
        assert float.fromhex(c_float(value)[:-1]) == float(np.float32(value))
    with pytest.raises(ValueError, match="C constant"):
        c_float(float("nan"))
