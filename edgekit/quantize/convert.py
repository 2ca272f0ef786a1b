# SPDX-License-Identifier: Apache-2.0
"""A float Keras model to a full-integer int8 .tflite, by TensorFlow's own converter."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

import numpy as np

from edgekit.errors import EdgekitError
from edgekit.model.info import InputSpec
from edgekit.model.tf import quiet, tensorflow
from edgekit.quantize.clamps import rescaled_clamps
from edgekit.quantize.faults import converter_fault, refuse_loops
from edgekit.quantize.naming import LayerNames, rename_tensors
from edgekit.quantize.order import as_traced
from edgekit.quantize.ranges import Measured, method_named
from edgekit.quantize.ranges.methods import CONVERTER
from edgekit.quantize.ranging import Ranging, Trained
from edgekit.quantize.rewrite import rewritten
from edgekit.quantize.rewrite.lstm import MARK, input_kernels
from edgekit.quantize.weights import Weights

IO_DTYPES = ("int8", "uint8", "float32")
DEFAULT = "mse"
TRAINED = "trained"
READ = 32


class FloatModel(Protocol):
    """What a conversion needs of a loaded model: a Keras model, or a saved function."""

    @property
    def name(self) -> str: ...

    @property
    def keras(self) -> Any: ...

    @property
    def saved(self) -> Any: ...


@dataclass(frozen=True, slots=True)
class Quantized:
    """`tflite` is the int8 file; `float_file` that of the same graph just before quantization.

    `float_file` is None where this TensorFlow does not let it be seen. `method` is how ranges were
    found, which is "converter" where the method asked for could not be used: `remarks` say so.
    `measured` are the activations of `float_file` on the calibration set, None for "converter".
    """

    tflite: bytes
    float_file: bytes | None
    method: str = CONVERTER
    measured: Measured | None = None
    remarks: tuple[str, ...] = ()


def check_options(input_dtype: str, output_dtype: str, calibration: str) -> None:
    """EdgekitError for an input/output type or calibration method that there is not."""
    for what, value in (("input", input_dtype), ("output", output_dtype)):
        if value not in IO_DTYPES:
            raise EdgekitError(
                f"{what} type '{value}' is not one of {', '.join(IO_DTYPES)}",
                hint=f"give --{what}-dtype int8 unless the application needs another",
            )
    if calibration != CONVERTER:
        method_named(calibration)


def convert_int8(
    model: FloatModel,
    inputs: Sequence[InputSpec],
    calibration: Sequence[Any],
    *,
    input_dtype: str = "int8",
    output_dtype: str = "int8",
    method: str = DEFAULT,
    weights: Weights | None = None,
    trained: Trained | None = None,
) -> Quantized:
    """Quantize `model` with ranges from `calibration` (one array per input, samples first).

    Weights int8 per channel, bias int32, batch fixed to 1, `inputs` without open sides. The
    model is traced once with that batch and frozen, so that shapes are constants in the graph.
    Samples are taken from `calibration` by arrays of indices. `weights` rounds them otherwise
    than the converter does, and gives layers other formats; `trained` has ranges that were learned
    with the weights. EdgekitError names the op and the layer that the converter refuses, or that
    gives no finite number.
    """
    tf = tensorflow()
    names = _layer_names(model)
    samples = _feeder(inputs, calibration)
    with quiet() as heard:
        try:
            converter, remarks = _converter(tf, model, inputs)
            dtypes = (input_dtype, output_dtype)
            restored = _restored(model, inputs)
            ranging = Ranging(converter, method, samples, names, dtypes, weights, trained, restored)
            converter.optimizations = [tf.lite.Optimize.DEFAULT]
            converter.representative_dataset = samples
            converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
            converter.inference_input_type = getattr(tf, input_dtype)
            converter.inference_output_type = getattr(tf, output_dtype)
            data, fault = converter.convert(), None
        except EdgekitError:
            raise
        except Exception as error:
            data, fault = b"", error
    if fault is not None:
        raise converter_fault(fault, heard.text, names) from fault
    used = TRAINED if trained else method if ranging.measured else CONVERTER
    data, remarks = rename_tensors(rescaled_clamps(data), names), (*remarks, *ranging.remarks)
    if weights is not None:
        data, remarks = weights.formatted(data), (*remarks, *weights.remarks)
    return Quantized(data, ranging.float_file, used, ranging.measured, remarks)


def _converter(
    tf: Any, model: FloatModel, inputs: Sequence[InputSpec]
) -> tuple[Any, tuple[str, ...]]:
    """The converter of the traced model, and what was written otherwise than the model has it."""

    def forward(*arguments: Any) -> Any:
        if model.saved is not None:
            return model.saved.tensors(arguments)
        return model.keras(list(arguments) if len(arguments) > 1 else arguments[0], training=False)

    signature = [
        tf.TensorSpec((1, *spec.shape), spec.dtype, name=_argument(spec.name)) for spec in inputs
    ]
    with rewritten(model.keras) as remarks:
        concrete = tf.function(forward, autograph=False).get_concrete_function(*signature)
    refuse_loops(concrete.graph, _layer_names(model))
    owner = _owner(tf, concrete)
    return tf.lite.TFLiteConverter.from_concrete_functions([concrete], owner), tuple(remarks)


def _restored(model: FloatModel, inputs: Sequence[InputSpec]) -> Callable[[bytes], bytes]:
    """What gives a float file the order and the names of the traced function back."""
    arguments = [_argument(spec.name) for spec in inputs]
    return partial(as_traced, arguments=arguments, lstms=input_kernels(model.keras))


def _owner(tf: Any, concrete: Any) -> Any:
    """What the converter is to take the variables of: None, or a module that has them.

    Without one the converter freezes this very function instead of writing it to disk as a
    SavedModel and reading it back, which takes longer than the conversion. But freezing puts
    functions in line, a fused LSTM too.
    """
    if not any(MARK in f.attr for f in concrete.graph.as_graph_def().library.function):
        return None
    module = tf.Module()
    module.held = list(concrete.variables)
    return module


def _argument(name: str) -> str:
    return re.sub(r"\W", "_", name) or "input"


def _feeder(
    inputs: Sequence[InputSpec], calibration: Sequence[Any]
) -> Callable[[], Iterator[list[np.ndarray]]]:
    """Samples one by one, read `READ` at a time."""
    count = len(calibration[0])

    def samples() -> Iterator[list[np.ndarray]]:
        for start in range(0, count, READ):
            part = np.arange(start, min(start + READ, count))
            arrays = [
                np.asarray(array[part]).astype(spec.dtype)
                for array, spec in zip(calibration, inputs, strict=True)
            ]
            for i in range(len(part)):
                yield [array[i : i + 1] for array in arrays]

    return samples


def _layer_names(model: FloatModel) -> LayerNames:
    if model.keras is None:
        return LayerNames(model.name, frozenset(), ())
    layers = frozenset(layer.name for layer in _all_layers(model.keras))
    outputs = tuple(str(tensor._keras_history.operation.name) for tensor in model.keras.outputs)
    return LayerNames(model.keras.name, layers, outputs)


def _all_layers(model: Any) -> Iterator[Any]:
    for layer in model.layers:
        yield layer
        if hasattr(layer, "layers"):
            yield from _all_layers(layer)
