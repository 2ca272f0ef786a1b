# SPDX-License-Identifier: Apache-2.0
"""Models whose first layer can take the input by rows, and a program that pushes rows to one."""

from __future__ import annotations

import shutil
import tempfile
import weakref
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edgekit.emit.aot import aot_sources
from edgekit.lower.program import Program
from edgekit.resources import resource_dir
from edgekit.tools import run_tool
from tests.support.pass_models import QUANT, RELUED, weights
from tests.support.sanitized import FLAGS, NAME, TIMEOUT_S, run_program
from tests.support.tflite_builder import RELU, SAME, VALID, ModelBuilder


@dataclass(frozen=True)
class First:
    """A first layer: `sides` are rows, columns and channels of the input, `taps` and `strides`
    (rows, columns), `pads` the rows and columns of a PAD before it."""

    sides: tuple[int, int, int]
    taps: tuple[int, int] = (3, 3)
    strides: tuple[int, int] = (1, 1)
    padding: int = SAME
    dilation: int = 1
    channels: int = 8
    depthwise: bool = False
    pads: tuple[tuple[int, int], tuple[int, int]] | None = None


FIRSTS = {
    "3x3": First((9, 8, 3)),
    "3x3 stride 2": First((12, 12, 3), strides=(2, 2)),
    "3x3 stride 2, odd": First((11, 9, 1), strides=(2, 2)),
    "10x4 stride 2": First((49, 10, 1), (10, 4), (2, 2)),
    "5x5 valid": First((14, 8, 2), (5, 5), padding=VALID),
    "3x3 valid stride 2": First((12, 12, 3), strides=(2, 2), padding=VALID),
    "one row of taps, stride 3": First((13, 8, 4), (1, 3), (3, 1)),
    "two rows of taps, stride 3, rest": First((13, 8, 4), (2, 2), (3, 2), VALID),
    "dilated": First((16, 16, 2), dilation=2),
    "odd channels": First((9, 7, 3), channels=5),
    "depthwise": First((10, 8, 8), depthwise=True),
    "depthwise stride 2": First((11, 8, 4), strides=(2, 2), channels=4, depthwise=True),
    "depthwise, two for one": First((10, 8, 4), depthwise=True),
    "padded": First((12, 12, 3), strides=(2, 2), padding=VALID, pads=((0, 1), (0, 1))),
    "padded all round": First((9, 8, 3), padding=VALID, pads=((2, 2), (1, 1))),
}


