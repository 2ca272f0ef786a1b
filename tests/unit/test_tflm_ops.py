# SPDX-License-Identifier: Apache-2.0
"""The table of what TFLite Micro runs: regenerated it is the committed one; what it says helps."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from edgekit.emit.tflm_methods import BUILTIN_METHODS, CUSTOM_METHODS
from edgekit.lower.ops import REGISTRY
from edgekit.tflite.golden import tflm_version
from edgekit.tflite.reader import read_graph
from edgekit.tflm.ops import REMEDIES, first_words, key_operand, table, unsupported_ops
from edgekit.verbs.convert import convert
from edgekit.verbs.golden import NOT_CHECKED, try_tflm
from edgekit.verbs.inspect import inspect
from tests.random_graphs.flat import draw_flat
from tests.support.small_models import dense_model
from tests.support.tflite_builder import ModelBuilder

needs_tflm = pytest.mark.skipif(not tflm_version(), reason="no TFLM interpreter (tflite-micro)")


@needs_tflm
@pytest.mark.slow
def test_asking_again_gives_the_committed_table(root: Path) -> None:
    command = [sys.executable, str(root / "scripts" / "tflm_ops.py"), "--check"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@needs_tflm
def test_the_table_is_of_the_pinned_wheel(root: Path) -> None:
    assert table()["version"] == tflm_version()
    assert f"tflite-micro=={table()['version']}" in (root / "pyproject.toml").read_text()


def test_every_operator_of_the_resolver_is_in_it() -> None:
    ops = table()["ops"]
    assert set(ops) == {*BUILTIN_METHODS, *(f"CUSTOM:{name}" for name in CUSTOM_METHODS)}
    unprobed = {kind for kind, row in ops.items() if not row["dtypes"]}
    assert all("not_probed" in ops[kind] for kind in unprobed)
    assert unprobed.isdisjoint(REGISTRY) and set(REMEDIES).isdisjoint(ops)


def tiled(dtype: str = "int8") -> bytes:
    b = ModelBuilder()
    x = b.input((1, 4), dtype, scale=0.5, name="x")
    inputs = [x, b.constant([1, 2])]
    y = b.op("TILE", inputs, (1, 8), dtype, scale=0.5, name="m/twice/Tile")
    return b.finish([b.op("RELU", [y], (1, 8), dtype, scale=0.5, name="m/act/Relu")])


@needs_tflm
def test_an_operator_that_is_missing_is_named_with_its_layer_and_a_remedy(tmp_path: Path) -> None:
    path = tmp_path / "tiled.tflite"
    path.write_bytes(tiled())
    record = inspect(path)
    words = "TILE of layer 'twice': TFLite Micro has no operator TILE; use concatenate"
    assert record.runtimes["tflm"].startswith(words)
    assert "use concatenate" in record.ops[0].refused["tflm"]
    assert "tflm" not in record.ops[1].refused


def test_the_table_answers_where_the_interpreter_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edgekit.verbs.golden.tflm_version", lambda: "")
    _, reason = try_tflm(tiled(), read_graph(tiled()))
    assert reason.startswith("TILE of layer 'twice'")
    good = dense_model(tmp_path / "dense.tflite")
    assert try_tflm(good, read_graph(good)) == (None, NOT_CHECKED)
    assert convert(good, out=tmp_path / "out").runtimes["tflm"] == NOT_CHECKED


@needs_tflm
def test_a_type_that_is_missing_is_named() -> None:
    b = ModelBuilder()
    x = b.input((1, 4), "uint8", scale=0.5, name="x")
    data = b.finish([b.op("ADD", [x, x], (1, 4), "uint8", scale=0.5, name="m/sum/Add")])
    [why] = unsupported_ops(read_graph(data)).values()
    assert why.reason == "TFLite Micro's ADD takes float32, int16, int32, int8, not uint8"
    assert "--input-dtype" in why.remedy
    assert try_tflm(data, read_graph(data))[1].startswith("ADD of layer 'sum'")


def test_weights_of_int4_on_a_transposed_convolution_are_named() -> None:
    b = ModelBuilder()
    x = b.input((1, 4, 4, 8), scale=0.5)
    w = b.tensor((8, 3, 3, 8), "int4", scales=[0.1] * 8, data=np.zeros(288, np.uint8))
    shape = b.constant([1, 4, 4, 8])
    data = b.finish([b.op("TRANSPOSE_CONV", [shape, w, x], (1, 4, 4, 8), scale=0.5)])
    assert key_operand("TRANSPOSE_CONV") == 2
    assert "no int4 weights; use int8 weights" in first_words(read_graph(data))


@needs_tflm
@pytest.mark.parametrize("seed", range(20))
def test_the_table_and_the_interpreter_agree_on_random_graphs(seed: int) -> None:
    data = draw_flat(seed)
    graph = read_graph(data)
    golden, _ = try_tflm(data, graph)
    assert (golden is None) or not unsupported_ops(graph)


@needs_tflm
@pytest.mark.parametrize("name", ["ad01_int8", "kws_ref_model", "vww_96_int8"])
def test_real_models_are_run(name: str, shared: Path) -> None:
    path = shared / "models" / "mlperf_tiny" / f"{name}.tflite"
    assert unsupported_ops(read_graph(path)) == {}
