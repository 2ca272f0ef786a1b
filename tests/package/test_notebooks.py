# SPDX-License-Identifier: Apache-2.0
"""The notebooks run from top to bottom, and their files hold no outputs."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

NOTEBOOKS = sorted((Path(__file__).resolve().parents[2] / "notebooks").glob("*.ipynb"))
CELL_TIMEOUT_S = 300
# Pictures in the outputs of each, and words that its tables hold.
SHOWN = {
    "01_quickstart": (2, "| 100 of 100 |"),
    "02_tflite_micro": (1, "| qemu-mps2-an386 | emulated |"),
    "03_pruning": (3, "| channels | 0% |"),
}
each_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


def code_cells(notebook: Any) -> list[Any]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def test_there_are_notebooks() -> None:
    assert {path.stem for path in NOTEBOOKS} >= set(SHOWN)


@each_notebook
def test_file_holds_no_outputs(path: Path) -> None:
    for cell in code_cells(nbformat.read(path, as_version=4)):
        assert not cell.outputs
        assert cell.execution_count is None


@pytest.mark.slow
@pytest.mark.needs_tf
@each_notebook
def test_runs(path: Path, tmp_path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    folder = tmp_path / "work"
    folder.mkdir()
    resources = {"metadata": {"path": str(folder)}}
    client = NotebookClient(
        notebook, timeout=CELL_TIMEOUT_S, kernel_name="python3", resources=resources
    )
    # knowing of pytest, the kernel would not show what C++ writes to stderr
    env = {name: value for name, value in os.environ.items() if name != "PYTEST_CURRENT_TEST"}
    client.execute(env=env | {"IPYTHONDIR": str(tmp_path / "ipython")})
    outputs = [output for cell in code_cells(notebook) for output in cell.outputs]
    pictures, words = SHOWN.get(path.stem, (None, ""))
    drawn = sum("image/png" in output.get("data", {}) for output in outputs)
    assert drawn == (drawn if pictures is None else pictures)
    shown = "\n".join(
        output["data"].get("text/markdown", "") for output in outputs if "data" in output
    )
    assert words in shown
    assert not [output for output in outputs if output.get("name") == "stderr"]
