# SPDX-License-Identifier: Apache-2.0
"""The plan against TFLM itself: figures of emulated Cortex-M, and the interpreter on this host."""

from __future__ import annotations

import copy
import struct
from collections import Counter
from pathlib import Path

import numpy as np

from edgekit.quantize.flatbuffer import pack, schema, unpack
from edgekit.quantize.hygiene import OFFLINE_PLAN
from edgekit.tflite.reader import read_graph
from edgekit.tflm.arena import KERNEL_SETS
from edgekit.tflm.arena.allocate import allocate
from edgekit.tflm.arena.calls import needs
from edgekit.tflm.arena.kernels import REFERENCE, target_of, uses_of
from tests.random_graphs.flat import draw_flat
from tests.support.exact import needs_tflm
from tests.support.tflite_builder import ModelBuilder
from tests.support.tflm_arena import compare_arenas, measured_rows


def test_every_row_of_the_device_figures(shared: Path) -> None:
    rows = list(measured_rows(shared))
    assert len(rows) == 40
    assert {row.plan.kernels for row in rows} == set(KERNEL_SETS)
    wrong = [f"{r.core} {r.kernels} {r.model}: {r.plan.arena_bytes} for {r.bar}" for r in rows
             if not r.holds]  # fmt: skip
    assert not wrong, "\n".join(wrong)
    assert all(row.plan.used_bytes == row.used for row in rows)


def test_the_smallest_arena_was_measured_to_the_step(shared: Path) -> None:
    """The figures were taken in steps of 16 bytes from the bytes used, which are 4 modulo 16."""
    steps = [row for row in measured_rows(shared) if row.least]
    assert len(steps) == 12
    for row in steps:
        file = shared / "models" / "mlperf_tiny" / f"{row.model}.tflite"
        target = target_of(row.plan.kernels, row.plan.core)
        calls = allocate(read_graph(file, decode=False), target).calls
        assert needs(calls, row.used % 16).least_bytes == row.least


def test_random_graphs_on_this_host() -> None:
    needs_tflm()
    compared = compare_arenas([draw_flat(seed) for seed in range(500, 530)])
    wrong = [one for one in compared if not one.right]
    assert not wrong, wrong
    assert len(compared) >= 28
    assert len(Counter(op for one in compared for op in one.ops)) >= 15


def _of_one(kind: str, count: int = 1, dtype: str = "int8", **options: object) -> bytes:
    b = ModelBuilder()
    scale = 0.05 if dtype == "int8" else 0.0
    ends = [b.input((2, 12), dtype, scale=scale) for _ in range(count)]
    return b.finish([b.op(kind, ends, (2, 12), dtype, scale=scale, options=dict(options))])


def test_ops_that_random_graphs_lack() -> None:
    needs_tflm()
    floats = ["ABS", "CEIL", "COS", "EXP", "FLOOR", "LOG", "NEG", "ROUND", "RSQRT", "SIN", "SQRT"]
    models = [_of_one(kind, dtype="float32") for kind in (*floats, "SQUARE", "ELU", "ZEROS_LIKE")]
    models += [_of_one(kind, 2, "float32") for kind in ("DIV", "FLOOR_DIV", "FLOOR_MOD")]
    models += [_of_one(kind) for kind in ("ABS", "ELU", "HARD_SWISH", "L2_NORMALIZATION")]
    models += [_of_one("ADD_N", 3), _of_one("SQUARED_DIFFERENCE", 2), _batch_matmul()]
    compared = compare_arenas(models)
    assert len(compared) == len(models)
    wrong = [one for one in compared if not one.right]
    assert not wrong, wrong


def _batch_matmul() -> bytes:
    b = ModelBuilder()
    x, y = b.input((2, 3, 4), scale=0.1), b.input((2, 4, 5), scale=0.1)
    return b.finish([b.op("BATCH_MATMUL", [x, y], (2, 3, 5), scale=0.2)])


def _placed(data: bytes, seed: int) -> bytes:
    """`data` with metadata that place about half of its activations, one behind the other."""
    rng = np.random.default_rng(seed)
    graph = read_graph(data, decode=False)
    offsets, end = [-1] * len(graph.tensors), 0
    for tensor in graph.tensors:
        if not tensor.is_constant and rng.random() < 0.5:
            offsets[tensor.index] = end
            end += (tensor.bytes + 15) // 16 * 16 + int(rng.choice([0, 16, 64]))
    model = unpack(data)
    buffer, entry = schema().BufferT(), schema().MetadataT()
    words = struct.pack(f"<{3 + len(offsets)}i", 1, 0, len(offsets), *offsets)
    buffer.data = np.frombuffer(words, np.uint8)
    entry.name, entry.buffer = OFFLINE_PLAN, len(model.buffers)
    model.buffers.append(buffer)
    model.metadata = [*(model.metadata or []), entry]
    return pack(model)


def test_tensors_that_the_file_places() -> None:
    needs_tflm()
    models = [_placed(draw_flat(seed), seed) for seed in range(20)]
    assert any(max(read_graph(data, decode=False).offline) >= 0 for data in models)
    wrong = [one for one in compare_arenas(models) if not one.right]
    assert not wrong, wrong


def test_a_wrong_struct_size_is_seen() -> None:
    """The comparison itself: four bytes more in one kernel's data make it fail."""
    needs_tflm()
    b = ModelBuilder()
    x = b.input((1, 12), scale=0.1)
    w = b.constant(np.ones((5, 12), np.int8), scales=[0.1])
    data = b.finish([b.op("FULLY_CONNECTED", [x, w, -1], (1, 5), scale=0.1)])
    uses = uses_of(REFERENCE)
    before = copy.copy(uses["FULLY_CONNECTED"])
    assert compare_arenas([data])[0].right
    uses["FULLY_CONNECTED"] = type(before)(before.options, before.data + "4i", before.prepare)
    try:
        assert not compare_arenas([data])[0].right
    finally:
        uses["FULLY_CONNECTED"] = before
