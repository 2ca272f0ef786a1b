# SPDX-License-Identifier: Apache-2.0
"""The kernels of a model: which may be pruned, which are left alone and why."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from edgekit.errors import EdgekitError
from edgekit.prune.layout import DENSE, Layout, layout_of
from edgekit.prune.reading import array_of

SMALLEST = 256  # weights; a smaller kernel saves nothing and is easily hurt
_KERNELS = {
    "Conv1D": ("kernel",),
    "Conv2D": ("kernel",),
    "Conv3D": ("kernel",),
    "Conv1DTranspose": ("kernel",),
    "Conv2DTranspose": ("kernel",),
    "Conv3DTranspose": ("kernel",),
    "Dense": ("kernel",),
    "EinsumDense": ("kernel",),
    "DepthwiseConv1D": ("kernel",),
    "DepthwiseConv2D": ("kernel",),
    "SeparableConv1D": ("depthwise_kernel", "pointwise_kernel"),
    "SeparableConv2D": ("depthwise_kernel", "pointwise_kernel"),
    "SimpleRNNCell": ("kernel", "recurrent_kernel"),
    "GRUCell": ("kernel", "recurrent_kernel"),
    "LSTMCell": ("kernel", "recurrent_kernel"),
    "ConvLSTMCell": ("kernel", "recurrent_kernel"),
}


@dataclass(frozen=True, slots=True, eq=False)
class Kernel:
    """One weight variable. `protected` says why it is not pruned, "" where it is.

    `positions` is how often each weight is used in an inference, None where shapes are open;
    `layer` is the layer (or recurrent cell) whose `call` uses it as its `attribute`.
    """

    name: str
    variable: Any
    protected: str
    positions: int | None
    layer: Any = None
    attribute: str = "kernel"
    layout: Layout = DENSE

    def values(self) -> np.ndarray:
        """A copy, float32 whatever the variable's dtype is."""
        return array_of(self.variable).astype(np.float32)

    def assign(self, values: np.ndarray) -> None:
        self.variable.assign(values.astype(str(self.variable.dtype), copy=False))


@dataclass(frozen=True, slots=True, eq=False)
class _Place:
    """A layer, the layer of the model it lies in (itself mostly), and its name below that."""

    layer: Any
    outer: Any
    name: str


def find_kernels(
    model: Any, keep: Sequence[str] = (), *, none_is_fine: bool = False
) -> list[Kernel]:
    """All kernels of `model` in layer order, nested models and inner layers too, shared ones once.

    Left alone are the first convolution, depthwise kernels, those below SMALLEST weights and the
    layers named in `keep`. EdgekitError where `keep` names no layer, or nothing is left to prune
    and that is not fine.
    """
    kernels: list[Kernel] = []
    seen: set[int] = set()
    first_convolution = True
    for place in _places(model):
        for attribute in _attributes(place.layer):
            variable = getattr(place.layer, attribute, None)
            if variable is None or id(variable) in seen:
                continue
            seen.add(id(variable))
            reason = _protection(place, attribute, variable, first_convolution, keep)
            first_convolution = first_convolution and not _is_convolution(place.layer)
            kernels.append(_kernel(place, attribute, variable, reason))
    _check(kernels, keep, none_is_fine=none_is_fine)
    return kernels


def _kernel(place: _Place, attribute: str, variable: Any, reason: str) -> Kernel:
    name = place.name if attribute == "kernel" else f"{place.name}/{attribute}"
    layout = layout_of(place.layer, attribute, len(variable.shape))
    return Kernel(name, variable, reason, _positions(place), place.layer, attribute, layout)


def _check(kernels: list[Kernel], keep: Sequence[str], *, none_is_fine: bool) -> None:
    unknown = set(keep) - {part for kernel in kernels for part in _prefixes(kernel.name)}
    if unknown:
        raise EdgekitError(
            f"there is no layer with a kernel named '{min(unknown)}'",
            hint=f"layers: {', '.join(kernel.name for kernel in kernels)}",
        )
    if not none_is_fine and all(kernel.protected for kernel in kernels):
        raise EdgekitError(
            "this model has no kernel to prune: the first convolution, depthwise kernels and "
            f"those below {SMALLEST} weights are left alone",
            hint="convert it as it is",
        )


def _prefixes(name: str) -> set[str]:
    parts = name.split("/")
    return {"/".join(parts[:end]) for end in range(1, len(parts) + 1)}


def _places(model: Any) -> Iterator[_Place]:
    """Layers of a model, whatever it is made of; inner layers carry their outer layer's name."""
    for layer in model.layers:
        if getattr(layer, "layers", None):
            yield from _places(layer)
        else:
            yield from _inside(_Place(layer, layer, layer.name))


def _inside(place: _Place) -> Iterator[_Place]:
    if _attributes(place.layer):
        yield place
        return
    for inner in getattr(place.layer, "_layers", ()):
        if getattr(inner, "layers", None):
            yield from _places(inner)
            continue
        own_name = inner.name.startswith(place.layer.name) or inner.name.endswith("_cell")
        name = place.name if own_name else f"{place.name}/{inner.name}"
        outer = place.layer if not getattr(inner, "_inbound_nodes", None) else inner
        yield from _inside(_Place(inner, outer, name))


def inner_layers(model: Any) -> Iterator[Any]:
    """Every layer of a model, those inside of other layers and models too."""
    for layer in getattr(model, "layers", None) or getattr(model, "_layers", None) or ():
        yield layer
        yield from inner_layers(layer)


def _attributes(layer: Any) -> tuple[str, ...]:
    """Attributes of `layer` that hold kernels; those of the nearest known base class."""
    for cls in type(layer).__mro__:
        if cls.__name__ in _KERNELS and cls.__module__.startswith("keras"):
            return _KERNELS[cls.__name__]
    return ()


def _is_convolution(layer: Any) -> bool:
    return "Conv" in type(layer).__name__


def _protection(
    place: _Place, attribute: str, variable: Any, first_convolution: bool, keep: Sequence[str]
) -> str:
    kind = type(place.layer).__name__
    if _prefixes(f"{place.name}/{attribute}") & set(keep) or place.layer.name in keep:
        return "kept by request"
    if first_convolution and _is_convolution(place.layer):
        return "first convolution"
    if "Depthwise" in kind or attribute == "depthwise_kernel":
        return "depthwise"
    if math.prod(variable.shape) < SMALLEST:
        return f"fewer than {SMALLEST} weights"
    return ""


def _positions(place: _Place) -> int | None:
    """Positions at which the kernel is applied: those of the output, of a transpose the input.

    Of inner layers (of attention, of recurrent layers) those of the outer layer's first input.
    """
    inner = place.outer is not place.layer
    try:
        by_input = inner or "Transpose" in type(place.layer).__name__
        tensor = place.outer.input if by_input else place.outer.output
    except (AttributeError, ValueError):
        return None
    if isinstance(tensor, (list, tuple)):
        tensor = tensor[0]
    shape = getattr(tensor, "shape", None)
    sides = list(shape[1:-1]) if shape is not None else [None]
    known = [side for side in sides if side is not None]
    return math.prod(known) if len(known) == len(sides) else None
