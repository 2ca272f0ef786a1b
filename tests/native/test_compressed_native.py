# SPDX-License-Identifier: Apache-2.0
"""A stripped model with encoded weights goes the whole way: firmware, bench, layers by name."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from edgekit.tflite.golden import tflm_version
from edgekit.verbs.bench import bench
from edgekit.verbs.build import build
from edgekit.verbs.convert import convert
from edgekit.verbs.deploy import deploy
from edgekit.verbs.firmware import firmware
from tests.support.small_models import sparse_model

pytestmark = [
    pytest.mark.skipif(not tflm_version(), reason="no TFLM interpreter (tflite-micro)"),
    pytest.mark.skipif(shutil.which("cc") is None, reason="no C compiler: apt-get install gcc"),
]


def test_outputs_are_those_of_the_compressed_file_in_tflm(tmp_path: Path) -> None:
    model = sparse_model(tmp_path / "sparse.tflite")
    options = {"compress": "auto", "strip": True, "eval_samples": 6}
    record = deploy(model, board="native", out=tmp_path / "out", **options)
    assert record.convert.packing.compression.decoded_elements == 2 * 64 * 64
    assert record.bench.bit_exact == record.bench.samples == 6
    layers = [row["layer"] for row in record.bench.layers]
    assert layers == ["hidden", "few", "scores", "probs"]


def test_a_project_elsewhere_names_the_layers_too(tmp_path: Path) -> None:
    model = sparse_model(tmp_path / "sparse.tflite")
    convert(model, out=tmp_path / "converted", strip=True)
    firmware(tmp_path / "converted", board="native", out=tmp_path / "fw")
    build(tmp_path / "fw")
    record = bench(tmp_path / "fw", eval_samples=2)
    assert record.bit_exact == 2
    assert [row["layer"] for row in record.layers] == ["hidden", "few", "scores", "probs"]
