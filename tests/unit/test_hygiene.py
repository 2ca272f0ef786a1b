# SPDX-License-Identifier: Apache-2.0
"""Rewritten flatbuffers: aligned, without copies and unused parts, and the same model."""

from __future__ import annotations

from pathlib import Path

import flatbuffers
import numpy as np
import pytest
import tflite

from edgekit.errors import EdgekitError
from edgekit.quantize.flatbuffer import ALIGNMENT, pack, schema, unpack
from edgekit.quantize.hygiene import OFFLINE_PLAN, tidy_file, tidy_model
from edgekit.quantize.same import difference
from edgekit.tflite.reader import read_graph
from tests.random_graphs.flat import draw_flat
from tests.support.tflite_builder import ModelBuilder


def twin_layers() -> bytes:
    """Two dense layers with equal weights in buffers of their own, and a tensor that is unused."""
    rng = np.random.default_rng(0)
    array = rng.integers(-127, 128, (33, 33)).astype(np.int8)
    b = ModelBuilder()
    x = b.input((1, 33), scale=0.5, name="x")
    first = b.constant(array, scales=[0.01] * 33, name="m/first/kernel")
    b.constant(array[::-1].copy(), scale=0.01, name="m/unused")
    second = b.constant(array, scales=[0.02] * 33, name="m/second/kernel")
    h = b.op("FULLY_CONNECTED", [x, first, -1], (1, 33), scale=0.5, name="m/first/MatMul")
    y = b.op("FULLY_CONNECTED", [h, second, -1], (1, 33), scale=0.5, name="m/second/MatMul")
    return b.finish([y])


def starts(data: bytes) -> list[int]:
    """Where the data of every buffer begin in the file."""
    model = tflite.Model.GetRootAs(data)
    buffers = [model.Buffers(i) for i in range(model.BuffersLength())]
    kept = [buffer for buffer in buffers if buffer.DataLength()]
    return [b._tab.Vector(b._tab.Offset(4)) for b in kept]


@pytest.mark.parametrize("strip", [False, True])
def test_unused_parts_and_copies_go(strip: bool) -> None:
    data = twin_layers()
    tidy = tidy_file(data, strip=strip)
    graph = read_graph(tidy.data)
    assert difference(read_graph(data), graph) == ""
    assert tidy.dropped["tensors"] == 1 and tidy.dropped["buffers"] == 5  # x, h, y, unused, twin
    assert len(starts(tidy.data)) == 1 and len(tidy.data) < len(data) - 2 * 33 * 33
    names = {tensor.name for tensor in graph.tensors}
    assert (names == {""}) is strip and tflite.Model.GetRootAs(tidy.data).Description() is None
    assert [op.layer for op in graph.ops] == (["op 0", "op 1"] if strip else ["first", "second"])


def test_every_buffer_is_aligned() -> None:
    b = ModelBuilder()
    x = b.input((1, 5), scale=0.5)
    for size in (5, 1, 5, 5):
        x = b.op("ADD", [x, b.constant(np.arange(size, dtype=np.int8), scale=0.5)], (1, 5), scale=1)
    tidy = tidy_file(b.finish([x]), strip=True).data
    assert len(starts(tidy)) == 2 and all(start % ALIGNMENT == 0 for start in starts(tidy))


def test_twice_is_once() -> None:
    once = tidy_file(twin_layers(), strip=True).data
    assert tidy_file(once, strip=True).data == once


@pytest.mark.parametrize("seed", range(12))
def test_random_graphs_stay_the_same(seed: int) -> None:
    data = draw_flat(seed)
    tidy = tidy_file(data, strip=bool(seed % 2)).data
    assert difference(read_graph(data), read_graph(tidy)) == "" and len(tidy) < len(data)


