# SPDX-License-Identifier: Apache-2.0
"""Reading .tflite files: what is in them, and that damaged ones give an EdgekitError only."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tflite

from edgekit.errors import EdgekitError
from edgekit.lower.build import lower_graph
from edgekit.tflite.reader import read_graph
from tests.random_graphs.flat import draw_flat
from tests.support.tflite_builder import RELU6, SAME, ModelBuilder


def _model() -> bytes:
    rng = np.random.default_rng(0)
    b = ModelBuilder()
    x = b.input((1, 6, 5, 3), scale=0.5, zero_point=-3, name="picture")
    weights = rng.integers(-127, 128, (4, 3, 3, 3)).astype(np.int8)
    w = b.constant(weights, scales=[0.1, 0.2, 0.3, 0.4], axis=0)
    options = {"padding": SAME, "stride_h": 2, "fused_activation_function": RELU6}
    y = b.op("CONV_2D", [x, w, -1], (1, 3, 5, 4), scale=0.25, zero_point=7, options=options)
    flat = b.op("SQUEEZE", [y], (3, 5, 4), scale=0.25, options={"squeeze_dims": [0]})
    return b.finish([flat, y])


def test_what_is_in_a_file() -> None:
    data = _model()
    graph = read_graph(data, name="net")
    assert (graph.name, graph.file_bytes, len(graph.sha256)) == ("net", len(data), 64)
    assert (graph.inputs, graph.outputs) == ((0,), (3, 2))
    source, weights = graph.tensor(0), graph.tensor(1)
    assert (source.name, source.shape, source.dtype) == ("picture", (1, 6, 5, 3), "int8")
    assert (source.q.scale, source.q.zero_point, source.is_constant) == (0.5, -3, False)
    assert weights.q.scales == tuple(float(np.float32(s)) for s in (0.1, 0.2, 0.3, 0.4))
    assert weights.data is not None and weights.data.shape == (4, 3, 3, 3)
    conv, squeeze = graph.ops
    assert (conv.kind, conv.inputs, conv.outputs) == ("CONV_2D", (0, 1, -1), (2,))
    assert graph.operand(conv, 2) is None and graph.operand(conv, 5) is None
    assert conv.options["stride_h"] == 2 and conv.options["dilation_w_factor"] == 1
    assert squeeze.options["squeeze_dims"] == [0]


def test_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "net.tflite"
    path.write_bytes(_model())
    assert read_graph(path).name == "net"
    assert read_graph(str(path)).sha256 == read_graph(_model()).sha256


@pytest.mark.parametrize("content", [b"", b"TFL3", b"\x89PNG" * 20, b"\0" * 64])
def test_another_kind_of_file(content: bytes) -> None:
    with pytest.raises(EdgekitError, match=r"is not a \.tflite file"):
        read_graph(content)


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(EdgekitError, match="No such file") as caught:
        read_graph(tmp_path / "none.tflite")
    assert caught.value.hint


def test_custom_op_is_named() -> None:
    b = ModelBuilder()
    y = b.op("CUSTOM", [b.input((2,), scale=1.0)], (2,), scale=1.0)
    graph = read_graph(b.finish([y]))
    assert graph.ops[0].kind == "CUSTOM:toy"
    with pytest.raises(EdgekitError, match="CUSTOM:toy"):
        lower_graph(graph)


def test_every_builtin_operator_has_a_name() -> None:
    b = ModelBuilder()
    y = b.op("RELU_0_TO_1", [b.input((2,), scale=1.0)], (2,), scale=1.0)
    assert tflite.BuiltinOperator.RELU_0_TO_1 > 127
    assert read_graph(b.finish([y])).ops[0].kind == "RELU_0_TO_1"


def test_truncated_at_every_length() -> None:
    data = _model()
    for length in range(len(data) - 1):
        _only_edgekit_errors(data[:length])


@pytest.mark.parametrize("seed", range(6))
def test_flipped_bits(seed: int) -> None:
    data = _model() if seed == 0 else draw_flat(seed)
    rng = np.random.default_rng(seed)
    for _ in range(400):
        damaged = bytearray(data)
        for _ in range(int(rng.integers(1, 4))):
            damaged[int(rng.integers(8, len(data)))] ^= 1 << int(rng.integers(8))
        _only_edgekit_errors(bytes(damaged))


def _only_edgekit_errors(data: bytes) -> None:
    """Reads and lowers; both may succeed, or refuse in words."""
    try:
        lower_graph(read_graph(data))
    except EdgekitError as error:
        assert str(error) and error.hint
