# SPDX-License-Identifier: Apache-2.0
"""Every kernel whose weights may come from DECODE, tried in TFLM: plain and decoded are equal.

And those whose weights may not: they stay plain, with the reason.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from edgekit.progress import SILENT
from edgekit.quantize.compress.choose import choose_encodings
from edgekit.quantize.compress.inputs import DECODABLE, EARLY, why_not
from edgekit.tflite.golden import tflm_version
from edgekit.tflite.reader import read_graph
from edgekit.verbs._packing import Packed, pack_model
from tests.support.tflite_builder import SAME, ModelBuilder

needs_tflm = pytest.mark.skipif(not tflm_version(), reason="no TFLM interpreter (tflite-micro)")
RNG = np.random.default_rng(3)
Build = Callable[[ModelBuilder, bool], int]


def weights(shape: tuple[int, ...], dtype: str = "int8") -> np.ndarray:
    """Nine of ten values zero, the others among eight: both modes make it smaller."""
    values = RNG.choice(np.array([-100, -40, -3, 5, 20, 31, 90, 127]), shape)
    return np.where(RNG.random(shape) < 0.9, 0, values).astype(dtype)


def constant(b: ModelBuilder, array: np.ndarray, *, each: bool, axis: int = 0) -> int:
    scales = np.linspace(0.01, 0.02, array.shape[axis]) if each else [0.01]
    return b.constant(array, scales=scales, axis=axis if each else 0, name="weights")


def bias(b: ModelBuilder, count: int, *, each: bool) -> int:
    scales = 0.5 * np.linspace(0.01, 0.02, count) if each else [0.005]
    return b.constant(np.arange(count, dtype=np.int32), scales=scales)


def conv(b: ModelBuilder, each: bool) -> int:
    x = b.input((1, 6, 6, 8), scale=0.5, zero_point=3)
    w = constant(b, weights((16, 3, 3, 8)), each=each)
    return b.op("CONV_2D", [x, w, bias(b, 16, each=each)], (1, 6, 6, 16), scale=0.2)


def depthwise(b: ModelBuilder, each: bool) -> int:
    x = b.input((1, 6, 6, 64), scale=0.5, zero_point=3)
    w = constant(b, weights((1, 3, 3, 64)), each=each, axis=3)
    return b.op("DEPTHWISE_CONV_2D", [x, w, bias(b, 64, each=each)], (1, 6, 6, 64), scale=0.2)


def dense(b: ModelBuilder, each: bool) -> int:
    x = b.input((1, 64), scale=0.5, zero_point=3)
    w = constant(b, weights((20, 64)), each=each)
    return b.op("FULLY_CONNECTED", [x, w, bias(b, 20, each=each)], (1, 20), scale=0.2)


def transpose_conv(b: ModelBuilder, each: bool) -> int:
    x = b.input((1, 4, 4, 8), scale=0.5, zero_point=3)
    w = constant(b, weights((16, 3, 3, 8)), each=each)
    shape = b.constant([1, 8, 8, 16])
    options = {"stride_h": 2, "stride_w": 2, "padding": SAME}
    return b.op("TRANSPOSE_CONV", [shape, w, x], (1, 8, 8, 16), scale=0.2, options=options)


def matmul(b: ModelBuilder, each: bool) -> int:
    x = b.input((1, 5, 32), scale=0.5, zero_point=3)
    w = b.constant(weights((1, 32, 40)), scale=0.01, name="weights")
    return b.op("BATCH_MATMUL", [x, w], (1, 5, 40), scale=0.2)


def elementwise(kind: str) -> Build:
    def build(b: ModelBuilder, each: bool) -> int:
        same = kind in ("MAXIMUM", "MINIMUM")
        x = b.input((1, 8, 8, 16), scale=0.01 if same else 0.5, zero_point=0 if same else 3)
        w = b.constant(weights((1, 8, 8, 16)), scale=0.01, name="weights")
        return b.op(kind, [x, w], (1, 8, 8, 16), scale=0.01 if same else 0.3)

    return build


def prelu(b: ModelBuilder, each: bool) -> int:
    x = b.input((1, 4, 8, 32), scale=0.5, zero_point=3)
    w = b.constant(weights((4, 8, 32)), scale=0.01, name="weights")
    return b.op("PRELU", [x, w], (1, 4, 8, 32), scale=0.3)


def gather(b: ModelBuilder, each: bool) -> int:
    x = b.input((4,), "int32")
    w = b.constant(weights((40, 32)), scale=0.01, name="weights")
    picked = b.op("GATHER", [w, b.constant([3, 0, 39, 7])], (4, 32), scale=0.01)
    b.op("ADD", [x, x], (4,), "int32")
    return picked


BUILDERS: dict[str, Build] = {
    "CONV_2D": conv,
    "DEPTHWISE_CONV_2D": depthwise,
    "FULLY_CONNECTED": dense,
    "TRANSPOSE_CONV": transpose_conv,
    "BATCH_MATMUL": matmul,
    "PRELU": prelu,
    "GATHER": gather,
} | {
    kind: elementwise(kind)
    for kind in ("ADD", "SUB", "MUL", "MAXIMUM", "MINIMUM", "SQUARED_DIFFERENCE")
}
PER_CHANNEL = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "TRANSPOSE_CONV")


def packed(build: Build, mode: str, *, each: bool = False) -> Packed:
    b = ModelBuilder()
    data = b.finish([build(b, each)])
    graph = read_graph(data)
    return pack_model(data, graph, compress=mode, strip=False, seed=1, progress=SILENT)


def test_every_kernel_listed_is_tried() -> None:
    assert set(BUILDERS) == set(DECODABLE)


CASES = [(kind, False) for kind in BUILDERS] + [(kind, True) for kind in PER_CHANNEL]


@needs_tflm
@pytest.mark.parametrize("mode", ["prune", "lut"])
@pytest.mark.parametrize(("kind", "each"), CASES)
def test_outputs_are_equal(kind: str, each: bool, mode: str) -> None:
    """`pack_model` raises where a byte differs; here it is seen that weights were encoded.

    `each` gives every channel a scale of its own.
    """
    done = packed(BUILDERS[kind], mode, each=each)
    [row] = [row for row in done.record.compression.tensors if row.name == "weights"]
    assert (row.mode, row.reason, row.consumers) == (mode, "", 1)
    assert row.bytes_after < row.bytes_before and done.record.checked["samples"] >= 4
    [decode] = done.graph.decodes
    assert decode.kind == "CUSTOM:TFLM_DECODE" and done.record.bytes < done.record.tidy_bytes


def svdf(b: ModelBuilder, each: bool) -> int:
    x = b.input((1, 40), scale=0.5)
    feature = b.constant(weights((32, 40)), scale=0.01, name="weights")
    time = b.constant(weights((32, 8), "int16"), scale=0.001, name="time")
    offsets = b.constant(np.zeros(16, np.int32), scale=0.00002)
    state = b.tensor((1, 256), "int16", scale=0.02)
    options = {"rank": 2, "fused_activation_function": 1}
    return b.op("SVDF", [x, feature, time, offsets, state], (1, 16), scale=0.1, options=options)


def test_weights_that_a_kernel_reads_early_stay_plain() -> None:
    b = ModelBuilder()
    data = b.finish([svdf(b, False)])
    choice = choose_encodings(read_graph(data, decode=False), "auto")
    assert not choice.encodings
    assert {row.name: row.reason for row in choice.rows}["weights"] == EARLY["SVDF"]
    assert "Prepare" in why_not("UNIDIRECTIONAL_SEQUENCE_LSTM", 1)
    assert "not known" in why_not("SOFTMAX", 1) and why_not("CONV_2D", 1) == ""


@needs_tflm
def test_weights_of_several_layers_are_stored_once_and_decoded_for_each() -> None:
    def twice(b: ModelBuilder, each: bool) -> int:
        x = b.input((1, 64), scale=0.5, zero_point=3)
        w = b.constant(weights((64, 64)), scale=0.01, name="weights")
        h = b.op("FULLY_CONNECTED", [x, w, -1], (1, 64), scale=0.5)
        return b.op("FULLY_CONNECTED", [h, w, -1], (1, 64), scale=0.2)

    done = packed(twice, "prune")
    [row] = done.record.compression.tensors
    assert (row.consumers, row.decoded_elements, row.decoded_bytes) == (2, 2 * 4096, 4096)
    assert len(done.graph.decodes) == 2
    assert done.graph.decodes[0].inputs == done.graph.decodes[1].inputs


@needs_tflm
def test_weights_that_two_tensors_share_are_encoded_for_both_or_none() -> None:
    array = weights((64, 64))

    def shared(kind: str) -> Build:
        def build(b: ModelBuilder, each: bool) -> int:
            x = b.input((64, 64), scale=0.5)
            w = b.constant(array, scale=0.01, name="weights")
            other = b.constant(array, scale=0.02, name="other")
            h = b.op("FULLY_CONNECTED", [x, w, -1], (64, 64), scale=0.5)
            return b.op(kind, [h, other], (64, 64), scale=0.2)

        return build

    both = packed(shared("MUL"), "prune").record.compression.tensors
    assert [row.mode for row in both] == ["prune", "prune"]
    none = packed(shared("DIV"), "prune").record
    reasons = {row.name: row.reason for row in none.compression.tensors}
    assert "shared with 'other'" in reasons["weights"] and "DIV" in reasons["other"]
    assert none.bytes == none.tidy_bytes


def test_weights_of_other_types_are_refused_in_words() -> None:
    b = ModelBuilder()
    x = b.input((1, 6, 6, 8), scale=0.5)
    narrow = b.tensor((16, 3, 3, 8), "int4", scale=0.1, data=np.zeros(576, np.uint8), name="w4")
    y = b.op("CONV_2D", [x, narrow, -1], (1, 6, 6, 16), scale=0.2)
    old = b.constant(np.zeros((16, 3, 3, 16), np.uint8), scale=0.1, name="w8")
    data = b.finish([b.op("CONV_2D", [y, old, -1], (1, 6, 6, 16), scale=0.2)])
    rows = choose_encodings(read_graph(data, decode=False), "auto").rows
    assert [(row.reason, row.bits) for row in rows] == [
        ("DECODE gives no int4", 4),
        ("DECODE gives no uint8", 8),
    ]


@needs_tflm
def test_int16_activations_keep_their_int8_weights_encoded() -> None:
    def wide(b: ModelBuilder, each: bool) -> int:
        x = b.input((1, 6, 6, 8), "int16", scale=0.5)
        w = constant(b, weights((16, 3, 3, 8)), each=True)
        offsets = b.constant(
            np.arange(16, dtype=np.int64), scales=0.5 * np.linspace(0.01, 0.02, 16)
        )
        return b.op("CONV_2D", [x, w, offsets], (1, 6, 6, 16), "int16", scale=0.2)

    [row] = packed(wide, "prune").record.compression.tensors
    assert (row.mode, row.dtype) == ("prune", "int8")


@needs_tflm
def test_channels_on_an_axis_between_are_refused_in_words() -> None:
    def middle(b: ModelBuilder, each: bool) -> int:
        x = b.input((4, 16, 32), scale=0.5)
        w = b.constant(weights((4, 16, 32)), scales=[0.01] * 16, axis=1, name="weights")
        return b.op("ADD", [x, w], (4, 16, 32), scale=0.5)

    [row] = packed(middle, "auto").record.compression.tensors
    assert row.mode == "plain" and "axis 1" in row.reason
