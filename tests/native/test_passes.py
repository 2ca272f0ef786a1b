# SPDX-License-Identifier: Apache-2.0
"""Graph passes: which ops are left, and the same bytes as TFLM with and without them."""

from __future__ import annotations

import numpy as np
import pytest

from edgekit.lower.build import macs
from edgekit.lower.passes import run_passes
from edgekit.tflite.graph import Graph
from edgekit.tflite.reader import read_graph
from tests.support.exact import check_bit_exact
from tests.support.tflite_builder import NONE, RELU, SAME, VALID, ModelBuilder

QUANT = {"scale": 0.05, "zero_point": -3}
RELUED = {"scale": 0.05, "zero_point": -128}
HUGE = 1 << 30


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


def weights(rng: np.random.Generator, *shape: int) -> np.ndarray:
    return rng.integers(-127, 128, shape).astype(np.int8)


def conv(
    b: ModelBuilder, x: int, shape: tuple[int, ...], w: np.ndarray, bias: list[int], **rest: object
) -> int:
    """A convolution with one weight scale of 0.004 and a scale of 0.05 behind it."""
    options = {"padding": SAME, "fused_activation_function": NONE} | rest
    quant = RELUED if options["fused_activation_function"] == RELU else QUANT
    k = b.constant(w, scale=0.004)
    add = b.constant(np.array(bias, np.int32), scale=0.0002)
    return b.op("CONV_2D", [x, k, add], shape, options=options, **quant)


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


def total_macs(graph: Graph) -> int:
    return sum(macs(op, graph) for op in graph.ops)


def two_layers(bias: list[int], *, taps: int = 3, function: int = RELU) -> bytes:
    """3x3 to 8 channels, then `taps` x `taps` to 6: what becomes of the 8."""
    rng = np.random.default_rng(4)
    b = ModelBuilder()
    x = b.input((1, 5, 5, 3), **QUANT)
    small = weights(rng, 8, 3, 3, 3) // 16
    y = conv(b, x, (1, 5, 5, 8), small, bias, fused_activation_function=function)
    z = conv(b, y, (1, 5, 5, 6), weights(rng, 6, taps, taps, 8), [0] * 6)
    return b.finish([z])


@pytest.mark.parametrize("taps", [1, 3])
@pytest.mark.parametrize("far", [-HUGE, HUGE, -(1 << 18), (1 << 31) - 1, -(1 << 31)])
def test_constant_channels_go(far: int, taps: int) -> None:
    """A constant at the zero point always goes, another one only where nothing is padded."""
    data = two_layers([0, far, far, 0, far, far, 0, 0], taps=taps)
    wraps = abs(far) > HUGE  # the sum may wrap: then nothing is known
    stays = wraps or (far > 0 and taps == 3)
    check_bit_exact(data, 12)
    graph = run_passes(read_graph(data))
    assert graph.ops[0].outputs == read_graph(data).ops[0].outputs
    hidden = graph.output_of(graph.ops[0])
    assert (hidden.shape[-1], hidden.kept) == ((8, True) if stays else (4, False))


def test_channels_that_no_weight_takes_go() -> None:
    rng = np.random.default_rng(5)
    b = ModelBuilder()
    x = b.input((1, 5, 5, 3), **QUANT)
    y = conv(b, x, (1, 5, 5, 12), weights(rng, 12, 3, 3, 3), [0] * 12)
    y = b.op("AVERAGE_POOL_2D", [y], (1, 4, 4, 12), options={"padding": VALID}, **QUANT)
    w = weights(rng, 6, 1, 1, 12)
    w[..., [0, 3, 4, 9, 11]] = 0
    data = b.finish([conv(b, y, (1, 4, 4, 6), w, [0] * 6)])
    check_bit_exact(data)
    graph = run_passes(read_graph(data))
    assert graph.output_of(graph.ops[0]).shape[-1] == 8  # of 7, to whole fours
    assert graph.output_of(graph.ops[1]).shape[-1] == 8


