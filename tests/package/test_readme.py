# SPDX-License-Identifier: Apache-2.0
"""The README does what it says: commands run, tables are whole, links lead somewhere."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

import pytest

import edgekit
from edgekit.lower.build import REGISTRY

ROOT = Path(__file__).resolve().parents[2]
README = ROOT / "README.md"
MEASURED = ROOT / "docs" / "measured.md"
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
INDENTED = re.compile(r"^    (\S.*)$", re.MULTILINE)

# What a line is run as where it sets up what is set up already, would run these tests in
# themselves, or takes minutes and models that a checkout does not hold.
RUN_AS = {
    "make demo": "edgekit demo",
    "make test": "python -m pytest --version",
    ". .venv/bin/activate": "edgekit --version",
}
BENCHMARK = re.compile(r"python (benchmarks/\w+\.py)")


@dataclass(frozen=True)
class Block:
    language: str
    text: str


def blocks() -> list[Block]:
    return [Block(*found) for found in FENCE.findall(README.read_text())]


def section(title: str) -> str:
    return README.read_text().partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def as_run(line: str) -> str:
    return RUN_AS.get(line, line)


def run(command: list[str], folder: Path) -> None:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    env = {**os.environ, "PATH": path}
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True)
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"


def test_first_line_names_what_a_bare_image_lacks() -> None:
    first = README.read_text().partition("\n")[0]
    for package in ("git", "make", "python3-venv"):
        assert package in first


def test_every_block_is_of_a_kind_that_is_run() -> None:
    assert {block.language for block in blocks()} == {"sh", "python", "c"}
    fenced = FENCE.sub("", README.read_text())
    assert all(BENCHMARK.match(line) for line in INDENTED.findall(fenced + MEASURED.read_text()))


@pytest.mark.slow
@pytest.mark.needs_gcc
@pytest.mark.needs_qemu
@pytest.mark.needs_tf
def test_commands_run_one_after_the_other(tmp_path: Path) -> None:
    for block in blocks():
        if block.language == "c":
            name = re.match(r"/\* (\w+\.c) \*/", block.text)
            assert name, "a C block begins with the name of its file"
            (tmp_path / name[1]).write_text(block.text)
        elif block.language == "python":
            run([sys.executable, "-W", "error::UserWarning:edgekit", "-c", block.text], tmp_path)
        else:
            lines = "\n".join(map(as_run, block.text.splitlines()))
            run(["bash", "-euc", lines], tmp_path)


def benchmarks() -> list[str]:
    return sorted(set(BENCHMARK.findall(README.read_text() + MEASURED.read_text())))


@pytest.mark.parametrize("script", benchmarks())
def test_benchmarks_exist_and_start(script: str) -> None:
    """Only started: they take minutes, and most need models that the checkout does not hold."""
    run([sys.executable, str(ROOT / script), "--help"], ROOT)


def test_table_of_operators_is_that_of_the_registry() -> None:
    named = set(re.findall(r"`([A-Z0-9_]+)`", section("Operators")))
    assert named == {kind for kind, operator in REGISTRY.items() if operator.in_files}


def test_table_of_boards_is_that_of_the_folder() -> None:
    rows = re.findall(r"^\| `([\w-]+)`.*\| ([\w ]+) \|$", section("Boards"), re.MULTILINE)
    assert dict(rows) == {board.id: board.tried for board in edgekit.boards()}


def test_links_lead_somewhere() -> None:
    for target in re.findall(r"\]\(([^)#]+)", README.read_text()):
        assert (ROOT / target).exists(), target


def test_drawing_of_the_demo_is_whole() -> None:
    """scripts/demo_svg.py draws it; here only that it holds what the README says of it."""
    root = ElementTree.parse(ROOT / "docs" / "demo.svg").getroot()
    text = " ".join("".join(root.itertext()).replace("\xa0", " ").split())
    assert "100 of 100 samples bit-exact" in text
    assert "qemu-mps2-an386" in text
    assert "http" not in "".join(element.text or "" for element in root.iter())
