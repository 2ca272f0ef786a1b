# SPDX-License-Identifier: Apache-2.0
"""Inputs that arrive by rows: the same bytes come out as of the whole input at once."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import edgekit
from edgekit.boards import load_board
from edgekit.build.host import HostModel
from edgekit.emit.aot import aot_sources
from edgekit.errors import DeviceError, EdgekitError
from edgekit.link.emulator import open_board
from edgekit.lower.build import lower_graph
from edgekit.lower.program import Program, Target
from edgekit.tflite.reader import read_graph
from tests.support.exact import random_inputs
from tests.support.pass_models import QUANT, conv, weights
from tests.support.row_models import FIRSTS, PushedModel, row_model
from tests.support.small_models import dense_model
from tests.support.tflite_builder import VALID, ModelBuilder

pytestmark = pytest.mark.skipif(
    shutil.which("cc") is None or shutil.which("make") is None,
    reason="no C compiler and make on PATH: apt-get install gcc libc6-dev make",
)
IMAGE = (1, 9, 8, 4)
Made = Callable[[], tuple[ModelBuilder, list[int]]]


def _both(model: bytes, target: Target | None = None) -> tuple[Program, Program]:
    graph = read_graph(model)
    return lower_graph(graph, target), lower_graph(graph, target, stream_rows=True)


def _outputs(program: Program, inputs: list[np.ndarray]) -> list[np.ndarray]:
    host = HostModel(program, aot_sources(program, "m", "test"), "m")
    return [host.run([value])[0] for value in inputs]


@pytest.mark.parametrize("first", FIRSTS)
def test_rows_make_what_the_whole_input_makes(first: str) -> None:
    whole, rows = _both(row_model(FIRSTS[first]))
    inputs = [one for (one,) in random_inputs(whole.graph, 4)]
    expected = np.stack(_outputs(whole, inputs)).tobytes()
    pushed = PushedModel(rows)
    for at_a_time in (1, 3, 7):
        assert np.stack(pushed.run(inputs, at_a_time)).tobytes() == expected


@pytest.mark.parametrize("core", ["cortex-m4", "cortex-m0plus", "cortex-m55"])
@pytest.mark.parametrize("first", ["3x3 stride 2", "10x4 stride 2", "depthwise"])
def test_kernels_of_a_core_take_rows(first: str, core: str) -> None:
    whole, rows = _both(row_model(FIRSTS[first]), Target(core, "speed"))
    assert rows.calls[0].way != "portable"
    inputs = [one for (one,) in random_inputs(whole.graph, 4)]
    expected = np.stack(_outputs(whole, inputs)).tobytes()
    assert np.stack(PushedModel(rows).run(inputs, 2)).tobytes() == expected


def test_rows_that_do_not_fill_words_are_left_to_portable_c() -> None:
    _, rows = _both(row_model(FIRSTS["odd channels"]), Target("cortex-m4", "speed"))
    assert rows.calls[0].way == "portable"


def test_the_arena_holds_a_window_of_the_input() -> None:
    rng = np.random.default_rng(1)
    b = ModelBuilder()
    x = b.input((1, 64, 64, 3), **QUANT)
    w = weights(rng, 4, 3, 3, 3)
    y = conv(b, x, (1, 32, 32, 4), w, [0] * 4, stride_h=2, stride_w=2)
    whole, rows = _both(b.finish([y]))
    assert whole.plan.arena_bytes >= 64 * 64 * 3
    assert 32 * 32 * 4 <= rows.plan.arena_bytes <= 32 * 32 * 4 + 3 * 64 * 3


def test_bench_loads_the_rows_over_the_link(tmp_path: Path) -> None:
    (tmp_path / "rows.tflite").write_bytes(row_model(FIRSTS["10x4 stride 2"]))
    made = edgekit.firmware(
        tmp_path / "rows.tflite", board="native", out=tmp_path / "fw", stream_rows=True
    )
    assert made.stream_rows
    edgekit.build(tmp_path / "fw", sanitize=True)
    record = edgekit.bench(tmp_path / "fw", eval_samples=12)
    assert (record.samples, record.bit_exact) == (12, 12)
    assert any("latency and cycles are without it" in words for words in record.warnings)
    assert record.layers[0]["prediction_error"] is None


def test_only_bytes_in_order_are_loaded(tmp_path: Path) -> None:
    model = row_model(FIRSTS["3x3"])
    (tmp_path / "rows.tflite").write_bytes(model)
    edgekit.firmware(
        tmp_path / "rows.tflite", board="native", out=tmp_path / "fw", stream_rows=True
    )
    edgekit.build(tmp_path / "fw", sanitize=True)
    whole, _ = _both(model)
    ((image,),) = random_inputs(whole.graph, 1)
    data = image.tobytes()
    with open_board(load_board("native"), tmp_path / "fw" / "build" / "firmware.elf") as device:

        def send(offset: int, part: bytes) -> None:
            device._ask("load", {"index": 0, "offset": offset, "data": part})

        with pytest.raises(DeviceError, match="status 1"):
            device.run()
        send(0, data[:50])
        with pytest.raises(DeviceError, match="loading out of order"):
            send(60, data[60:])
        with pytest.raises(DeviceError, match="status 1"):
            device.run()
        with pytest.raises(DeviceError, match="beyond the 216 bytes"):
            send(50, data)
        with pytest.raises(DeviceError, match="reading inside the model"):
            device.read_input(0)
        send(50, data[50:100])  # what was refused changed nothing
        send(0, data[:77])
        send(77, data[77:])
        device.run()
        assert device.read_output(0) == _outputs(whole, [image])[0].tobytes()
        with pytest.raises(DeviceError, match="status 1"):
            device.run()  # an input serves once


def _twice() -> tuple[ModelBuilder, list[int]]:
    b = ModelBuilder()
    x = b.input(IMAGE, name="image", **QUANT)
    y = conv(b, x, IMAGE, weights(np.random.default_rng(2), 4, 3, 3, 4), [0] * 4)
    return b, [b.op("ADD", [x, y], IMAGE, scale=0.1)]


def _two_inputs() -> tuple[ModelBuilder, list[int]]:
    b = ModelBuilder()
    x, y = b.input(IMAGE, **QUANT), b.input(IMAGE, **QUANT)
    return b, [b.op("ADD", [x, y], IMAGE, scale=0.1)]


def _pool_first() -> tuple[ModelBuilder, list[int]]:
    b = ModelBuilder()
    x = b.input(IMAGE, **QUANT)
    valid = {"padding": VALID}
    made = "m/shrink/AvgPool"
    return b, [b.op("AVERAGE_POOL_2D", [x], (1, 8, 7, 4), options=valid, name=made, **QUANT)]


def _low() -> tuple[ModelBuilder, list[int]]:
    b = ModelBuilder()
    x = b.input((1, 3, 8, 4), **QUANT)
    return b, [conv(b, x, (1, 3, 8, 4), weights(np.random.default_rng(2), 4, 3, 3, 4), [0] * 4)]


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (_twice, "the input is needed more than once"),
        (_two_inputs, "the model has 2 inputs"),
        (_pool_first, "AVERAGE_POOL_2D of layer 'shrink' reads it first"),
        (_low, "reads 3 rows at once, and the input has 3"),
    ],
)
def test_a_model_that_needs_its_input_whole_is_refused(make: Made, words: str) -> None:
    b, outputs = make()
    with pytest.raises(EdgekitError, match=re.escape(words)) as caught:
        lower_graph(read_graph(b.finish(outputs)), stream_rows=True)
    assert "--stream-rows" in caught.value.hint


def test_a_flat_input_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    model = dense_model(tmp_path / "dense.tflite")
    with pytest.raises(EdgekitError, match="'x' is int8 of 1 x 8, not int8 of 1 x rows"):
        edgekit.firmware(model, board="native", out=tmp_path / "fw", stream_rows=True)
    assert not (tmp_path / "fw").exists()


@pytest.mark.parametrize(
    ("rest", "words"),
    [({"runtime": "tflm"}, "the runtime tflm needs"), ({"mlperf": "auto"}, "text protocol needs")],
)
def test_what_needs_the_input_at_once_is_refused(
    tmp_path: Path, rest: dict[str, str], words: str
) -> None:
    model = dense_model(tmp_path / "dense.tflite")
    with pytest.raises(EdgekitError, match=words):
        edgekit.firmware(model, out=tmp_path / "fw", stream_rows=True, **rest)
