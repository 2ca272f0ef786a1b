# SPDX-License-Identifier: Apache-2.0
"""MLPerf Tiny's rules on a device that is made up: windows, clocks, files, answers."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

import edgekit
from edgekit.errors import DeviceError, EdgekitError
from edgekit.link.text import Inference, TextDevice
from edgekit.progress import SILENT
from edgekit.tflite.reader import read_graph
from edgekit.verbs._mlperf_data import File, Files, find_files
from edgekit.verbs._mlperf_golden import Judge, as_sent, as_taken
from edgekit.verbs._mlperf_run import area_under_curve, run_performance
from edgekit.verbs._mlperf_task import BY_ID, find_task
from tests.support.small_models import dense_model
from tests.support.task_models import task_firmware, task_model

KWS = BY_ID["kws01"]


class Clocked(TextDevice):
    """Runs nothing; `each_s` gives the seconds of an inference by how many windows were before."""

    def __init__(self, each_s: Callable[[int], float], drift: float = 1.0) -> None:
        self.each_s, self.drift = each_s, drift
        self.loaded: list[bytes] = []
        self.asked: list[tuple[int, int]] = []

    def load(self, data: bytes) -> None:
        self.loaded.append(data)

    def infer(self, iterations: int, warmup: int, *, timeout_s: float) -> Inference:
        host_s = self.each_s(len(self.asked)) * iterations
        self.asked.append((iterations, warmup))
        elapsed_us = round(host_s * self.drift * 1e6)
        return Inference(iterations, warmup, elapsed_us, host_s, (1.0,))


def files(count: int) -> Files:
    return Files(tuple(File(f"{i}.bin", i, bytes([i])) for i in range(count)), "test", "test")


@pytest.mark.parametrize("each_s", [0.0000021, 0.0009, 0.037, 0.2, 1.2])
def test_windows_are_of_12_to_15_s(each_s: float) -> None:
    device = Clocked(lambda _: each_s)
    found = run_performance(device, KWS, files(7), SILENT)
    assert len(found.windows) == 5
    assert {window.iterations for window in found.windows} == {found.iterations}
    assert all(12 <= window.elapsed_s <= 15 for window in found.windows)
    assert found.throughput == pytest.approx(1 / each_s, rel=1e-6)
    assert found.latency_ms == pytest.approx(1000 * each_s, rel=1e-6)
    assert device.loaded[-5:] == [bytes([i]) for i in range(5)]
    assert device.asked[-5:] == [(found.iterations, KWS.warmup)] * 5


def test_a_slow_board_runs_ten_inferences() -> None:
    found = run_performance(Clocked(lambda _: 4.0), KWS, files(5), SILENT)
    assert found.iterations == 10
    assert [window.elapsed_s for window in found.windows] == [40.0] * 5


def test_the_median_counts() -> None:
    speeds = iter([1, 1, 0.9, 1.1, 0.95, 1.05, 1])
    device = Clocked(lambda _: 0.6 * next(speeds))
    found = run_performance(device, KWS, files(5), SILENT)
    assert found.throughput == sorted(window.throughput for window in found.windows)[2]


def test_a_short_window_is_not_counted() -> None:
    """The emulator becomes twice as fast after the number was chosen."""
    device = Clocked(lambda before: 0.03 if before < 3 else 0.015)
    found = run_performance(device, KWS, files(5), SILENT)
    assert all(window.elapsed_s >= 10 for window in found.windows)
    assert found.iterations >= 10 / 0.015


def test_windows_that_stay_short_are_an_error() -> None:
    device = Clocked(lambda before: 0.5 / (before + 1) ** 2)
    with pytest.raises(EdgekitError, match="too short"):
        run_performance(device, KWS, files(5), SILENT)


@pytest.mark.parametrize("drift", [0.9, 1.2, 60.0])
def test_a_clock_that_is_not_ours_is_an_error(drift: float) -> None:
    """As with QEMU's -icount: seconds of the guest pass in a moment of the host's."""
    with pytest.raises(DeviceError, match="counted"):
        run_performance(Clocked(lambda _: 0.1, drift=drift), KWS, files(5), SILENT)


def test_each_window_has_its_own_input() -> None:
    with pytest.raises(EdgekitError, match="4 files are not enough"):
        run_performance(Clocked(lambda _: 0.1), KWS, files(4), SILENT)


@pytest.mark.parametrize("seed", range(5))
def test_area_under_curve_is_sklearns(seed: int) -> None:
    rng = np.random.default_rng(seed)
    labels = [int(y) for y in rng.integers(0, 2, 40)]
    scores = [float(np.round(s, 1)) for s in rng.normal(0, 1, 40) + np.array(labels)]
    assert area_under_curve(scores, labels) == pytest.approx(roc_auc_score(labels, scores))
    assert area_under_curve(scores, [1] * 40) is None


@pytest.mark.parametrize("task_id", BY_ID)
def test_the_task_is_known_by_its_sizes(task_id: str, tmp_path: Path) -> None:
    model = task_model(task_id, tmp_path / "m.tflite")
    assert find_task(model, "auto").id == find_task(model, task_id).id == task_id
    other = "ic01" if task_id != "ic01" else "ad01"
    with pytest.raises(EdgekitError, match=f"not what {other} has"):
        find_task(model, other)


def test_what_is_no_task_is_refused(tmp_path: Path) -> None:
    model = dense_model(tmp_path / "dense.tflite")
    with pytest.raises(EdgekitError, match="takes 8 values and gives 4, which is not what any"):
        find_task(model, "auto")
    with pytest.raises(EdgekitError, match="no task 'sww01'"):
        edgekit.firmware(model, out=tmp_path / "fw", mlperf="sww01")
    assert not (tmp_path / "fw").exists()
    with pytest.raises(EdgekitError, match="zero point -127"):
        find_task(task_model("ic01", tmp_path / "ic.tflite", zero_point=-127), "auto")


@pytest.mark.parametrize("task_id", BY_ID)
def test_what_is_sent_is_what_is_taken(task_id: str, tmp_path: Path) -> None:
    task = BY_ID[task_id]
    graph = read_graph(task_model(task_id, tmp_path / "m.tflite"))
    shape = graph.tensor(graph.inputs[0]).shape
    quantized = np.random.default_rng(1).integers(-128, 128, shape).astype(np.int8)
    sent = as_sent(task, graph, quantized)
    assert len(sent) == task.input_bytes
    assert np.array_equal(as_taken(task, graph, sent), quantized)
    if task.convention == "uint8":
        assert np.frombuffer(sent, np.uint8)[0] == int(quantized.ravel()[0]) + 128


def judge_of(task_id: str, folder: Path) -> Judge:
    model = task_model(task_id, folder / f"{task_id}.tflite")
    return Judge(BY_ID[task_id], read_graph(model), model)


def test_windows_of_a_file(tmp_path: Path) -> None:
    """640 float32 every 128: as the official runner cuts a file of ad01."""
    task = BY_ID["ad01"]
    data = np.arange(128 * 8, dtype="<f4").tobytes()
    windows = File("x", 0, data, stride_bytes=512).windows(task)
    assert [np.frombuffer(each, "<f4")[0] for each in windows] == [0, 128, 256, 384]
    assert {len(each) for each in windows} == {2560}
    assert File("x", 0, data).windows(KWS) == [data]


def test_any_data_set_becomes_files(tmp_path: Path) -> None:
    judge = judge_of("ic01", tmp_path)
    rng = np.random.default_rng(0)
    x = rng.integers(0, 256, (90, 3072)).astype(np.uint8)
    y = np.sort(rng.integers(0, 9, 90))
    np.savez(tmp_path / "data.npz", x=x, y=y)
    found = find_files(judge, str(tmp_path / "data.npz"), 18, 0)
    assert sorted(file.label for file in found.files) == sorted([*range(9), *range(9)])
    sent = {file.data for file in found.files}
    assert found.real and len(sent) == 18 and sent <= {row.tobytes() for row in x}
    assert "class 9" in found.warnings[0]
    np.savez(tmp_path / "bare.npz", x=x)
    with pytest.raises(EdgekitError, match="no labels"):
        find_files(judge, str(tmp_path / "bare.npz"), 18, 0)


def test_generated_files_are_the_goldens_and_the_same_again(tmp_path: Path) -> None:
    judge = judge_of("kws01", tmp_path)
    found = find_files(judge, None, 24, 0)
    assert found == find_files(judge, None, 24, 0) and found.source == "generated"
    for file in found.files:
        assert int(np.argmax(judge.results(file.data))) == file.label
    absent = set(range(12)) - {file.label for file in found.files}
    assert bool(found.warnings) is bool(absent)


def test_generated_anomalies_are_farther(tmp_path: Path) -> None:
    found = find_files(judge_of("ad01", tmp_path), None, 8, 0)
    assert [file.label for file in found.files] == [0, 1] * 4
    assert {len(file.windows(BY_ID["ad01"])) for file in found.files} == {4}


def test_made_data_are_in_the_runners_layout_and_run(tmp_path: Path) -> None:
    project = task_firmware("kws01", tmp_path, "native")
    made = edgekit.mlperf(project, make_data=tmp_path / "sets", files=13)
    assert made.made == tmp_path / "sets" / "kws01" and made.accuracy is None
    with (made.made / "y_labels.csv").open(newline="") as table:
        rows = list(csv.reader(table))
    assert len(rows) == 13
    for name, classes, label in rows:
        assert (made.made / name).stat().st_size == 490
        assert classes == "12" and 0 <= int(label) < 12
    record = edgekit.mlperf(project, tmp_path / "sets", mode="accuracy")
    assert record.accuracy is not None and record.performance is None
    assert (record.accuracy.files, record.accuracy.agree, record.accuracy.top1) == (13, 13, 1.0)
    assert (record.accuracy.target, record.accuracy.truth) == (None, "the host's golden")
    assert (record.task, record.kind, record.device) == ("kws01", "measured", "edgekit native")
    assert (project / "mlperf" / "mlperf.json").is_file()


def test_files_that_do_not_fit_are_named(tmp_path: Path) -> None:
    judge = judge_of("kws01", tmp_path)
    folder = tmp_path / "sets" / "kws01"
    folder.mkdir(parents=True)
    labels = folder / "y_labels.csv"
    (folder / "a.bin").write_bytes(bytes(489))
    for rows, words in [
        ("a.bin, 12, 1\n", "has 489 bytes"),
        ("b.bin,12,1\n", "b.bin"),
        ("a.bin,12,x\n", "cannot be used"),
        ("a.bin\n", "cannot be used"),
        ("\n", "names no files"),
    ]:
        labels.write_text(rows)
        with pytest.raises(EdgekitError, match=words):
            find_files(judge, tmp_path / "sets", 5, 0)


def test_what_cannot_be_measured_is_said(tmp_path: Path) -> None:
    model = task_model("kws01", tmp_path / "kws.tflite")
    edgekit.firmware(model, board="native", out=tmp_path / "fw")
    edgekit.build(tmp_path / "fw")
    with pytest.raises(EdgekitError, match="does not speak MLPerf") as error:
        edgekit.mlperf(tmp_path / "fw")
    assert "--mlperf auto" in error.value.hint
    with pytest.raises(EdgekitError, match="unknown mode 'energy'"):
        edgekit.mlperf(tmp_path / "fw", mode="energy")
