# SPDX-License-Identifier: Apache-2.0
"""Encodings for DECODE: what edgekit writes it reads back, and TFLM's kernel gives the same."""

from __future__ import annotations

import numpy as np
import pytest

from edgekit.errors import EdgekitError
from edgekit.quantize.compress.choose import OVERHEAD_BYTES, choose_encodings
from edgekit.quantize.compress.encoding import Encoding
from edgekit.quantize.compress.mask import mask_encoding
from edgekit.quantize.compress.surgery import insert_decodes
from edgekit.quantize.compress.table import table_encoding
from edgekit.quantize.flatbuffer import unpack
from edgekit.quantize.hygiene import tidy_model
from edgekit.tflite.golden import TflmGolden, tflm_version
from edgekit.tflite.graph import Graph, Quant, Tensor
from edgekit.tflite.reader import read_graph
from tests.support.tflite_builder import ModelBuilder

needs_tflm = pytest.mark.skipif(not tflm_version(), reason="no TFLM interpreter (tflite-micro)")
ENCODERS = {"prune": mask_encoding, "lut": table_encoding}


def adder(values: np.ndarray, scales: list[float], axis: int = 0, zero_point: int = 0) -> bytes:
    """A model that adds a constant to its input, and so shows it."""
    b = ModelBuilder()
    x = b.input(values.shape, values.dtype.name, scale=0.5)
    w = b.constant(values, scales=scales, axis=axis, zero_point=zero_point, name="w")
    kind, scale = ("ADD", 0.5) if values.dtype == np.int8 else ("SUB", 0.5)
    return b.finish([b.op(kind, [x, w], values.shape, values.dtype.name, scale=scale)])


def encoded(data: bytes, encoding: Encoding) -> bytes:
    """`data` with tensor 1 stored as `encoding`."""
    model = unpack(data)
    insert_decodes(model, {1: encoding})
    return tidy_model(model, strip=False).data


def constant_of(graph: Graph) -> Tensor:
    return next(tensor for tensor in graph.tensors if tensor.name == "w")


def sparse(
    shape: tuple[int, ...], zeros: float, values: int = 200, dtype: str = "int8"
) -> np.ndarray:
    rng = np.random.default_rng(sum(shape) + values)
    limits = np.iinfo(dtype)
    chosen = rng.choice(np.arange(limits.min, limits.max + 1), values, replace=False)
    full = rng.choice(chosen, shape)
    return np.where(rng.random(shape) < zeros, 0, full).astype(dtype)


@needs_tflm
@pytest.mark.parametrize("mode", ["prune", "lut"])
@pytest.mark.parametrize("shape", [(4, 37), (1, 3, 5, 19), (129,), (2, 8, 8, 4)])
@pytest.mark.parametrize(
    ("scales", "axis", "zero_point"),
    [(1, 0, 0), (1, 0, -7), (0, 0, 0), (0, 0, 5), (0, -1, 0), (0, -1, -128), (1, -1, 3)],
)
def test_the_kernel_gives_back_what_was_stored(
    mode: str, shape: tuple[int, ...], scales: int, axis: int, zero_point: int
) -> None:
    """`scales` 0 stands for one per channel, on the first or the last axis."""
    axis %= len(shape)
    values = sparse(shape, 0.7, values=60)
    values[values == 0] = zero_point
    data = adder(values, [0.5] * (scales or shape[axis]), axis, zero_point)
    encoding = ENCODERS[mode](constant_of(read_graph(data)))
    assert encoding is not None and encoding.mode == mode
    packed = encoded(data, encoding)
    tensor = constant_of(read_graph(packed))
    assert tensor.encoded is not None and tensor.encoded.mode == mode
    assert tensor.encoded.stored_bytes == encoding.bytes
    assert np.array_equal(tensor.data, values)
    x = np.random.default_rng(1).integers(-128, 128, shape).astype(np.int8)
    [plain], [ours] = (TflmGolden(file).run([x]) for file in (data, packed))
    assert np.array_equal(plain, ours) and len(np.unique(plain)) > 10


