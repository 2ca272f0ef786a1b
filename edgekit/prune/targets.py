# SPDX-License-Identifier: Apache-2.0
"""The kernels of a model: which may be pruned, which are left alone and why."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from edgekit.errors import EdgekitError

SMALLEST = 256  # weights; a smaller kernel saves nothing and is easily hurt
_KERNELS = {
    "Conv1D": ("kernel",),
    "Conv2D": ("kernel",),
    "Conv3D": ("kernel",),
    "Conv1DTranspose": ("kernel",),
    "Conv2DTranspose": ("kernel",),
    "Dense": ("kernel",),
    "EinsumDense": ("kernel",),
    "DepthwiseConv1D": ("kernel",),
    "DepthwiseConv2D": ("kernel",),
    "SeparableConv1D": ("depthwise_kernel", "pointwise_kernel"),
    "SeparableConv2D": ("depthwise_kernel", "pointwise_kernel"),
}


@dataclass(frozen=True, slots=True, eq=False)
class Kernel:
    """One weight variable. `protected` says why it is not pruned, "" where it is.

    `positions` is how often each weight is used in an inference, None where shapes are open.
    """

    name: str
    variable: Any
    protected: str
    positions: int | None

    def values(self) -> np.ndarray:
        return np.asarray(self.variable)


def find_kernels(model: Any, keep: Sequence[str] = ()) -> list[Kernel]:
    """All kernels of a Keras model in the order of its layers, each variable once.

    Protected are the first convolution, depthwise kernels, those below SMALLEST weights and the
    layers named in `keep`. EdgekitError where nothing is left to prune or `keep` names no layer.
    """
    kernels: list[Kernel] = []
    seen: set[int] = set()
    first_convolution = True
    for layer in _leaves(model):
        for attribute in _attributes(layer):
            variable = getattr(layer, attribute)
            if id(variable) in seen:
                continue
            seen.add(id(variable))
            convolution = "Conv" in type(layer).__name__
            reason = _protection(layer, attribute, variable, first_convolution, keep)
            first_convolution = first_convolution and not convolution
            name = layer.name if attribute == "kernel" else f"{layer.name}/{attribute}"
            kernels.append(Kernel(name, variable, reason, _positions(layer)))
    _check(kernels, keep)
    return kernels


def _check(kernels: list[Kernel], keep: Sequence[str]) -> None:
    unknown = set(keep) - {kernel.name.split("/")[0] for kernel in kernels}
    if unknown:
        raise EdgekitError(
            f"there is no layer with a kernel named '{min(unknown)}'",
            hint=f"layers: {', '.join(kernel.name for kernel in kernels)}",
        )
    if all(kernel.protected for kernel in kernels):
        raise EdgekitError(
            "this model has no kernel to prune: the first convolution, depthwise kernels and "
            f"those below {SMALLEST} weights are left alone",
            hint="convert it as it is",
        )


def _leaves(model: Any) -> Iterator[Any]:
    for layer in model.layers:
        if getattr(layer, "layers", None):
            yield from _leaves(layer)
        else:
            yield layer


def _attributes(layer: Any) -> tuple[str, ...]:
    """Attributes of `layer` that hold kernels; those of the nearest known base class."""
    for cls in type(layer).__mro__:
        if cls.__name__ in _KERNELS and cls.__module__.startswith("keras"):
            return _KERNELS[cls.__name__]
    return ()


def _protection(
    layer: Any, attribute: str, variable: Any, first_convolution: bool, keep: Sequence[str]
) -> str:
    if layer.name in keep:
        return "kept by request"
    if first_convolution and "Conv" in type(layer).__name__:
        return "first convolution"
    if "Depthwise" in type(layer).__name__ or attribute == "depthwise_kernel":
        return "depthwise"
    if math.prod(variable.shape) < SMALLEST:
        return f"fewer than {SMALLEST} weights"
    return ""


def _positions(layer: Any) -> int | None:
    """Positions at which the kernel is applied: those of the output, of a transpose the input."""
    try:
        tensor = layer.input if "Transpose" in type(layer).__name__ else layer.output
    except (AttributeError, ValueError):
        return None
    shape = getattr(tensor, "shape", None)
    sides = list(shape[1:-1]) if shape is not None else [None]
    known = [side for side in sides if side is not None]
    return math.prod(known) if len(known) == len(sides) else None
