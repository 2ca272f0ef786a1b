# SPDX-License-Identifier: Apache-2.0
"""Whole models on an emulated core, beside TFLM: outputs as hashes, instructions of every op."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edgekit.boards import Board
from edgekit.emit.aot import aot_sources
from edgekit.lower.program import Program
from edgekit.tflite.golden import TflmGolden
from tests.support.on_core import build_for_core, instructions, run_on_core

NAME = "m"
SEEDS = (1, 2, 3)
_MAIN = """
#include "m_aot.h"

void core_text(const char *text);
void core_number(uint32_t value);
uint32_t core_ticks(void);

static uint32_t state;

static void fill(uint8_t *data, uint32_t bytes) {
  for (uint32_t i = 0; i < bytes; ++i) {
    state = state * 1664525u + 1013904223u;
    data[i] = (uint8_t)(state >> 24);
  }
}

static void tell(const char *what, uint32_t value) {
  core_text(what);
  core_number(value);
  core_text("\\n");
}

static void hash(const uint8_t *data, uint32_t bytes) {
  uint32_t value = 2166136261u;
  for (uint32_t i = 0; i < bytes; ++i) value = (value ^ data[i]) * 16777619u;
  tell("hash ", value);
}

int main(void) {
  for (uint32_t seed = 1; seed <= SEED_COUNT; ++seed) {
    state = seed;
    FILL
    const uint32_t start = core_ticks();
    m_invoke();
    tell("run ", core_ticks() - start);
    HASH
  }
  state = 1;
  FILL
  for (unsigned op = 0; op < M_OP_COUNT; ++op) {
    const uint32_t start = core_ticks();
    m_invoke_op(op);
    tell("op ", core_ticks() - start);
  }
  return 0;
}
"""


@dataclass(frozen=True, slots=True)
class CoreRun:
    """Hash of each output for each seed, instructions of one inference and of each op."""

    hashes: list[int]
    instructions: int
    ops: list[int]
    text: str


def lcg(state: int, count: int) -> tuple[np.ndarray, int]:
    """`count` bytes of the generator that the program on the core fills its inputs from."""
    values = np.empty(count, np.uint8)
    for i in range(count):
        state = (state * 1664525 + 1013904223) & 0xFFFFFFFF
        values[i] = state >> 24
    return values, state


def golden_hashes(data: bytes) -> list[int]:
    """What TFLM's outputs hash to, for the same inputs."""
    golden = TflmGolden(data)
    hashes = []
    for seed in SEEDS:
        inputs, state = [], seed
        for index in golden.graph.inputs:
            tensor = golden.graph.tensor(index)
            values, state = lcg(state, tensor.bytes)
            inputs.append(values.view(tensor.dtype).reshape(tensor.shape))
        hashes += [_fnv(output) for output in golden.run(inputs)]
    return hashes


def _fnv(output: np.ndarray) -> int:
    value = 2166136261
    for byte in output.tobytes():
        value = (value ^ byte) * 16777619 & 0xFFFFFFFF
    return value


def run_model(
    program: Program, folder: Path, board: Board, flags: Sequence[str] = ("-O2",)
) -> CoreRun:
    """Builds `program` for the board, runs it for each seed and once op by op."""
    sources = aot_sources(program, NAME, "test")
    sources = {name: text for name, text in sources.items() if not name.startswith("ek_model")}
    graph = program.graph
    fill = "\n    ".join(
        f"fill((uint8_t *)m_input_{i}(), M_INPUT_{i}_BYTES);" for i in range(len(graph.inputs))
    )
    tell = "\n    ".join(
        f"hash((const uint8_t *)m_output_{i}(), M_OUTPUT_{i}_BYTES);"
        for i in range(len(graph.outputs))
    )
    sources["main.c"] = (
        _MAIN.replace("FILL", fill).replace("HASH", tell).replace("SEED_COUNT", f"{len(SEEDS)}u")
    )
    text = run_on_core(build_for_core(folder, sources, board, flags), board)
    ticks = {key: [int(x) for x in re.findall(rf"^{key} (\d+)$", text, re.M)] for key in KEYS}
    return CoreRun(
        hashes=ticks["hash"],
        instructions=round(instructions(ticks["run"][-1], board)) if ticks["run"] else 0,
        ops=[round(instructions(value, board)) for value in ticks["op"]],
        text=text,
    )


KEYS = ("hash", "run", "op")
