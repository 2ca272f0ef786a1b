# SPDX-License-Identifier: Apache-2.0
"""Models that no conversion should begin with: quantized already, of other types, without shape."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Protocol

from edgekit.errors import EdgekitError
from edgekit.model.info import InputSpec

_WRAPPERS = ("QuantizeWrapper", "QuantizeWrapperV2", "QuantizeLayer")  # of TFMOT's training


class Model(Protocol):
    @property
    def keras(self) -> Any: ...

    @property
    def inputs(self) -> Sequence[InputSpec]: ...


def check_suitable(model: Model) -> None:
    """EdgekitError naming the input or layer that keeps `model` from becoming int8."""
    for spec in model.inputs:
        _check_input(spec)
    for tensor in getattr(model.keras, "inputs", None) or ():
        if getattr(tensor, "ragged", False):
            raise EdgekitError(
                f"input '{tensor.name}' is ragged; an int8 model takes arrays of one fixed shape",
                hint="build the model with a plain keras.Input(shape=...) and pad the samples",
            )
    for layer in _layers(model.keras):
        _check_layer(layer)


def _check_input(spec: InputSpec) -> None:
    if spec.dtype == "string":
        raise EdgekitError(
            f"input '{spec.name}' takes strings, which no int8 runtime for microcontrollers does",
            hint="look the strings up on the outside and give the model their numbers",
        )
    if spec.dtype in ("float64", "float16", "bfloat16", "complex64", "complex128"):
        raise _other_type(f"input '{spec.name}' is", spec.dtype)


def _check_layer(layer: Any) -> None:
    kind = type(layer).__name__
    mode = getattr(layer, "quantization_mode", None) or (kind if kind in _WRAPPERS else "")
    if mode:
        raise EdgekitError(
            f"layer '{layer.name}' is quantized already ({mode})",
            hint="give the float model that it was made from",
        )
    if (dtype := getattr(layer, "compute_dtype", None)) in ("float64", "float16", "bfloat16"):
        raise _other_type(f"layer '{layer.name}' computes in", dtype)


def _other_type(what: str, dtype: str) -> EdgekitError:
    return EdgekitError(
        f"{what} {dtype}, and int8 files are made from float32",
        hint="build the model with dtype float32 and load the weights into it",
    )


def _layers(model: Any) -> Iterator[Any]:
    for layer in getattr(model, "layers", ()):
        yield layer
        yield from _layers(layer)