def test_both_sides_of_an_addition_lose_the_same_channels() -> None:
    rng = np.random.default_rng(6)
    b = ModelBuilder()
    x = b.input((1, 5, 5, 3), **QUANT)
    idle = [0, 0, -HUGE, -HUGE, -HUGE, -HUGE, 0, 0]
    sides = [
        conv(b, x, (1, 5, 5, 8), weights(rng, 8, 1, 1, 3), bias) for bias in (idle, idle[::-1])
    ]
    y = b.op("ADD", sides, (1, 5, 5, 8), scale=0.1)
    flat = b.op("RESHAPE", [y, b.constant([1, 200])], (1, 200), scale=0.1)
    w = b.constant(weights(rng, 5, 200), scales=[0.004, 0.005, 0.006, 0.007, 0.008])
    data = b.finish([b.op("FULLY_CONNECTED", [flat, w, -1], (1, 5), scale=2.0)])
    check_bit_exact(data)
    graph = run_passes(read_graph(data))
    assert [graph.output_of(op).shape[-1] for op in graph.ops] == [4, 4, 4, 100, 5]
    assert total_macs(graph) == total_macs(read_graph(data)) // 2


def test_fully_connected_keeps_its_way_of_rounding() -> None:
    """TFLM rounds its multipliers differently for one weight scale and for several."""
    rng = np.random.default_rng(7)
    b = ModelBuilder()
    x = b.input((1, 20), **QUANT)
    w = b.constant(weights(rng, 3, 20), scales=[0.00331, 0.00517, 0.00749])
    y = b.op("FULLY_CONNECTED", [x, w, -1], (1, 3), scale=0.07)
    last = weights(rng, 4, 3)
    last[:, :2] = 0
    z = b.op("FULLY_CONNECTED", [y, b.constant(last, scale=0.01), -1], (1, 4), scale=0.02)
    data = b.finish([z])
    check_bit_exact(data, 40)
    graph = run_passes(read_graph(data))
    assert graph.input_of(graph.ops[0], 1).q.per_channel


def test_shared_weights_are_thinned_for_one_and_whole_for_the_other() -> None:
    rng = np.random.default_rng(8)
    b = ModelBuilder()
    x = b.input((1, 5, 5, 8), **QUANT)
    shared = b.constant(weights(rng, 8, 1, 1, 8), scale=0.004)
    far = b.constant(np.array([-HUGE] * 4 + [0] * 4, np.int32), scale=0.0002)
    near = b.constant(np.zeros(8, np.int32), scale=0.0002)
    y = b.op("CONV_2D", [x, shared, far], (1, 5, 5, 8), options={"padding": SAME}, **QUANT)
    z = b.op("CONV_2D", [y, shared, near], (1, 5, 5, 8), options={"padding": SAME}, **QUANT)
    data = b.finish([z])
    check_bit_exact(data)
    graph = run_passes(read_graph(data))
    assert [graph.input_of(op, 1).shape for op in graph.ops] == [(4, 1, 1, 8), (8, 1, 1, 4)]


def test_an_output_of_the_model_keeps_all_channels() -> None:
    rng = np.random.default_rng(9)
    b = ModelBuilder()
    x = b.input((1, 5, 5, 3), **QUANT)
    y = conv(b, x, (1, 5, 5, 8), weights(rng, 8, 1, 1, 3), [-HUGE] * 4 + [0] * 4)
    z = conv(b, y, (1, 5, 5, 8), weights(rng, 8, 1, 1, 8), [0] * 8)
    data = b.finish([z, y])
    check_bit_exact(data)
    graph = run_passes(read_graph(data))
    assert graph.output_of(graph.ops[0]).shape[-1] == 8


def test_mlperf_visual_wake_words_loses_half_its_work(shared: object) -> None:
    path = shared / "models" / "mlperf_tiny" / "vww_96_int8.tflite"  # type: ignore[operator]
    graph = read_graph(path)
    thin = run_passes(graph)
    used = {i for op in thin.ops for i in op.inputs if thin.tensor(i).dtype == "int8"}
    weight_bytes = sum(thin.tensor(i).bytes for i in used if thin.tensor(i).is_constant)
    assert total_macs(graph) == 7_489_664
    assert total_macs(thin) == 3_766_476
    assert weight_bytes == 30_340
    check_bit_exact(path.read_bytes(), 4, optimize="-O2")
