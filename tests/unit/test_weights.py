# SPDX-License-Identifier: Apache-2.0
"""Weights prepared before the converter, and formats after it, on small Keras models."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from edgekit.errors import EdgekitError
from edgekit.model.load import LoadedModel, load_model
from edgekit.model.tf import keras
from edgekit.quantize.agree import real_outputs
from edgekit.quantize.convert import Quantized, convert_int8
from edgekit.quantize.formats.rules import format_of, named_format, parse_rules
from edgekit.quantize.formats.weights import pack_4_bits, unpack_4_bits
from edgekit.quantize.rounding.apply import prepare_weights
from edgekit.quantize.rounding.sites import find_sites
from edgekit.quantize.weights import Weights, Wishes, runner
from edgekit.tflite.golden import TflmGolden, tflm_version
from edgekit.tflite.graph import Graph
from edgekit.tflite.reader import read_graph

pytestmark = pytest.mark.needs_tf
needs_tflm = pytest.mark.skipif(not tflm_version(), reason="tflite-micro is not installed")
SAMPLES = 24


def _small(*, pruned: bool = False) -> LoadedModel:
    """Convolution, depthwise, pool and dense layers, with batch norms and a residual sum."""
    module = keras()
    module.utils.set_random_seed(1)
    k = module.layers
    inputs = module.Input((12, 12, 3))
    x = k.BatchNormalization(name="norm")(k.Conv2D(8, 3, padding="same", name="first")(inputs))
    x = k.ReLU(name="relu")(x)
    y = k.DepthwiseConv2D(3, padding="same", activation="relu", name="depth")(x)
    y = k.Conv2D(8, 1, name="point")(y)
    x = k.ReLU()(k.Add(name="sum")([x, y]))
    x = k.Flatten()(k.AveragePooling2D(4, name="pool")(x))
    model = module.Model(inputs, k.Softmax(name="prob")(k.Dense(5, name="dense")(x)), name="small")
    rng = np.random.default_rng(4)
    for variable in model.weights:
        values = np.asarray(variable)
        values = values + np.abs(rng.normal(0, 0.1, values.shape))
        if pruned and values.ndim > 1:
            values[rng.random(values.shape) < 0.6] = 0
        variable.assign(values)
    return load_model(model)


def _x() -> np.ndarray:
    return np.random.default_rng(5).normal(0, 1, (SAMPLES, 12, 12, 3)).astype(np.float32)


def _converted(wishes: Wishes, loaded: LoadedModel, **options: Any) -> tuple[Quantized, Weights]:
    weights = Weights(wishes, read_graph)
    done = convert_int8(loaded, loaded.inputs, [_x()], weights=weights, **options)
    return done, weights


def _error(done: Quantized, loaded: LoadedModel) -> float:
    outputs = real_outputs(TflmGolden(done.tflite), read_graph(done.tflite), [_x()])[0]
    return float(np.sqrt(np.mean((outputs - loaded([_x()])[0]) ** 2)))


def _kernels(graph: Graph) -> list[np.ndarray]:
    return [
        graph.input_of(op, 1).data  # type: ignore[misc]
        for op in graph.ops
        if op.kind in ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED")
    ]


@pytest.mark.parametrize("rounding", ["nearest", "mean", "stochastic", "gptq"])
@pytest.mark.parametrize("calibration", ["mse", "converter"])
def test_prepared_weights_pass_through_the_converter_to_the_integer(
    rounding: str, calibration: str
) -> None:
    loaded = _small(pruned=True)
    wishes = Wishes(rounding, "mse", bias_correction=True)
    done, _ = _converted(wishes, loaded, method=calibration)
    assert done.float_file is not None
    prepared = read_graph(done.float_file)
    graph = read_graph(done.tflite)
    sites = find_sites(prepared)
    found = [op for op in graph.ops if op.kind in {site.op.kind for site in sites}]
    assert len(found) == len(sites) == 4
    for op, site in zip(found, sites, strict=True):
        kernel = prepared.tensor(site.kernel).data
        assert kernel is not None
        stored = graph.input_of(op, 1)
        shape = [1] * kernel.ndim
        shape[stored.q.axis] = -1
        scales = np.array(stored.q.scales).reshape(shape)
        others = tuple(a for a in range(kernel.ndim) if a != stored.q.axis)
        assert np.array_equal(np.abs(stored.data).max(axis=others), np.full(scales.size, 127))
        # what was prepared is that integer times that scale, to float32's last bit
        assert np.allclose(kernel, stored.data * scales, rtol=1e-6, atol=0)
        assert np.array_equal(kernel == 0, stored.data == 0)


def test_the_integers_are_those_that_were_rounded() -> None:
    loaded = _small()
    done, _ = _converted(Wishes("mean"), loaded)
    plain = convert_int8(loaded, loaded.inputs, [_x()])
    assert plain.float_file is not None
    before = read_graph(plain.float_file)
    expected = prepare_weights(plain.float_file, before, Wishes("mean").weights).kernels
    stored = _kernels(read_graph(done.tflite))
    for site, q in zip(find_sites(before), stored, strict=True):
        assert np.array_equal(expected[site.kernel].q, q)
    assert any(
        not np.array_equal(a, b)
        for a, b in zip(stored, _kernels(read_graph(plain.tflite)), strict=True)
    )


def test_nothing_asked_for_changes_nothing() -> None:
    loaded = _small()
    done, weights = _converted(Wishes(), loaded)
    plain = convert_int8(loaded, loaded.inputs, [_x()])
    assert done.tflite == plain.tflite
    assert weights.rows == ()


def test_pruned_zeros_stay_zeros_in_4_bits() -> None:
    loaded = _small(pruned=True)
    for rounding in ("nearest", "mean", "stochastic", "gptq"):
        done, _ = _converted(Wishes(rounding, layers=(".*=int4",)), loaded)
        float_kernels = [site.kernel for site in find_sites(read_graph(done.float_file or b""))]
        graph = read_graph(done.float_file or b"")
        for index, q in zip(float_kernels, _kernels(read_graph(done.tflite)), strict=True):
            kernel = graph.tensor(index).data
            assert kernel is not None
            assert np.array_equal(kernel == 0, q == 0), rounding
            assert np.abs(q).max() == 7


def test_4_bits_in_the_file_are_the_4_bits_prepared() -> None:
    loaded = _small()
    done, weights = _converted(Wishes("gptq", layers=(".*=int4",)), loaded)
    graph = read_graph(done.tflite)
    prepared = read_graph(done.float_file or b"")
    products = [op for op in graph.ops if op.kind.startswith(("CONV", "DEPTH", "FULLY"))]
    for site, op in zip(find_sites(prepared), products, strict=True):
        stored, kernel = graph.input_of(op, 1), prepared.tensor(site.kernel).data
        assert stored.data is not None and kernel is not None
        assert stored.encoded is not None and stored.encoded.bits == 4
        scales = np.array(stored.q.scales)[stored.channels()].reshape(stored.shape)
        assert np.allclose(stored.data * scales, kernel, rtol=1e-5, atol=1e-7)
        assert stored.q.per_channel is (op.kind != "FULLY_CONNECTED")
    assert {row.bits for row in weights.rows} == {4}
    assert len(weights.changed) == 4


@needs_tflm
def test_formats_run_and_are_worth_their_bits() -> None:
    loaded = _small()
    errors = {}
    for layers in ((), (".*=int16x8",), (".*=int4",), ("dense|prob=int16x8",), ("point=int4",)):
        done, _ = _converted(Wishes(layers=layers), loaded, output_dtype="float32")
        errors[layers] = _error(done, loaded)
    assert errors[(".*=int16x8",)] < 0.6 * errors[()]
    assert errors[(".*=int4",)] > errors[("point=int4",)] > errors[()]
    assert errors[("dense|prob=int16x8",)] < errors[()]


@needs_tflm
@pytest.mark.parametrize(
    ("taken", "given"), [("int8", "float32"), ("uint8", "int8"), ("float32", "uint8")]
)
@pytest.mark.parametrize("layers", [(".*=int16x8",), ("first|sum=int16x8", "dense=int4")])
def test_every_type_of_inputs_and_outputs(taken: str, given: str, layers: tuple[str, ...]) -> None:
    loaded = _small()
    done, _ = _converted(Wishes(layers=layers), loaded, input_dtype=taken, output_dtype=given)
    graph = read_graph(done.tflite)
    assert graph.tensor(graph.inputs[0]).dtype == taken
    assert graph.tensor(graph.outputs[0]).dtype == given
    assert _error(done, loaded) < 0.02


@needs_tflm
def test_an_int32_bias_gives_what_an_int64_bias_gives() -> None:
    """To one step of the output: sums of 64 bits are multiplied with 16 bits of the factor."""
    loaded = _small()
    wide = ("first|point|dense=int16x8",)
    outputs = []
    for bias_type in ("int64", "int32"):
        done, _ = _converted(Wishes(layers=wide, bias_type=bias_type), loaded)
        graph = read_graph(done.tflite)
        assert bias_type in {t.dtype for t in graph.tensors}
        outputs.append(real_outputs(TflmGolden(done.tflite), graph, [_x()])[0])
    assert np.abs(outputs[0] - outputs[1]).max() <= 1 / 256


def test_an_int32_bias_is_refused_where_the_kernel_would_misread_it() -> None:
    wishes = Wishes(layers=("depth=int16x8",), bias_type="int32")
    with pytest.raises(EdgekitError, match="DEPTHWISE_CONV_2D of layer 'depth' takes no int32"):
        _converted(wishes, _small())


@needs_tflm
def test_one_scale_for_each_kernel() -> None:
    loaded = _small()
    done, _ = _converted(Wishes(per_tensor=True), loaded)
    graph = read_graph(done.tflite)
    kernels = [graph.input_of(op, 1) for op in graph.ops if op.kind.startswith(("CONV", "FULLY"))]
    assert kernels and not any(kernel.q.per_channel for kernel in kernels)
    assert _error(done, loaded) < 0.05


@needs_tflm
def test_equalization_keeps_the_float_outputs_and_helps_kernels_with_one_scale() -> None:
    loaded = _small()
    uneven = loaded.keras
    first, depth = uneven.get_layer("depth"), uneven.get_layer("point")
    factors = np.logspace(-2, 1, 8).astype(np.float32)
    first.kernel.assign(np.asarray(first.kernel) * factors[None, None, :, None])
    first.bias.assign(np.asarray(first.bias) * factors)
    depth.kernel.assign(np.asarray(depth.kernel) / factors[None, None, :, None])
    loaded = load_model(uneven)
    plain, _ = _converted(Wishes(per_tensor=True), loaded)
    equal, weights = _converted(Wishes(per_tensor=True, equalize=True), loaded)
    assert not weights.remarks
    assert plain.float_file and equal.float_file
    outputs = []
    for data in (plain.float_file, equal.float_file):
        graph, run = read_graph(data), runner(data)
        outputs.append([run([_x()[i : i + 1]])(graph.outputs[0]).copy() for i in range(4)])
    assert np.allclose(outputs[0], outputs[1], atol=1e-5)
    assert _error(equal, loaded) < 0.5 * _error(plain, loaded)


@needs_tflm
def test_bias_correction_brings_the_mean_output_back() -> None:
    loaded = _small()
    logits = keras().Model(loaded.keras.inputs, loaded.keras.get_layer("dense").output)
    cut = load_model(logits)
    off = []
    for corrected in (False, True):
        wishes = Wishes(layers=(".*=int4",), bias_correction=corrected)
        done, weights = _converted(wishes, cut, output_dtype="float32")
        outputs = real_outputs(TflmGolden(done.tflite), read_graph(done.tflite), [_x()])[0]
        off.append(float(np.abs((outputs - cut([_x()])[0]).mean(axis=0)).max()))
        assert any(row.bias_shift for row in weights.rows) is corrected
    assert off[1] < 0.5 * off[0]


def test_4_bits_packed_and_unpacked() -> None:
    values = np.random.default_rng(0).integers(-8, 8, 31).astype(np.int8)
    packed = pack_4_bits(values)
    assert packed.size == 16 and packed[0] & 0x0F == values[0] & 0x0F
    assert np.array_equal(unpack_4_bits(packed, 31), values)


def test_the_last_rule_that_fits_wins() -> None:
    rules = parse_rules([".*=int16x8", "dense=int8", "dense_1=int4"])
    assert [format_of(n, rules).name for n in ("conv", "dense", "dense_1")] == [
        "int16x8",
        "int8",
        "int4",
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("dense", "is no rule for layers"),
        ("=int8", "is no rule for layers"),
        ("(=int8", "is no regular expression"),
        ("dense=int5", "there is no format 'int5'"),
        ("dense=int16x4", "16-bit activations with 8-bit weights only"),
        ("dense=float32", "float layer"),
    ],
)
def test_rules_that_say_nothing(text: str, said: str) -> None:
    with pytest.raises(EdgekitError, match=said) as caught:
        parse_rules([text])
    assert caught.value.hint


def test_a_rule_for_no_layer() -> None:
    with pytest.raises(EdgekitError, match="no layer of the model fits 'cnov'") as caught:
        _converted(Wishes(layers=("cnov=int16x8",)), _small())
    assert "first" in caught.value.hint
    assert named_format("int8").weight_bits == 8
