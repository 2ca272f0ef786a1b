# SPDX-License-Identifier: Apache-2.0
"""QUANTIZE and DEQUANTIZE against TFLM, byte for byte."""

from __future__ import annotations

import numpy as np
import pytest

from edgekit.tflite.golden import TflmGolden
from tests.support.exact import (
    check_bit_exact,
    check_refused,
    host_model,
    needs_tflm,
    tflm_refuses,
)
from tests.support.tflite_builder import ModelBuilder

PAIRS = [
    ("int8", "int8"),
    ("int8", "uint8"),
    ("uint8", "int8"),
    ("int8", "int16"),
    ("int8", "int32"),
    ("int16", "int8"),
    ("int16", "int16"),
    ("int16", "int32"),
    ("int32", "int8"),
    ("int32", "int16"),
]
SCALES = [
    ((0.05, -3), (0.05, -3)),
    ((0.05, -3), (0.02, 7)),
    ((0.0039, -128), (0.0039, 0)),
    ((0.0011, 3), (1.7, -1)),
    ((3.0, 11), (0.4, 5)),
]


def convert(source, output, quants, shape=(1, 8, 8, 5), kind="QUANTIZE"):
    """A model of one op from dtype `source` to `output`."""
    ends = [
        {} if dtype == "float32" else {"scale": quant[0], "zero_point": quant[1]}
        for dtype, quant in zip((source, output), quants, strict=True)
    ]
    b = ModelBuilder()
    x = b.input(shape, source, **ends[0])
    return b.finish([b.op(kind, [x], shape, output, **ends[1])])


def check_values(data, values):
    """Byte-equal outputs for these very inputs."""
    needs_tflm()
    expected, got = TflmGolden(data).run([values]), host_model(data).run([values])
    assert got[0].tobytes() == expected[0].tobytes()


@pytest.mark.parametrize("quants", SCALES, ids=str)
@pytest.mark.parametrize("types", PAIRS, ids=str)
def test_between_integers(types, quants):
    wide = "int32" in types
    quants = [(scale, 0 if wide else abs(zero)) for scale, zero in quants]
    check_bit_exact(convert(*types, quants))


@pytest.mark.parametrize("source_zero", [-128, -5, 0, 127])
@pytest.mark.parametrize("output_zero", [-128, 0, 9, 127])
def test_int8_to_int8_zero_points(source_zero, output_zero):
    data = convert("int8", "int8", [(0.05, source_zero), (0.04, output_zero)], (1, 256))
    check_values(data, np.arange(-128, 128, dtype=np.int8).reshape(1, 256))


@pytest.mark.parametrize("zero", [0, 3, 128, 255])
@pytest.mark.parametrize("scales", [(0.05, 0.05), (0.05, 0.03)], ids=str)
def test_uint8_ends(zero, scales):
    """What the converter writes for uint8 inputs and outputs, the same scale above all."""
    into = convert("uint8", "int8", [(scales[0], zero), (scales[1], zero - 128)], (1, 256))
    check_values(into, np.arange(256, dtype=np.uint8).reshape(1, 256))
    out_of = convert("int8", "uint8", [(scales[0], zero - 128), (scales[1], zero)], (1, 256))
    check_values(out_of, np.arange(-128, 128, dtype=np.int8).reshape(1, 256))


@pytest.mark.parametrize("dtype", ["int8", "int16"])
@pytest.mark.parametrize("quant", [(0.05, -3), (1.0, 0), (0.0039, 127), (0.31, -128)], ids=str)
def test_from_float(dtype, quant):
    check_bit_exact(convert("float32", dtype, [None, quant]))


@pytest.mark.parametrize("scale", [0.5, 0.1, 0.003, 1.0])
def test_from_float_at_the_halves(scale):
    """Halves and their neighbouring floats: rounding is half away from zero, after a division."""
    steps = (np.arange(-140, 140, dtype=np.float32) + np.float32(0.5)) * np.float32(scale)
    values = np.stack([np.nextafter(steps, s).astype(np.float32) for s in (steps, 1e9, -1e9)])
    check_values(convert("float32", "int8", [None, (scale, -3)], values.shape), values)


def test_from_float_saturates_at_any_size():
    """Beyond int32 TFLM's cast depends on the machine; here it saturates, and NaN is zero."""
    values = np.array([[3e38, -3e38, np.inf, -np.inf, np.nan, 1e9, -1e9, 0.0]], np.float32)
    data = convert("float32", "int8", [None, (0.01, -3)], (1, 8))
    got = host_model(data).run([values])[0]
    assert got.tolist() == [[127, -128, 127, -128, -3, 127, -128, -3]]


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int16"])
@pytest.mark.parametrize("quant", [(0.05, 3), (1 / 3, 0), (1.17e-3, 127)], ids=str)
def test_to_float(dtype, quant):
    check_bit_exact(convert(dtype, "float32", [quant, None], kind="DEQUANTIZE"))


def test_float_model_quantizes_in_place():
    b = ModelBuilder()
    x = b.input((1, 100), "float32")
    y = b.op("QUANTIZE", [x], (1, 100), scale=0.05, zero_point=4)
    z = b.op("RELU", [y], (1, 100), scale=0.05, zero_point=4)
    w = b.op("DEQUANTIZE", [z], (1, 100), "float32")
    program = check_bit_exact(b.finish([w]))
    assert program.plan.arena_bytes <= 504


@pytest.mark.parametrize(
    "types", [("float32", "uint8"), ("uint8", "uint8"), ("uint8", "int16"), ("int32", "int32")]
)
def test_refuses_types_as_tflm_does(types):
    data = convert(*types, [(0.1, 0), (0.2, 0)])
    assert tflm_refuses(data)
    check_refused(data, f"does not quantize {types[0]} to {types[1]}")


def test_refuses_dequantize_of_int32_as_tflm_does():
    data = convert("int32", "float32", [(0.1, 0), None], kind="DEQUANTIZE")
    assert tflm_refuses(data)
    check_refused(data, "does not dequantize int32")
