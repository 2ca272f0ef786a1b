# SPDX-License-Identifier: Apache-2.0
"""Given ranges put where TensorFlow's quantizer reads them.

The converter makes a float file, lets its calibrator write the smallest and largest value of
every tensor into it, and hands that to its quantizer. Here the ranges are written into the same
float file, so that the quantizer uses exactly them: scale (high - low) / 255 for every tensor
whose scale is its own. No representative dataset is needed, and none is mixed in: a model with
ranges for a part of its tensors and a dataset for the others gets biases that are several times
too large, silently (TensorFlow 2.21).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from edgekit.model.tf import tensorflow
from edgekit.quantize.checks.equal_scales import MOVES
from edgekit.quantize.flatbuffer import schema, unpack

# Ops with tensors inside that no interpreter shows: only the converter's calibrator sees them.
_HIDDEN = ("BIDIRECTIONAL_SEQUENCE_LSTM", "LSTM", "SVDF")
_FUSED = "UNIDIRECTIONAL_SEQUENCE_LSTM"
_STATE = 18  # operand of a fused LSTM: its last output
# Ops of one input and several outputs, all of one scale -> the input's place.
_DIVIDES = {"SPLIT": 1, "SPLIT_V": 0, "UNPACK": 0}
Ranges = Mapping[int, tuple[float, float]]


def hides_tensors(float_file: bytes) -> str:
    """The kind of the first op whose inner tensors have no range that can be given; "" for none."""
    model = unpack(float_file)
    kinds = {value: name for name, value in vars(schema().BuiltinOperator).items()}
    for code in model.operatorCodes:
        kind = kinds.get(max(code.builtinCode, code.deprecatedBuiltinCode), "")
        if kind in _HIDDEN:
            return str(kind)
    return ""


def states_in(float_file: bytes) -> dict[int, int]:
    """Of every fused LSTM: its state's tensor -> that of its outputs, which are of one scale."""
    model = unpack(float_file)
    kinds = {value: name for name, value in vars(schema().BuiltinOperator).items()}
    found = {}
    for op in model.subgraphs[0].operators:
        code = model.operatorCodes[op.opcodeIndex]
        if kinds.get(max(code.builtinCode, code.deprecatedBuiltinCode)) == _FUSED:
            found[int(op.inputs[_STATE])] = int(op.outputs[0])
    return found


def calibrated(float_file: bytes, samples: Callable[[], Iterator[list[Any]]]) -> bytes:
    """The float file with the converter's own ranges, those inside of fused LSTMs among them."""
    from tensorflow.lite.python.optimize import calibrator

    wider = calibrator.add_intermediate_tensors(float_file)
    return bytes(calibrator.Calibrator(wider).calibrate(samples))


def ranges_in(float_file: bytes) -> dict[int, tuple[float, float]]:
    """Ranges that the model itself prescribes by fake-quant nodes: of the tensors at either side.

    The converter makes a QUANTIZE and a DEQUANTIZE of such a node, with ops that keep the scale
    between them. What comes after has to be given that scale too, or else the biases of the next
    layer are scaled by another one than its inputs.
    """
    model = unpack(float_file)
    graph = model.subgraphs[0]
    names = schema().BuiltinOperator
    found = {}
    for op in graph.operators:
        code = model.operatorCodes[op.opcodeIndex]
        kind = max(code.builtinCode, code.deprecatedBuiltinCode)
        if kind not in (names.QUANTIZE, names.DEQUANTIZE):
            continue
        pair = int(op.inputs[0]), int(op.outputs[0])
        real, stored = pair if kind == names.QUANTIZE else pair[::-1]
        if ends := _ends(graph.tensors[stored]):
            found[real] = ends
    return found


