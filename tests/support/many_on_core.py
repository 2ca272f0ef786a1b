# SPDX-License-Identifier: Apache-2.0
"""Many small models in one program on an emulated core: hashes of all their outputs."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from edgekit.boards import Board
from edgekit.emit.aot import aot_sources
from edgekit.lower.program import Program
from tests.support.core_models import SEEDS
from tests.support.on_core import build_for_core, run_on_core

_RUN = """
#include "NAME_aot.h"

void many_fill(uint8_t *data, uint32_t bytes);
void many_hash(const uint8_t *data, uint32_t bytes);
void run_NAME(void);

void run_NAME(void) {
  FILL
  NAME_invoke();
  HASH
}
"""
_MAIN = """
#include <stdint.h>

void core_text(const char *text);
void core_number(uint32_t value);
void many_fill(uint8_t *data, uint32_t bytes);
void many_hash(const uint8_t *data, uint32_t bytes);

static uint32_t state;

void many_fill(uint8_t *data, uint32_t bytes) {
  for (uint32_t i = 0; i < bytes; ++i) {
    state = state * 1664525u + 1013904223u;
    data[i] = (uint8_t)(state >> 24);
  }
}

void many_hash(const uint8_t *data, uint32_t bytes) {
  uint32_t value = 2166136261u;
  for (uint32_t i = 0; i < bytes; ++i) value = (value ^ data[i]) * 16777619u;
  core_text(" ");
  core_number(value);
}

DECLARE
int main(void) {
  for (uint32_t seed = 1; seed <= SEED_COUNT; ++seed) {
    RUN
  }
  return 0;
}
"""


def run_many(
    programs: Mapping[str, Program], folder: Path, board: Board, flags: Sequence[str] = ("-O1",)
) -> dict[str, list[int]]:
    """C identifier -> hashes of its model's outputs for every seed, as `golden_hashes` has them."""
    sources: dict[str, str] = {}
    for name, program in programs.items():
        own = aot_sources(program, name, "test")
        sources |= {file: text for file, text in own.items() if not file.startswith("ek_model")}
        sources[f"run_{name}.c"] = _runner(name, program)
    declare = "".join(f"void run_{name}(void);\n" for name in programs)
    run = "\n    ".join(
        f'state = seed;\n    core_text("\\n{name}");\n    run_{name}();' for name in programs
    )
    main = _MAIN.replace("DECLARE", declare).replace("RUN", run)
    sources["main.c"] = main.replace("SEED_COUNT", f"{len(SEEDS)}u")
    text = run_on_core(build_for_core(folder, sources, board, flags), board)
    hashes: dict[str, list[int]] = {name: [] for name in programs}
    for name, numbers in re.findall(r"^(\w+)((?: \d+)+)\s*$", text, re.M):
        if name in hashes:
            hashes[name] += [int(number) for number in numbers.split()]
    return hashes


def _runner(name: str, program: Program) -> str:
    upper, graph = name.upper(), program.graph
    fill = "\n  ".join(
        f"many_fill((uint8_t *){name}_input_{i}(), {upper}_INPUT_{i}_BYTES);"
        for i in range(len(graph.inputs))
    )
    tell = "\n  ".join(
        f"many_hash((const uint8_t *){name}_output_{i}(), {upper}_OUTPUT_{i}_BYTES);"
        for i in range(len(graph.outputs))
    )
    return _RUN.replace("FILL", fill).replace("HASH", tell).replace("NAME", name)