def row_model(first: First, seed: int = 3) -> bytes:
    """`first` and a 3x3 convolution with stride 2 behind it."""
    rng = np.random.default_rng(seed)
    b = ModelBuilder()
    x = b.input((1, *first.sides), name="image", **QUANT)
    if first.pads:
        x = _pad(b, x, first)
    side = _sides(first)
    y = _layer(b, x, first, side, rng)
    half = tuple((size + 1) // 2 for size in side)
    k = b.constant(weights(rng, 6, 3, 3, first.channels), scale=0.004)
    bias = b.constant(np.arange(6, dtype=np.int32) * 50, scale=0.0002)
    options = {"padding": SAME, "stride_h": 2, "stride_w": 2}
    return b.finish([b.op("CONV_2D", [y, k, bias], (1, *half, 6), options=options, **QUANT)])


def _pad(b: ModelBuilder, x: int, first: First) -> int:
    pads = first.pads or ((0, 0), (0, 0))
    shape = [size + sum(pad) for size, pad in zip(first.sides, pads, strict=False)]
    sides = b.constant(np.array([(0, 0), *pads, (0, 0)], np.int32))
    return int(b.op("PAD", [x, sides], (1, *shape, first.sides[2]), **QUANT))


def _sides(first: First) -> tuple[int, int]:
    pads = first.pads or ((0, 0), (0, 0))
    found = []
    for axis in (0, 1):
        size, reach = first.sides[axis] + sum(pads[axis]), (first.taps[axis] - 1) * first.dilation
        inside = size if first.padding == SAME else size - reach
        found.append(-(-inside // first.strides[axis]))
    return found[0], found[1]


def _layer(
    b: ModelBuilder, x: int, first: First, side: tuple[int, int], rng: np.random.Generator
) -> int:
    options = {
        "padding": first.padding,
        "stride_h": first.strides[0],
        "stride_w": first.strides[1],
        "dilation_h_factor": first.dilation,
        "dilation_w_factor": first.dilation,
        "fused_activation_function": RELU,
    }
    in_c, out_c = first.sides[2], first.channels
    shape = (1, *first.taps, out_c) if first.depthwise else (out_c, *first.taps, in_c)
    kind = "DEPTHWISE_CONV_2D" if first.depthwise else "CONV_2D"
    if first.depthwise:
        options["depth_multiplier"] = out_c // in_c
    k = b.constant(weights(rng, *shape), scale=0.004, name="m/first/kernel")
    bias = b.constant(rng.integers(-900, 900, out_c).astype(np.int32), scale=0.0002)
    made = "m/first/Relu;x"
    return int(b.op(kind, [x, k, bias], (1, *side, out_c), options=options, name=made, **RELUED))


class PushedModel:
    """`program` under the sanitizers, dead bytes overwritten."""

    def __init__(self, program: Program) -> None:
        self.program = program
        folder = Path(tempfile.mkdtemp(prefix="edgekit-rows-"))
        weakref.finalize(self, shutil.rmtree, folder)
        for name, text in aot_sources(program, NAME, "test").items():
            (folder / name).write_text(text)
        (folder / "main.c").write_text(_MAIN)
        self._program = folder / "model"
        strict = ("-std=c99", "-Wall", "-Wextra", "-Wconversion", "-Werror", *FLAGS)
        runtime = ("-I", resource_dir("firmware") / "runtime")
        sources = (folder / f"{NAME}_aot.c", folder / "main.c")
        run_tool("cc", *strict, *runtime, "-o", self._program, *sources, timeout_s=TIMEOUT_S)

    def run(self, inputs: Sequence[np.ndarray], at_a_time: int) -> list[np.ndarray]:
        """The output for each input: they go through one process, one after another, in pieces of
        `at_a_time` rows; before the first, some rows are pushed and forgotten."""
        data = run_program(self._program, inputs, str(at_a_time))
        output = self.program.graph.tensor(self.program.graph.outputs[0])
        each = np.frombuffer(data, output.dtype).reshape(len(inputs), *output.shape)
        return list(each)


# A buffer of exactly the rows that are pushed: what is read beyond them is seen.
_MAIN = """\
#include <stdio.h>
#include <stdlib.h>

#include "m_aot.h"

int main(int argc, char **argv) {
  const uint32_t at_a_time = argc == 2 ? (uint32_t)atoi(argv[1]) : 1u;
  uint32_t left = M_INPUT_0_ROWS;
  int8_t *junk = calloc(at_a_time, M_INPUT_0_ROW_BYTES);
  m_push_rows(junk, at_a_time);
  m_begin_rows();
  free(junk);
  for (;;) {
    const uint32_t count = left < at_a_time ? left : at_a_time;
    int8_t *rows = malloc(count * M_INPUT_0_ROW_BYTES);
    const size_t got = fread(rows, M_INPUT_0_ROW_BYTES, count, stdin);
    if (got == 0) {
      free(rows);
      return left == M_INPUT_0_ROWS ? 0 : 1;
    }
    if (got != count || m_push_rows(rows, count) != left - count) return 2;
    left -= count;
    if (left == 0) {
      if (m_push_rows(rows, 1) != 0) return 3; /* one too many is not taken */
      m_invoke();
      if (fwrite(m_output_0(), 1, M_OUTPUT_0_BYTES, stdout) != M_OUTPUT_0_BYTES) return 4;
      left = M_INPUT_0_ROWS;
    }
    free(rows);
  }
}
"""