def ties_in(float_file: bytes) -> list[tuple[int, ...]]:
    """For each op that moves values without rescaling them: its inputs and outputs, constants too.

    They have one scale and zero point, by TFLite's quantization specification.
    """
    model = unpack(float_file)
    kinds = {value: name for name, value in vars(schema().BuiltinOperator).items()}
    found = []
    for op in model.subgraphs[0].operators:
        code = model.operatorCodes[op.opcodeIndex]
        if kinds.get(max(code.builtinCode, code.deprecatedBuiltinCode)) in MOVES:
            found.append(tuple(int(i) for i in (*op.inputs, *op.outputs) if i >= 0))
    return found


def _said_by_outputs(float_file: bytes, ranges: Ranges) -> set[int]:
    """Inputs of dividing ops whose range all outputs have too; none of the model's own inputs.

    With the range at both sides TensorFlow 2.21's quantizer leaves such an op in float in about
    half of its runs on one and the same file; from the outputs alone it always finds the scale.
    """
    model = unpack(float_file)
    graph = model.subgraphs[0]
    kinds = {value: name for name, value in vars(schema().BuiltinOperator).items()}
    found = set()
    for op in graph.operators:
        code = model.operatorCodes[op.opcodeIndex]
        place = _DIVIDES.get(kinds.get(max(code.builtinCode, code.deprecatedBuiltinCode), ""))
        if place is None:
            continue
        given = int(op.inputs[place])
        same = all(ranges.get(int(i)) == ranges.get(given) for i in op.outputs)
        if same and given not in graph.inputs:
            found.add(given)
    return found


def _ends(tensor: Any) -> tuple[float, float] | None:
    """The real values of the smallest and largest int8; None for any other type."""
    quantization = tensor.quantization
    if tensor.type != schema().TensorType.INT8 or quantization is None:
        return None
    if quantization.scale is None or len(quantization.scale) != 1:
        return None
    scale, zero_point = float(quantization.scale[0]), int(quantization.zeroPoint[0])
    return (-128 - zero_point) * scale, (127 - zero_point) * scale


def tensor_names(float_file: bytes) -> list[str]:
    """Names of the tensors as the converter wrote them, by index."""
    tensors = unpack(float_file).subgraphs[0].tensors
    return [bytes(t.name or b"").decode("utf-8", "replace") for t in tensors]


def write_ranges(float_file: bytes, ranges: Ranges) -> bytes:
    """The float file with the smallest and largest real value of each tensor, by index."""
    from tensorflow.lite.tools import flatbuffer_utils

    model = flatbuffer_utils.convert_bytearray_to_object(float_file)
    for index, (low, high) in ranges.items():
        tensor = model.subgraphs[0].tensors[index]
        tensor.quantization = _parameters(low, high)
    return bytes(flatbuffer_utils.convert_object_to_bytearray(model))


def _parameters(low: float, high: float) -> Any:
    from tensorflow.lite.python import schema_py_generated

    parameters = schema_py_generated.QuantizationParametersT()
    parameters.min, parameters.max = [low], [high]
    return parameters


def quantize_file(
    float_file: bytes,
    ranges: Ranges,
    *,
    input_dtype: str = "int8",
    output_dtype: str = "int8",
    per_channel: bool = True,
    per_channel_dense: bool = True,
    samples: Callable[[], Iterator[list[Any]]] | None = None,
) -> bytes:
    """The int8 file of a float file, with the ranges of its tensors as given.

    Weights int8 per channel (or per tensor), bias int32 with the scale of input times weights.
    What happens inside of fused LSTMs is seen by the converter on `samples`.
    """
    tf = tensorflow()
    from tensorflow.lite.python.convert import mlir_quantize

    left_out = _said_by_outputs(float_file, ranges)
    told = {i: r for i, r in ranges.items() if i not in left_out}
    states = states_in(float_file)
    told |= {state: ranges[output] for state, output in states.items() if output in ranges}
    base = calibrated(float_file, samples) if states and samples is not None else float_file
    return bytes(
        mlir_quantize(
            write_ranges(base, told),
            not per_channel,
            input_data_type=getattr(tf, input_dtype),
            output_data_type=getattr(tf, output_dtype),
            disable_per_channel_for_dense_layers=not per_channel_dense,
        )
    )
