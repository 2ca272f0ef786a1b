# SPDX-License-Identifier: Apache-2.0
"""Graph passes: which ops are left, and the same bytes as TFLM with and without them."""

from __future__ import annotations

import numpy as np
import pytest

from edgekit.tflite.reader import read_graph
from tests.support.exact import check_bit_exact
from tests.support.pass_models import QUANT, RELUED, conv, weights
from tests.support.tflite_builder import NONE, RELU, SAME, VALID, ModelBuilder


def left(data: bytes) -> list[str]:
    """Asserts equal bytes; the kinds of the ops that are left."""
    program = check_bit_exact(data)
    file = read_graph(data)
    assert program.graph.inputs == file.inputs and program.graph.outputs == file.outputs
    for index in (*file.inputs, *file.outputs):
        end, before = program.graph.tensor(index), file.tensor(index)
        assert end.kept and (end.shape, end.quant) == (before.shape, before.quant)
    kinds = [op.kind for op in program.graph.ops]
    for op in program.graph.ops:
        named = {file.ops[index].kind for index in op.origins}
        assert op.kind in named | {"TABLE", "RESHAPE"}, (op.kind, named)
    return kinds


def test_unused_ops_go() -> None:
    b = ModelBuilder()
    x = b.input((1, 6), **QUANT)
    y = b.op("ABS", [x], (1, 6), **QUANT)
    b.op("TANH", [y], (1, 6), scale=1 / 128)
    assert left(b.finish([y])) == ["ABS"]


@pytest.mark.parametrize("others_read_it", [False, True])
def test_views_in_a_row_become_one(others_read_it: bool) -> None:
    b = ModelBuilder()
    x = b.input((1, 4, 6), **QUANT)
    y = b.op("RELU", [x], (1, 4, 6), scale=0.1)
    first = b.op("RESHAPE", [y, b.constant([1, 24])], (1, 24), scale=0.1)
    second = b.op("EXPAND_DIMS", [first, b.constant([0])], (1, 1, 24), scale=0.1)
    third = b.op("RESHAPE", [second, b.constant([6, 4])], (6, 4), scale=0.1)
    end = b.op("SOFTMAX", [third], (6, 4), scale=1 / 256, zero_point=-128)
    kinds = left(b.finish([end, first] if others_read_it else [end]))
    assert kinds == ["RELU", *(["RESHAPE"] if others_read_it else []), "RESHAPE", "SOFTMAX"]


def test_view_back_to_the_same_shape_goes_altogether() -> None:
    b = ModelBuilder()
    x = b.input((2, 6), **QUANT)
    first = b.op("RESHAPE", [x, b.constant([12])], (12,), **QUANT)
    second = b.op("RESHAPE", [first, b.constant([2, 6])], (2, 6), **QUANT)
    end = b.op("SOFTMAX", [second], (2, 6), scale=1 / 256, zero_point=-128)
    assert left(b.finish([end])) == ["SOFTMAX"]


IDENTITIES = {
    "QUANTIZE": {},
    "AVERAGE_POOL_2D": {"filter_height": 1, "filter_width": 1},
    "MAX_POOL_2D": {"filter_height": 1, "filter_width": 1},
    "CONCATENATION": {"axis": 3},
    "RELU": {},
}


@pytest.mark.parametrize("end", ["inside", "first", "last"])
@pytest.mark.parametrize("kind", sorted(IDENTITIES))
def test_identities_go_but_never_an_end_of_the_model(kind: str, end: str) -> None:
    quant = {"scale": 0.05, "zero_point": -128}
    b = ModelBuilder()
    x = b.input((1, 2, 2, 3), **quant)
    y = (
        x
        if end == "first"
        else b.op("TRANSPOSE", [x, b.constant([0, 2, 1, 3])], (1, 2, 2, 3), **quant)
    )
    y = b.op(kind, [y], (1, 2, 2, 3), options=IDENTITIES[kind], **quant)
    if end != "last":
        y = b.op("TRANSPOSE", [y, b.constant([0, 2, 1, 3])], (1, 2, 2, 3), **quant)
    kinds = left(b.finish([y]))
    assert kind not in kinds


def test_identity_between_two_ends_stays() -> None:
    b = ModelBuilder()
    x = b.input((1, 6), **QUANT)
    assert left(b.finish([b.op("QUANTIZE", [x], (1, 6), **QUANT)])) == ["QUANTIZE"]


def test_same_bytes_of_another_scale_are_no_identity() -> None:
    """RELU6 of TFLM clamps raw integers whatever the scale of its output."""
    b = ModelBuilder()
    x = b.input((1, 6), scale=0.01, zero_point=-128)
    y = b.op("RELU6", [x], (1, 6), scale=0.02, zero_point=-128)
    end = b.op("SOFTMAX", [y], (1, 6), scale=1 / 256, zero_point=-128)
    assert left(b.finish([end])) == ["RELU6", "SOFTMAX"]


@pytest.mark.parametrize("kind", ["RELU", "RELU6", "MAXIMUM", "MINIMUM"])
@pytest.mark.parametrize("function", [NONE, RELU])
def test_clamps_go_into_the_op_before(kind: str, function: int) -> None:
    b = ModelBuilder()
    x = b.input((1, 4, 4, 3), **QUANT)
    w = weights(np.random.default_rng(1), 5, 1, 1, 3)
    y = conv(b, x, (1, 4, 4, 5), w, [900, 0, -900, 5, 7], fused_activation_function=function)
    quant = RELUED if function == RELU else QUANT
    number = [b.constant(np.array(20, np.int8), **quant)] if kind.startswith("M") else []
    y = b.op(kind, [y, *number], (1, 4, 4, 5), **quant)
    assert left(b.finish([y])) == ["CONV_2D"]


