# SPDX-License-Identifier: Apache-2.0
"""What is published works away from the checkout: the sdist, and the wheel built from it.

The fresh environment borrows the installed dependencies; EDGEKIT_FULL_INSTALL=1 makes pip install
them too (600 MB).
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest

import edgekit

pytestmark = pytest.mark.slow
ROOT = Path(__file__).resolve().parents[2]
FULL_INSTALL = os.environ.get("EDGEKIT_FULL_INSTALL") == "1"
MAKE_MODEL = """
import keras
keras.utils.set_random_seed(1)
layers = keras.layers
keras.Sequential(
    [
        layers.Input((8, 8, 1)),
        layers.Conv2D(4, 3, activation="relu"),
        layers.Flatten(),
        layers.Dense(3, activation="softmax"),
    ]
).save("small.keras")
"""


def run(*command: str | Path, cwd: Path) -> str:
    """stdout of a command that must succeed, in an environment that does not know the checkout."""
    clean = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "VIRTUAL_ENV")}
    done = subprocess.run(
        list(map(str, command)), cwd=cwd, env=clean, capture_output=True, text=True
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def data_files(folder: Path) -> set[str]:
    """Files under `folder`, relative, without what Python leaves behind."""
    return {
        str(path.relative_to(folder))
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with an sdist of the checkout and the wheel that `build` made from that sdist."""
    out = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", out, ROOT, cwd=out)
    return out


@pytest.fixture(scope="module")
def wheel(dist: Path) -> Path:
    (path,) = dist.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def fresh(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`bin` of a new virtual environment with the wheel in it and no way to the checkout."""
    folder = tmp_path_factory.mktemp("fresh") / "venv"
    venv.create(folder, symlinks=True)
    python = folder / "bin" / "python"
    how = [] if FULL_INSTALL else ["--no-deps", "--no-index"]
    pip = [sys.executable, "-m", "pip", "--python", python, "install", "--quiet"]
    if FULL_INSTALL:
        run(*pip, f"{wheel}[demo]", cwd=folder)
    else:
        run(*pip, *how, wheel, cwd=folder)
        # a plain line: .pth files in that folder, the editable install's too, are not followed
        site = run(
            python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", cwd=folder
        )
        (Path(site.strip()) / "borrowed.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return folder / "bin"


def test_wheel_carries_boards_firmware_and_templates(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as file:
        names = set(file.namelist())
    for folder in ("boards", "firmware"):
        assert {f"edgekit/_data/{folder}/{name}" for name in data_files(ROOT / folder)} <= names
    assert {f"edgekit/{name}" for name in data_files(ROOT / "edgekit")} <= names
    assert "edgekit/py.typed" in names
    assert not [name for name in names if "__pycache__" in name or name.startswith("tests")]


def test_sdist_carries_what_tests_and_set_up_need(dist: Path) -> None:
    (path,) = dist.glob("*.tar.gz")
    with tarfile.open(path) as file:
        names = {name.partition("/")[2] for name in file.getnames()}
    for folder in ("edgekit", "firmware", "boards", "tests", "scripts", "docs", "notebooks"):
        assert {f"{folder}/{name}" for name in data_files(ROOT / folder)} <= names
    single = ("LICENSE", "README.md", "CHANGELOG.md", "Makefile", "pyproject.toml", ".clang-format")
    assert set(single) <= names


def test_installed_package_is_the_wheels(fresh: Path, tmp_path: Path) -> None:
    show = (
        "import edgekit, edgekit.resources as r; print(edgekit.__file__, r.resource_dir('boards'))"
    )
    for path in run(fresh / "python", "-c", show, cwd=tmp_path).split():
        assert Path(path).is_relative_to(fresh.parent)
    assert run(fresh / "edgekit", "--version", cwd=tmp_path) == f"edgekit {edgekit.__version__}\n"


@pytest.mark.needs_gcc
@pytest.mark.needs_qemu
@pytest.mark.needs_tf
def test_wheel_deploys_to_the_emulated_m4(fresh: Path, tmp_path: Path) -> None:
    run(fresh / "python", "-c", MAKE_MODEL, cwd=tmp_path)
    command = (fresh / "edgekit", "deploy", "small.keras", "--eval-samples", "5", "--json")
    record = json.loads(run(*command, "-o", "out", cwd=tmp_path))
    assert record["bench"]["board"] == "qemu-mps2-an386"
    assert record["bench"]["bit_exact"] == record["bench"]["samples"] == 5
    assert record["bench"]["latency"]["unit"] == "instructions"
    assert Path(record["report"]).stat().st_size > 10_000
    for file in tmp_path.joinpath("out").rglob("*"):
        if file.suffix in {".json", ".h", ".c", ".cc", ".html"}:
            assert str(ROOT) not in file.read_text(), f"{file} names the checkout"
