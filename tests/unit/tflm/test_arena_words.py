# SPDX-License-Identifier: Apache-2.0
"""What is said of an arena: in the header, after a run, and where a board has too little RAM."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edgekit.boards import load_board
from edgekit.errors import EdgekitError, LimitBroken
from edgekit.tflite.graph import Graph, Op
from edgekit.tflite.reader import read_graph
from edgekit.tflm.arena import arena_advice
from edgekit.verbs._arena import check_arena, tflm_arena, used_arena_words
from edgekit.verbs.convert import convert
from edgekit.verbs.inspect import inspect
from tests.support.tflite_builder import SAME, ModelBuilder


def _model(side: int = 16, channels: int = 4) -> bytes:
    b = ModelBuilder()
    x = b.input((1, side, side, channels), scale=0.1)
    w = b.constant(np.ones((6, 3, 3, channels), np.int8), scales=[0.1] * 6, axis=0)
    bias = b.constant(np.zeros(6, np.int32), scales=[0.01] * 6, axis=0)
    y = b.op("CONV_2D", [x, w, bias], (1, side, side, 6), scale=0.1, options={"padding": SAME})
    return b.finish([y])


def _unknown(graph: Graph) -> Graph:
    op = graph.ops[0]
    return replace(graph, ops=(Op(0, "CUSTOM:MINE", op.inputs, op.outputs, layer="mine"),))


@pytest.mark.parametrize(
    ("used", "given", "least", "said"),
    [
        (1000, 1024, 1024, ""),
        (1000, 1536, 1024, ""),  # a small waste
        (1000, 4096, 1024, "3,072 bytes of the arena are wasted: 1,024 of 4,096 bytes would do"),
        (1000, 1008, 1024, "16 below the plan: another build may refuse it; 1,024 bytes are exact"),
        (1100, 1200, 1024, "uses 1,100 bytes of its arena and 1,024 were planned"),
        (20_000, 20_016, 0, "nearly full, 20,000 of 20,016 bytes"),
        (20_000, 20_800, 0, ""),
        (20_000, 40_000, 0, "wasted: 20,000 of 40,000 bytes would do, if TFLite Micro starts"),
    ],
)
def test_advice(used: int, given: int, least: int, said: str) -> None:
    words = arena_advice(used, given, least)
    assert said in words if said else words == ""


def test_advice_is_for_the_kernels_of_the_library() -> None:
    plans = {"reference": 2000, "cmsis_nn": 9000}
    assert used_arena_words(8900, 9000, "cmsis-nn", plans) == ""
    assert "2,000 of 9,000" in used_arena_words(1900, 9000, "reference", plans)
    assert used_arena_words(1900, 9000, "", plans) == ""  # it may be either


def test_records_and_header_agree(tmp_path: Path) -> None:
    file = tmp_path / "net.tflite"
    file.write_bytes(_model())
    record = convert(file, out=tmp_path / "out", board="qemu-mps3-an547")
    arena = record.tflm_arena
    assert arena is not None and arena.exact and arena.core == "cortex-m55"
    assert record.arena_bytes["tflm"] == arena.arena_bytes == max(arena.plans.values())
    assert set(arena.plans) == {"reference", "cmsis_nn"}
    assert sum(part.bytes for part in arena.parts) == arena.arena_bytes
    header = (tmp_path / "out" / "net_model.h").read_text()
    found = re.search(r"// (.*)\n#define NET_ARENA_BYTES (\d+)u", header)
    assert found and int(found[2]) == arena.arena_bytes
    assert "CMSIS-NN kernels on cortex-m55" in found[1]
    assert inspect(record.tflite, board="qemu-mps3-an547").tflm_arena == arena
    default = inspect(record.tflite).tflm_arena
    assert default is not None and default.core == "cortex-m4"  # the default board's


def test_a_board_with_too_little_ram() -> None:
    graph, board = read_graph(_model(side=64), decode=False), load_board("qemu-mps2-an386")
    small = replace(board, memory=replace(board.memory, ram_bytes=30_000))
    arena = tflm_arena(graph, small, None)
    assert arena is not None
    over = arena.arena_bytes - 30_000
    with pytest.raises(LimitBroken) as caught:
        check_arena(arena, small)
    assert f"{over:,} more than the RAM of qemu-mps2-an386" in str(caught.value)
    assert "24,576 bytes, " in str(caught.value) and "16,384 bytes" in str(caught.value)
    check_arena(arena, board)


def test_an_estimate_is_never_called_exact() -> None:
    graph = _unknown(read_graph(_model(), decode=False))

    class Interpreter:
        version = "1.2"

        def arena_bytes(self) -> int:
            return 12_345

    arena = tflm_arena(graph, None, Interpreter())  # type: ignore[arg-type]
    assert arena is not None and not arena.exact and arena.arena_bytes == 12_345
    assert "estimate" in arena.how and "MINE" in arena.how and not arena.plans
    assert tflm_arena(graph, None, None) is None


def test_firmware_needs_an_arena_for_an_unknown_op(tmp_path: Path) -> None:
    from edgekit.verbs._arena import plans_for

    with pytest.raises(EdgekitError) as caught:
        plans_for(_unknown(read_graph(_model(), decode=False)), "cortex-m4")
    assert "--arena-bytes" in caught.value.hint