@pytest.mark.parametrize("why", ["scale", "read twice", "an output"])
def test_clamps_stay_where_they_must(why: str) -> None:
    b = ModelBuilder()
    x = b.input((1, 4, 4, 3), **QUANT)
    y = conv(b, x, (1, 4, 4, 5), weights(np.random.default_rng(2), 5, 1, 1, 3), [0] * 5)
    quant = {"scale": 0.06, "zero_point": -3} if why == "scale" else QUANT
    z = b.op("RELU", [y], (1, 4, 4, 5), **quant)
    outputs = [z, y] if why == "an output" else [z]
    if why == "read twice":
        outputs.append(b.op("TANH", [y], (1, 4, 4, 5), scale=1 / 128))
    assert "RELU" in left(b.finish(outputs))


def test_chain_of_elementwise_ops_becomes_a_table() -> None:
    b = ModelBuilder()
    x = b.input((1, 16, 16), **QUANT)
    y = b.op("ADD", [x, b.constant(np.array(7, np.int8), scale=0.1)], (1, 16, 16), scale=0.2)
    y = b.op("TANH", [y], (1, 16, 16), scale=1 / 128)
    y = b.op("MUL", [b.constant(np.array([[9]], np.int8), scale=0.1), y], (1, 16, 16), scale=0.03)
    y = b.op("QUANTIZE", [y], (1, 16, 16), scale=0.01, zero_point=5)
    assert left(b.finish([y])) == ["TABLE"]


def test_swish_is_a_function_of_one_tensor() -> None:
    b = ModelBuilder()
    x = b.input((1, 16, 16), **QUANT)
    y = b.op("LOGISTIC", [x], (1, 16, 16), scale=1 / 256, zero_point=-128)
    assert left(b.finish([b.op("MUL", [x, y], (1, 16, 16), scale=0.05)])) == ["TABLE"]


def test_what_others_read_is_not_joined() -> None:
    b = ModelBuilder()
    x = b.input((1, 16, 16), **QUANT)
    y = b.op("LOGISTIC", [x], (1, 16, 16), scale=1 / 256, zero_point=-128)
    z = b.op("TANH", [y], (1, 16, 16), scale=1 / 128)
    w = b.op("ABS", [z], (1, 16, 16), scale=1 / 128)
    assert left(b.finish([w, y])) == ["LOGISTIC", "TABLE"]


def padded(
    kind: str, sides: list[int], padding: int, zero_point: int = -3, value: int = -3
) -> bytes:
    quant = {"scale": 0.05, "zero_point": zero_point}
    rng = np.random.default_rng(3)
    b = ModelBuilder()
    x = b.input((1, 7, 8, 4), **quant)
    pads = b.constant([[0, 0], sides[:2], sides[2:], [0, 0]])
    shape = (1, 7 + sum(sides[:2]), 8 + sum(sides[2:]), 4)
    fill = b.constant(np.array(value, np.int8), **quant)
    y = b.op("PADV2", [x, pads, fill], shape, **quant)
    out = [-(-side // 2) if padding == SAME else (side - 3) // 2 + 1 for side in shape[1:3]]
    options = {"padding": padding, "stride_h": 2, "stride_w": 2}
    if kind == "MAX_POOL_2D":
        options |= {"filter_height": 3, "filter_width": 3}
        return b.finish([b.op(kind, [y], (1, *out, 4), options=options, **quant)])
    w = b.constant(
        weights(rng, *((6, 3, 3, 4) if kind == "CONV_2D" else (1, 3, 3, 4))), scale=0.004
    )
    channels = 6 if kind == "CONV_2D" else 4
    bias = b.constant(rng.integers(-900, 900, channels).astype(np.int32), scale=0.0002)
    return b.finish([b.op(kind, [y, w, bias], (1, *out, channels), options=options, **QUANT)])


@pytest.mark.parametrize("padding", [SAME, VALID])
@pytest.mark.parametrize("sides", [[0, 1, 0, 1], [1, 1, 1, 1], [1, 0, 0, 1], [0, 0, 1, 0]], ids=str)
@pytest.mark.parametrize("kind", ["CONV_2D", "DEPTHWISE_CONV_2D", "MAX_POOL_2D"])
def test_pads_go_into_windows(kind: str, sides: list[int], padding: int) -> None:
    value = -128 if kind == "MAX_POOL_2D" else -3
    assert left(padded(kind, sides, padding, value=value)) == [kind]


@pytest.mark.parametrize(
    ("kind", "sides", "value"),
    [
        ("CONV_2D", [1, 1, 1, 1], 5),
        ("DEPTHWISE_CONV_2D", [1, 1, 1, 1], -128),
        ("MAX_POOL_2D", [1, 1, 1, 1], -3),
        ("CONV_2D", [3, 0, 0, 0], -3),
        ("CONV_2D", [0, 0, 0, 4], -3),
    ],
)
def test_pads_stay_where_they_must(kind: str, sides: list[int], value: int) -> None:
    assert left(padded(kind, sides, VALID, value=value)) == ["PADV2", kind]