def test_vectors_of_offsets_are_never_shared() -> None:
    """Two graphs' worth of equal-looking offset vectors lead to different places."""
    model = unpack(twin_layers())
    for text in (b"a", b"b", b"c"):
        signature = schema().SignatureDefT()
        signature.signatureKey = text
        entry = schema().TensorMapT()
        entry.name, entry.tensorIndex = text, 0
        signature.inputs, signature.outputs = [entry], []
        model.signatureDefs = [*(model.signatureDefs or []), signature]
    again = unpack(pack(model))
    assert [s.signatureKey for s in again.signatureDefs] == [b"a", b"b", b"c"]
    assert [s.inputs[0].name for s in again.signatureDefs] == [b"a", b"b", b"c"]


def with_metadata(*names: bytes) -> bytes:
    model = unpack(twin_layers())
    model.metadata = []
    for name in names:
        buffer = schema().BufferT()
        buffer.data = np.frombuffer(name, np.uint8)
        model.buffers.append(buffer)
        entry = schema().MetadataT()
        entry.name, entry.buffer = name, len(model.buffers) - 1
        model.metadata.append(entry)
    return pack(model)


def test_metadata_go_only_if_asked() -> None:
    data = with_metadata(b"min_runtime_version", b"mine")
    kept = unpack(tidy_file(data, strip=False).data)
    assert [entry.name for entry in kept.metadata] == [b"min_runtime_version", b"mine"]
    assert [bytes(kept.buffers[e.buffer].data) for e in kept.metadata] == [
        b"min_runtime_version",
        b"mine",
    ]
    assert unpack(tidy_file(data, strip=True).data).metadata is None


def test_a_plan_of_the_arena_keeps_its_tensor_numbers() -> None:
    data = with_metadata(b"mine", OFFLINE_PLAN)
    tidy = tidy_file(data, strip=True)
    assert [entry.name for entry in unpack(tidy.data).metadata] == [OFFLINE_PLAN]
    assert tidy.dropped["tensors"] == 0


def test_constants_outside_of_the_flatbuffer_are_refused() -> None:
    model = unpack(twin_layers())
    builder = flatbuffers.Builder(0)
    model.buffers[2].offset, model.buffers[2].size, model.buffers[2].data = 4096, 1089, None
    builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
    with pytest.raises(EdgekitError, match="outside of its flatbuffer"):
        unpack(bytes(builder.Output()))


@pytest.mark.parametrize("what", ["values", "scale", "option", "operand", "fewer"])
def test_a_changed_model_is_noticed(what: str) -> None:
    data = twin_layers()
    model = unpack(data)
    subgraph = model.subgraphs[0]
    if what == "values":
        raw = np.array(model.buffers[subgraph.tensors[1].buffer].data)
        raw[0] ^= 1
        model.buffers[subgraph.tensors[1].buffer].data = raw
    elif what == "scale":
        subgraph.tensors[1].quantization.scale = np.full(33, 0.011, np.float32)
    elif what == "option":
        subgraph.operators[0].builtinOptions.fusedActivationFunction = 1
    elif what == "operand":
        subgraph.operators[1].inputs = subgraph.operators[0].inputs
    else:
        subgraph.operators = subgraph.operators[:1]
    changed = read_graph(tidy_model(model, strip=False).data)
    assert difference(read_graph(data), changed)


def test_the_schema_is_loaded_without_tensorflow() -> None:
    import subprocess
    import sys

    script = (
        "import sys\nfrom edgekit.quantize.flatbuffer import schema\nschema().ModelT()\n"
        "assert 'tensorflow' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True)


@pytest.mark.parametrize("name", ["kws_ref_model.tflite", "vww_96_int8.tflite"])
def test_real_files(name: str, shared: Path) -> None:
    data = (shared / "models" / "mlperf_tiny" / name).read_bytes()
    tidy = tidy_file(data, strip=True).data
    assert difference(read_graph(data), read_graph(tidy)) == ""
    assert len(tidy) < 0.8 * len(data) and all(s % ALIGNMENT == 0 for s in starts(tidy))