@needs_tflm
@pytest.mark.parametrize("values", [1, 2, 3, 4, 5, 8, 9, 16, 17, 32, 33, 64, 65, 127])
def test_every_index_width(values: int) -> None:
    array = sparse((16, 67), 0.0, values=values)
    data = adder(array, [0.5])
    encoding = table_encoding(constant_of(read_graph(data)))
    assert encoding is not None and encoding.bits == max(1, (values - 1).bit_length())
    packed = encoded(data, encoding)
    assert np.array_equal(constant_of(read_graph(packed)).data, array)
    x = np.zeros(array.shape, np.int8)
    assert np.array_equal(TflmGolden(data).run([x])[0], TflmGolden(packed).run([x])[0])


@needs_tflm
@pytest.mark.parametrize("mode", ["prune", "lut"])
def test_int16(mode: str) -> None:
    array = sparse((8, 40), 0.8, values=20, dtype="int16")
    data = adder(array, [0.5])
    encoding = ENCODERS[mode](constant_of(read_graph(data)))
    assert encoding is not None
    packed = encoded(data, encoding)
    assert np.array_equal(constant_of(read_graph(packed)).data, array)
    x = np.arange(320, dtype=np.int16).reshape(8, 40)
    assert np.array_equal(TflmGolden(data).run([x])[0], TflmGolden(packed).run([x])[0])


def _tensor(values: np.ndarray, zero_point: int = 0, scales: int = 1) -> Tensor:
    quant = Quant((0.5,) * scales, (zero_point,) * scales)
    return Tensor(0, "w", values.shape, values.dtype.name, quant, values)


def test_what_has_no_form_is_none() -> None:
    many = np.arange(-128, 128, dtype=np.int8).reshape(2, 128)
    assert table_encoding(_tensor(many)) is None  # 256 values, 7 bits count 128
    per_channel = table_encoding(_tensor(many, scales=2))
    assert per_channel is not None and per_channel.bits == 7
    assert mask_encoding(_tensor(many.astype(np.int16), zero_point=3)) is None


def test_channels_share_a_table_where_that_is_smaller() -> None:
    values = np.tile(np.array([-9, 0, 4, 77], np.int8), (64, 8))
    shared = table_encoding(_tensor(values, scales=64))
    assert shared is not None and len(shared.ancillary) == 16 + 4
    own = np.add.outer(np.arange(64, dtype=np.int8), values[0])
    each = table_encoding(_tensor(own, scales=64))
    assert each is not None and (each.bits, len(each.ancillary)) == (2, 16 + 64 * 4)


def test_sizes_are_those_of_the_format() -> None:
    values = sparse((64, 64), 0.75)
    form = mask_encoding(_tensor(values))
    assert form is not None
    assert form.bytes == 64 * 64 // 8 + 16 + np.count_nonzero(values)


@pytest.mark.parametrize("damage", ["short mask", "short values", "short indices"])
def test_encoded_tensors_that_promise_too_much_are_damage(damage: str) -> None:
    values = sparse((8, 64), 0.5, values=9)
    data = adder(values, [0.5])
    mode = "lut" if damage == "short indices" else "prune"
    form = ENCODERS[mode](constant_of(read_graph(data)))
    assert form is not None
    stored = form.stored[:-9] if damage != "short values" else form.stored
    ancillary = form.ancillary[:-9] if damage == "short values" else form.ancillary
    packed = encoded(data, Encoding(mode, form.bits, stored, ancillary))
    with pytest.raises(EdgekitError, match="damaged"):
        read_graph(packed)


def test_a_type_of_decode_that_is_not_known_stays_an_op() -> None:
    values = sparse((8, 64), 0.5)
    data = adder(values, [0.5])
    form = mask_encoding(constant_of(read_graph(data)))
    assert form is not None
    huffman = Encoding("huffman", 1, form.stored, b"\x01" + form.ancillary[1:])
    graph = read_graph(encoded(data, huffman))
    assert [op.kind for op in graph.ops] == ["CUSTOM:TFLM_DECODE", "ADD"] and not graph.decodes


def test_the_overhead_is_not_reckoned_too_small() -> None:
    """The bytes that an op for one tensor takes, names and all, are within what is reckoned."""
    values = sparse((64, 64), 0.9)
    data = tidy_model(unpack(adder(values, [0.5])), strip=False).data
    choice = choose_encodings(read_graph(data, decode=False), "prune")
    [row] = choice.rows
    grown = len(encoded(data, choice.encodings[1])) - len(data) + row.bytes_before - row.bytes_after
    assert 0 < grown <= OVERHEAD_BYTES + 40  # the first one brings the operator's code
