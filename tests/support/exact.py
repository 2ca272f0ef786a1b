# SPDX-License-Identifier: Apache-2.0
"""The ahead-of-time model against TFLM's interpreter, byte for byte."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pytest

from edgekit.build.host import HostModel
from edgekit.emit.aot import aot_sources
from edgekit.errors import EdgekitError
from edgekit.lower.build import lower_graph
from edgekit.lower.program import Program, Target
from edgekit.tflite.golden import TflmGolden, tflm_version
from edgekit.tflite.graph import Graph, Tensor
from edgekit.tflite.reader import read_graph

NAME = "m"


def needs_tflm() -> None:
    """Skips the test where TFLM's interpreter is not installed."""
    if not tflm_version():
        pytest.skip("no TFLM interpreter: pip install tflite-micro (Linux x86-64 only)")


def host_model(
    data: bytes | Graph, *, optimize: str = "-O1", target: Target | None = None
) -> HostModel:
    """`data` lowered for `target`, emitted and compiled for this machine, warnings being errors.

    Kernels for one core then run as their portable twins.
    """
    graph = data if isinstance(data, Graph) else read_graph(data)
    program = lower_graph(graph, target)
    sources = aot_sources(program, NAME, "test")
    return HostModel(program, sources, NAME, optimize=optimize, poison=True)


def random_inputs(graph: Graph, count: int, seed: int = 0) -> Iterator[list[np.ndarray]]:
    """`count` sets of inputs: both extremes, a checkerboard of them, then the full range."""
    rng = np.random.default_rng(seed)
    for position in range(count):
        yield [_values(graph.tensor(index), position, rng) for index in graph.inputs]


def _values(tensor: Tensor, position: int, rng: np.random.Generator) -> np.ndarray:
    if tensor.dtype == "float32":
        return _floats(tensor, position, rng)
    if tensor.dtype == "bool":
        return rng.integers(0, 2, tensor.shape).astype(bool)
    kind = np.iinfo(tensor.dtype)
    patterns = {0: [kind.max], 1: [kind.min], 2: [kind.min, kind.max]}
    if position in patterns:
        return np.resize(np.array(patterns[position], tensor.dtype), tensor.shape)
    return rng.integers(kind.min, kind.max, tensor.shape, dtype=tensor.dtype, endpoint=True)


def _floats(tensor: Tensor, position: int, rng: np.random.Generator) -> np.ndarray:
    fixed = {0: 1e6, 1: -1e6, 2: 0.0}
    if position in fixed:
        return np.full(tensor.shape, fixed[position], np.float32)
    return rng.normal(0.0, 2.0, tensor.shape).astype(np.float32)


@dataclass(frozen=True, slots=True)
class Difference:
    """First op whose output differs, and where; `text` says it in one line."""

    op: int
    kind: str
    text: str


def first_difference(data: bytes, host: HostModel, inputs: list[np.ndarray]) -> Difference | None:
    """Runs op by op beside a TFLM interpreter that keeps every activation."""
    golden = TflmGolden(data, preserve=True)
    expected_outputs = golden.run(inputs)
    graph = host.program.graph
    host.load(inputs)
    for op in graph.ops:
        host.run_op(op.index)
        for index in op.outputs:
            if not graph.tensor(index).kept:
                continue
            known = dict(zip(graph.outputs, expected_outputs, strict=True))
            expected = known[index] if index in known else golden.tensor(index)
            if found := _differs(host.tensor(index), expected):
                where = f"op {op.index} {op.kind}, tensor {index} '{graph.tensor(index).name}'"
                return Difference(op.index, op.kind, f"{where}: {found}")
    return None


def _differs(got: np.ndarray, expected: np.ndarray) -> str:
    expected = np.asarray(expected).reshape(got.shape)
    if got.tobytes() == expected.tobytes():
        return ""
    wrong = np.argwhere(got != expected)
    if not len(wrong):
        return "other bytes that compare equal"
    at = tuple(int(i) for i in wrong[0])
    return (
        f"{len(wrong)} of {got.size} differ, first at {at}: aot {got[at]} TFLM {expected[at]}, "
        f"largest difference {np.abs(got.astype(float) - expected.astype(float)).max():g}"
    )


def check_bit_exact(
    data: bytes,
    n_inputs: int = 8,
    *,
    seed: int = 0,
    optimize: str = "-O1",
    target: Target | None = None,
) -> Program:
    """Asserts equal bytes on `n_inputs` sets of inputs; a failure names the first op that differs.

    Returns the program, for further assertions. Skips where TFLM's interpreter is missing.
    """
    needs_tflm()
    golden = TflmGolden(data)
    host = host_model(data, optimize=optimize, target=target)
    for inputs in random_inputs(golden.graph, n_inputs, seed):
        expected, got = golden.run(inputs), host.run(inputs)
        for position, (a, b) in enumerate(zip(got, expected, strict=True)):
            if found := _differs(a, b):
                first = first_difference(data, host, inputs)
                text = first.text if first else f"only by a whole run: output {position}: {found}"
                raise AssertionError(f"not bit-exact with TFLM: {text}")
    return host.program


def check_refused(data: bytes, words: str) -> None:
    """Asserts that lowering refuses `data` with an EdgekitError whose message holds `words`."""
    with pytest.raises(EdgekitError) as caught:
        lower_graph(read_graph(data))
    assert words in str(caught.value)
    assert caught.value.hint


def tflm_refuses(data: bytes) -> str:
    """TFLM's reason for refusing the model when it starts or runs, "" where it runs it."""
    needs_tflm()
    try:
        golden = TflmGolden(data)
        golden.run(next(random_inputs(golden.graph, 1)))
    except EdgekitError as error:
        return str(error)
    return ""
