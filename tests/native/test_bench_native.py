# SPDX-License-Identifier: Apache-2.0
"""bench and deploy on the board `native`: the whole road as a process of this computer."""

from __future__ import annotations

import csv
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import edgekit
from edgekit.errors import DeviceError, EdgekitError, LimitBroken
from edgekit.tflite.golden import TflmGolden, tflm_version
from edgekit.tflite.reader import read_graph
from edgekit.verbs.bench import OutputsDiffer
from tests.support.small_models import dense_model

pytestmark = pytest.mark.skipif(
    shutil.which("cc") is None or shutil.which("make") is None,
    reason="no C compiler and make on PATH: apt-get install gcc libc6-dev make",
)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A built firmware folder of a small model."""
    folder = tmp_path_factory.mktemp("bench")
    model = dense_model(folder / "small.tflite")
    edgekit.firmware(model, board="native", out=folder / "fw")
    edgekit.build(folder / "fw", sanitize=True)
    return folder / "fw"


@pytest.fixture
def fw(built: Path, tmp_path: Path) -> Path:
    """A copy that a test may break."""
    return Path(shutil.copytree(built, tmp_path / "fw"))


def test_generated_inputs_come_back_bit_exact(fw: Path) -> None:
    record = edgekit.bench(fw, eval_samples=25, seed=3)
    assert (record.samples, record.bit_exact, record.max_abs_diff) == (25, 25, 0)
    assert (record.kind, record.runtime, record.board) == ("measured", "aot", "native")
    assert record.golden.by == ("tflite-micro" if tflm_version() else "aot on the host")
    assert record.first_difference is None
    assert record.accuracy is None
    assert record.latency.unit == "us"
    assert (record.latency.n, record.latency.warmup) == (25, 2)
    assert 0 < record.latency.min <= record.latency.median <= record.latency.p95
    assert [row["op"] for row in record.layers] == ["FULLY_CONNECTED", "FULLY_CONNECTED", "SOFTMAX"]
    assert [row["macs"] for row in record.layers] == [48, 24, 0]
    assert record.memory.stack_bytes > 0
    assert 0 < record.memory.model_flash_bytes < record.memory.flash_bytes


def test_what_was_sent_and_received_is_kept(fw: Path) -> None:
    record = edgekit.bench(fw, eval_samples=10)
    arrays = _arrays(record.outputs)
    assert arrays["inputs"].shape == (10, 8) and arrays["inputs"].dtype == np.int8
    assert arrays["outputs"].shape == (10, 4) and arrays["outputs"].dtype == np.int8
    if tflm_version():
        golden = TflmGolden(fw / "model" / "small.tflite")
        for sent, received in zip(arrays["inputs"], arrays["outputs"], strict=True):
            assert np.array_equal(golden.run([sent])[0][0], received)
    rows = list(csv.DictReader(record.ticks.read_text().splitlines()))
    assert [int(row["ticks"]) for row in rows] == list(arrays["ticks"])


def test_the_record_file_has_the_contracts_keys(fw: Path) -> None:
    edgekit.bench(fw, eval_samples=5)
    body = json.loads((fw / "bench" / "bench.json").read_text())
    assert {
        *("board", "runtime", "counter", "clock_hz", "kind", "samples", "bit_exact"),
        *("max_abs_diff", "accuracy", "latency", "memory", "outputs", "layers", "golden"),
        "first_difference",
    } <= set(body)
    assert {"unit", "n", "warmup", "min", "median", "p95", "max"} <= set(body["latency"])
    assert {
        *("flash_bytes", "model_flash_bytes", "ram_bytes", "arena_bytes", "stack_bytes"),
        "arena_used_bytes",
    } == set(body["memory"])
    assert body["outputs"] == "outputs.npz"
    assert set(body["golden"]) == {"by", "version"}
    assert set(body["files"]) == {
        *("outputs.npz", "ticks.csv", "layers.csv", "report.html", "report.md")
    }
    layer = body["layers"][0]
    assert {"index", "op", "layer", "macs", "ticks", "share", "ticks_per_mac", "way"} <= set(layer)
    assert layer["ticks_per_mac"] == pytest.approx(layer["ticks"] / layer["macs_run"])
    assert sum(row["share"] for row in body["layers"]) == pytest.approx(1, abs=1e-4)
    assert body["prediction"] is None  # a host's time says nothing of predicted instructions


def test_a_run_can_be_written_elsewhere(fw: Path, tmp_path: Path) -> None:
    record = edgekit.bench(fw, eval_samples=2, out=tmp_path / "run")
    assert record.report == tmp_path / "run" / "report.html" and record.report.is_file()
    assert not (fw / "bench").exists()
    (tmp_path / "run" / "report.html").write_text("mine now")
    with pytest.raises(EdgekitError, match=r"report\.html"):
        edgekit.bench(fw, eval_samples=2, out=tmp_path / "run")
    edgekit.bench(fw, eval_samples=2, out=tmp_path / "run", force=True)


def test_the_same_seed_sends_the_same_samples(fw: Path) -> None:
    first = _arrays(edgekit.bench(fw, eval_samples=4, seed=1).outputs)["inputs"]
    again = _arrays(edgekit.bench(fw, eval_samples=4, seed=1).outputs)["inputs"]
    other = _arrays(edgekit.bench(fw, eval_samples=4, seed=2).outputs)["inputs"]
    assert np.array_equal(first, again) and not np.array_equal(first, other)


def test_labelled_data_are_scored(fw: Path, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    x = rng.uniform(-2.5, 2.5, (40, 8)).astype(np.float32)
    graph = read_graph(fw / "model" / "small.tflite")
    data = tmp_path / "test.npz"
    np.savez(data, x_train=x[:10], y_train=np.zeros(10), x_test=x, y_test=np.arange(40) % 4)
    record = edgekit.bench(fw, data, eval_samples=40)
    arrays = _arrays(record.outputs)
    expected = (arrays["outputs"].argmax(axis=1) == arrays["labels"]).mean()
    assert record.accuracy == pytest.approx(expected)
    assert record.golden_accuracy == record.accuracy
    assert record.confusion is not None
    assert sum(map(sum, record.confusion)) == 40
    scale, zero = graph.tensor(graph.inputs[0]).q.scale, graph.tensor(graph.inputs[0]).q.zero_point
    sent = (arrays["inputs"].astype(float) - zero) * scale
    assert np.abs(np.sort(sent, axis=0) - np.sort(x, axis=0)).max() <= scale / 2 + 1e-6


def test_labels_that_do_not_fit_are_refused_before_anything_runs(fw: Path, tmp_path: Path) -> None:
    data = tmp_path / "test.npz"
    np.savez(data, x=np.random.default_rng(0).uniform(-2, 2, (9, 8)), y=np.arange(9))
    with pytest.raises(EdgekitError, match="4 classes"):
        edgekit.bench(fw, data)
    assert not (fw / "bench").exists()


def _spoil(fw: Path, op: int) -> None:
    """Change the largest weights of an op in the C source, so that it computes something else."""
    source = fw / "model" / "small_aot.c"
    text = source.read_text()
    match = re.search(rf"op{op}_weights\[\d+\][^{{]*{{([^}}]*)}}", text)
    assert match is not None
    numbers = [int(n) for n in re.findall(r"-?\d+", match[1])]
    changed = ", ".join(str(-n // 2) for n in numbers)
    source.write_text(text[: match.start(1)] + changed + text[match.end(1) :])


@pytest.mark.skipif(not tflm_version(), reason="no TFLM interpreter: pip install tflite-micro")
@pytest.mark.parametrize(("op", "layer"), [(0, "hidden"), (1, "scores")])
def test_a_wrong_kernel_is_found_and_its_layer_named(fw: Path, op: int, layer: str) -> None:
    _spoil(fw, op)
    edgekit.build(fw)
    with pytest.raises(OutputsDiffer, match=f"'{layer}'") as caught:
        edgekit.bench(fw, eval_samples=10)
    record = caught.value.record
    assert isinstance(caught.value, LimitBroken) and caught.value.exit_code == 1
    assert record.bit_exact < 10 and record.max_abs_diff > 0
    assert (record.first_difference.layer, record.first_difference.index) == (layer, op)
    body = json.loads((fw / "bench" / "bench.json").read_text())
    assert body["first_difference"]["layer"] == layer
    arrays = _arrays(fw / "bench" / "outputs.npz")
    wrong = (arrays["outputs"] != arrays["golden"]).any(axis=1)
    assert body["first_difference"]["sample"] == int(np.argmax(wrong))
    assert body["bit_exact"] == int((~wrong).sum())


@pytest.mark.skipif(not tflm_version(), reason="no TFLM interpreter: pip install tflite-micro")
def test_the_command_shows_a_difference_and_exits_with_1(fw: Path) -> None:
    _spoil(fw, 1)
    edgekit.build(fw)
    done = _cli("bench", str(fw), "--eval-samples", "5")
    assert done.returncode == 1
    assert "scores" in done.stderr and "error: " in done.stderr
    done = _cli("bench", str(fw), "--eval-samples", "5", "--json")
    assert done.returncode == 1
    assert json.loads(done.stdout)["first_difference"]["layer"] == "scores"


def test_another_models_firmware_is_refused(fw: Path, tmp_path: Path) -> None:
    other = dense_model(tmp_path / "other.tflite", units=5)
    edgekit.firmware(other, board="native", out=tmp_path / "other")
    edgekit.build(tmp_path / "other")
    elf = json.loads((fw / "build" / "build.json").read_text())["elf"]
    shutil.copy(tmp_path / "other" / "build" / elf, fw / "build" / elf)
    with pytest.raises(DeviceError, match="another model"):
        edgekit.bench(fw)


def test_what_is_not_built_is_said(tmp_path: Path) -> None:
    model = dense_model(tmp_path / "small.tflite")
    edgekit.firmware(model, board="native", out=tmp_path / "fw")
    with pytest.raises(EdgekitError, match="not built") as caught:
        edgekit.bench(tmp_path / "fw")
    assert "edgekit build" in caught.value.hint


def test_a_changed_model_is_refused(fw: Path) -> None:
    path = fw / "model" / "small.tflite"
    path.write_bytes(path.read_bytes() + b"\0")
    with pytest.raises(EdgekitError, match="changed"):
        edgekit.bench(fw)


def test_deploy_leaves_a_whole_folder_and_can_be_repeated(tmp_path: Path) -> None:
    model = dense_model(tmp_path / "small.tflite")
    record = edgekit.deploy(model, out=tmp_path / "out", board="native", eval_samples=5)
    assert record.prune is None
    assert record.bench.bit_exact == 5
    assert record.report.read_text().startswith("<!doctype html>")
    body = json.loads((tmp_path / "out" / "deploy.json").read_text())
    assert {"convert", "build", "bench"} <= set(body)
    assert body["build"]["elf"] == "fw/build/firmware.elf"
    assert body["report"] == "report.html"
    edgekit.deploy(model, out=tmp_path / "out", board="native", eval_samples=6)
    (tmp_path / "out" / "report.html").write_text("mine now")
    with pytest.raises(EdgekitError, match=r"report\.html"):
        edgekit.deploy(model, out=tmp_path / "out", board="native", eval_samples=5)
    edgekit.deploy(model, out=tmp_path / "out", board="native", eval_samples=5, force=True)


def test_deploy_checks_before_it_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TFLM_DIR", raising=False)
    model = dense_model(tmp_path / "small.tflite")
    for wrong in ({"board": "nativ"}, {"runtime": "tflm"}, {"sparsity": 0.5}):
        with pytest.raises(EdgekitError):
            edgekit.deploy(model, out=tmp_path / "out", **{"board": "native", **wrong})
        assert not (tmp_path / "out").exists()


def test_deploy_json_is_the_whole_record(tmp_path: Path) -> None:
    model = dense_model(tmp_path / "small.tflite")
    arguments = (str(model), "--board", "native", "--eval-samples", "3", "--json")
    done = _cli("deploy", *arguments, "-o", str(tmp_path / "out"))
    assert done.returncode == 0, done.stderr
    body = json.loads(done.stdout)
    assert body["bench"]["outputs"] == str(tmp_path / "out" / "fw" / "bench" / "outputs.npz")
    assert done.stderr == ""


def _arrays(path: Path) -> dict[str, np.ndarray]:
    with np.load(path) as stored:
        return dict(stored)


def _cli(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "edgekit", *arguments],
        capture_output=True,
        text=True,
        env={**os.environ, "NO_COLOR": "1"},
        timeout=300,
    )
