# SPDX-License-Identifier: Apache-2.0
"""The layers that stand in the folded model for one layer of the model given."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from edgekit.errors import EdgekitError
from edgekit.model.tf import keras
from edgekit.quantize.fold.norm import factor_and_offset, folded_weights
from edgekit.quantize.fold.rules import FUSED, KERNELS, SEPARABLE, activation_name


@dataclass(slots=True, eq=False)
class Part:
    """A new layer and the weights it gets once it is built, None for one without."""

    layer: Any
    weights: list[np.ndarray] | None = None

    def fill(self) -> None:
        """Put the weights in: after the first call, which builds the layer."""
        if self.weights:
            self.layer.set_weights(self.weights)
            self.weights = None


def parts_of(layer: Any, name: str, norm: Any) -> list[Part]:
    """New layers, one after another, that do what `layer` and then `norm` (or None) did.

    EdgekitError where a layer cannot be made again from its configuration.
    """
    kind = type(layer).__name__
    if kind == "BatchNormalization":
        return [_affine(layer, name)]
    if kind in SEPARABLE:
        return _separable(layer, name, norm)
    if kind in KERNELS:
        return _with_kernel(layer, name, norm)
    if not hasattr(layer, "get_weights"):  # an operation such as keras.ops.add
        return [Part(_copy(layer, {}))]
    return [Part(_copy(layer, {"name": name}), layer.get_weights())]


def _copy(layer: Any, changes: dict[str, Any]) -> Any:
    try:
        return type(layer).from_config({**layer.get_config(), **changes})
    except Exception as error:
        if not hasattr(layer, "get_weights"):
            return layer
        raise EdgekitError(
            f"layer '{layer.name}' cannot be made again from its configuration: "
            f"{type(error).__name__}: {str(error).splitlines()[0][:120]}",
            hint="write get_config() for its class, or give --calibration converter",
        ) from error


def _affine(norm: Any, name: str) -> Part:
    factor, offset = factor_and_offset(norm)
    axis = norm.axis if isinstance(norm.axis, int) else norm.axis[0]
    layer = affine_class()(axis=axis, name=name)
    return Part(layer, [factor.astype(np.float32), offset.astype(np.float32)])


def _with_kernel(layer: Any, name: str, norm: Any) -> list[Part]:
    attribute, axes = KERNELS[type(layer).__name__]
    activation = activation_name(layer)
    split = activation not in FUSED
    weights = layer.get_weights()
    changes: dict[str, Any] = {"name": name}
    if split:
        changes["activation"] = "linear"
    if norm is not None:
        bias = np.asarray(layer.bias) if layer.use_bias else None
        weights = list(folded_weights(np.asarray(getattr(layer, attribute)), bias, norm, axes))
        changes["use_bias"] = True
    parts = [Part(_copy(layer, changes), weights)]
    return parts + _activation(layer, name, activation) if split else parts


def _activation(layer: Any, name: str, activation: str) -> list[Part]:
    made = keras().layers.Activation(layer.activation, name=f"{name}_{activation}")
    return [Part(made)]


def _separable(layer: Any, name: str, norm: Any) -> list[Part]:
    module = keras()
    rank = SEPARABLE[type(layer).__name__]
    depthwise = getattr(module.layers, f"DepthwiseConv{rank}")(
        layer.kernel_size,
        strides=layer.strides,
        padding=layer.padding,
        depth_multiplier=layer.depth_multiplier,
        dilation_rate=layer.dilation_rate,
        data_format=layer.data_format,
        use_bias=False,
        name=f"{name}_depthwise",
    )
    activation = activation_name(layer)
    split = activation not in FUSED
    kernel = np.asarray(layer.pointwise_kernel)
    weights = [kernel, *([np.asarray(layer.bias)] if layer.use_bias else [])]
    if norm is not None:
        weights = list(folded_weights(kernel, weights[1] if layer.use_bias else None, norm, (-1,)))
    pointwise = getattr(module.layers, f"Conv{rank}")(
        layer.filters,
        1,
        data_format=layer.data_format,
        use_bias=len(weights) == 2,
        activation=None if split else layer.activation,
        name=name,
    )
    parts = [Part(depthwise, [np.asarray(layer.depthwise_kernel)]), Part(pointwise, weights)]
    return parts + _activation(layer, name, activation) if split else parts


@cache
def affine_class() -> Any:
    """Class of a Keras layer: x * factor + offset, per channel along `axis`."""
    module = keras()

    @module.saving.register_keras_serializable(package="edgekit")
    class Affine(module.layers.Layer):  # type: ignore[name-defined]
        def __init__(self, axis: int = -1, **options: Any) -> None:
            super().__init__(**options)
            self.axis = axis

        def build(self, input_shape: Any) -> None:
            side = (input_shape[self.axis],)
            self.factor = self.add_weight(shape=side, initializer="ones", name="factor")
            self.offset = self.add_weight(shape=side, initializer="zeros", name="offset")

        def call(self, x: Any) -> Any:
            shape = [1] * len(x.shape)
            shape[self.axis] = -1
            return x * module.ops.reshape(self.factor, shape) + module.ops.reshape(
                self.offset, shape
            )

        def compute_output_shape(self, input_shape: Any) -> Any:
            return input_shape

        def get_config(self) -> dict[str, Any]:
            return {**super().get_config(), "axis": self.axis}

    return Affine
