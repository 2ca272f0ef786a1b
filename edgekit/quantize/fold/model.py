# SPDX-License-Identifier: Apache-2.0
"""The folded model: flat, without batch norm, equal in its outputs; and how to build on it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from edgekit.model.tf import keras, quiet
from edgekit.quantize.fold.flatten import Flat, Step, flatten
from edgekit.quantize.fold.layers import Part, parts_of
from edgekit.quantize.fold.norm import find_merges
from edgekit.quantize.fold.parts import Kernel, Point
from edgekit.quantize.fold.points import points_of
from edgekit.quantize.fold.rules import IDENTITIES, KERNELS, is_opaque

Wrap = Callable[[Point, Any], Any]
Replace = Callable[[Any], Any]


@dataclass(frozen=True, slots=True, eq=False)
class Folded:
    """`model` gives what the model given gives, to float precision; it shares nothing with it.

    `points` are the activation tensors in the order in which they are computed, `tensors` the
    symbolic tensor of each by name. `merged` maps the path of a batch norm to that of the layer it
    went into, `paths` layers of `model` to paths in the model given. `opaque` are layers of
    `model` inside of which the converter makes tensors that have no point.
    """

    model: Any
    points: tuple[Point, ...]
    kernels: tuple[Kernel, ...]
    tensors: dict[str, Any]
    merged: dict[str, str]
    paths: dict[str, str]
    opaque: tuple[str, ...]
    flat: Flat
    places: dict[int, Point]

    def observer(self) -> Any:
        """A Keras model from the same inputs to the tensors of all points, in their order."""
        return keras().Model(self.model.inputs, [self.tensors[p.name] for p in self.points])

    def rebuild(self, wrap: Wrap | None = None, replace: Replace | None = None) -> Any:
        """The same graph as a new Keras model that shares layers and variables with `model`.

        `wrap(point, tensor)` gives the tensor to go on with at a point, `replace(layer)` the layer
        to call instead of one; a layer that is called twice is asked for once.
        """
        module = keras()
        model = self.model
        inputs = [module.Input(t.shape[1:], dtype=t.dtype, name=t.name) for t in model.inputs]
        values: dict[int, Any] = {}
        _put(values, self.flat.inputs, inputs, self.places, wrap)
        instead: dict[int, Any] = {}
        for step in self.flat.steps:
            if id(step.layer) not in instead:
                instead[id(step.layer)] = replace(step.layer) if replace else step.layer
            given = step.call(instead[id(step.layer)], values)
            _put(values, step.gives, given, self.places, wrap)
        outputs = [values[number] for number in self.flat.outputs]
        return module.Model(inputs, outputs, name=model.name)

    def kernel_of(self, kernel: Kernel) -> Any:
        """The Keras variable of a kernel."""
        return getattr(self.model.get_layer(kernel.layer), kernel.attribute)

    def bias_of(self, kernel: Kernel) -> Any:
        """The Keras variable of its bias, None where there is none."""
        return getattr(self.model.get_layer(kernel.layer), kernel.bias) if kernel.bias else None


def _put(
    values: dict[int, Any],
    numbers: tuple[int, ...],
    tensors: list[Any],
    places: dict[int, Point],
    wrap: Wrap | None,
) -> None:
    for number, tensor in zip(numbers, tensors, strict=True):
        point = places.get(number)
        values[number] = wrap(point, tensor) if wrap and point else tensor


def fold_model(model: Any) -> Folded:
    """Flatten a functional or Sequential Keras model and fold its batch norms; `model` stays.

    Inputs and outputs keep their order and names. Batch norms without a layer to go into become
    `Affine` layers. EdgekitError for subclassed models, and layers that cannot be made again.
    """
    with quiet():
        return _Folding(model).run()


class _Folding:
    def __init__(self, model: Any) -> None:
        self.model = model
        self.source = flatten(model)
        self.merges = find_merges(self.source)
        self.absorbed = {id(norm): key for key, norm in self.merges.items()}
        self.flat = Flat(shapes=dict(self.source.shapes))
        self.alias: dict[int, int] = {}
        self.values: dict[int, Any] = {}
        self.parts: dict[int, list[Part]] = {}
        self.names: dict[str, int] = {}
        self.paths: dict[str, str] = {}

    def run(self) -> Folded:
        module = keras()
        inputs = [
            module.Input(tuple(t.shape[1:]), dtype=t.dtype, name=self._name(t.name))
            for t in self.model.inputs
        ]
        self.flat.inputs = self.source.inputs
        self.values = dict(zip(self.source.inputs, inputs, strict=True))
        for step in self.source.steps:
            self._take(step)
        self.flat.outputs = tuple(self._now(number) for number in self.source.outputs)
        outputs = [self.values[number] for number in self.flat.outputs]
        model = module.Model(inputs, outputs, name=self.model.name)
        return self._folded(model)

    def _folded(self, model: Any) -> Folded:
        places = points_of(self.flat, self.paths, [str(t.name) for t in model.inputs])
        tensors = {point.name: self.values[number] for number, point in places.items()}
        layers = {id(step.layer): step.layer for step in self.flat.steps}.values()
        merged = {
            "/".join(step.path): self._merged_into(step)
            for step in self.source.steps
            if id(step.layer) in self.absorbed
        }
        return Folded(
            model,
            tuple(places.values()),
            tuple(_kernel(layer, self.paths) for layer in layers if _has_kernel(layer)),
            tensors,
            merged,
            self.paths,
            tuple(layer.name for layer in layers if is_opaque(layer)),
            self.flat,
            places,
        )

    def _merged_into(self, norm: Step) -> str:
        wanted = self.absorbed[id(norm.layer)]
        step = next(step for step in self.source.steps if id(step.layer) == wanted)
        return "/".join(step.path)

    def _take(self, step: Step) -> None:
        if step.kind in IDENTITIES or id(step.layer) in self.absorbed:
            self.alias[step.gives[0]] = self._now(step.takes[0])
            return
        key = id(step.layer)
        if key not in self.parts:
            norm = self.merges.get(key)
            self.parts[key] = parts_of(step.layer, self._name(step.layer.name), norm)
        self._emit(step, self.parts[key])

    def _emit(self, step: Step, parts: list[Part]) -> None:
        scope = {key: self._now(number) for key, number in step.scope.items()}
        takes = tuple(self._now(number) for number in step.takes)
        # a call of a batch norm names options that the layer in its place does not have
        arguments = None if step.kind == "BatchNormalization" else step.arguments
        for position, part in enumerate(parts):
            last = position == len(parts) - 1
            gives = step.gives if last else (self.flat.new(self.values[takes[0]]),)
            made = Step(part.layer, step.path, takes, gives, arguments, scope)
            given = made.call(part.layer, self.values)
            part.fill()
            self.values |= dict(zip(gives, given, strict=True))
            self.flat.shapes |= {n: tuple(t.shape) for n, t in zip(gives, given, strict=True)}
            self.flat.steps.append(made)
            self.paths[part.layer.name] = "/".join(step.path)
            takes, arguments, scope = gives, None, {}

    def _now(self, number: int) -> int:
        return self.alias.get(number, number)

    def _name(self, name: str) -> str:
        """A name that no layer of the flat model has yet."""
        count = self.names.get(name, 0)
        self.names[name] = count + 1
        return name if not count else self._name(f"{name}_{count}")


def _has_kernel(layer: Any) -> bool:
    return type(layer).__name__ in KERNELS


def _kernel(layer: Any, paths: dict[str, str]) -> Kernel:
    attribute, axes = KERNELS[type(layer).__name__]
    rank = len(getattr(layer, attribute).shape)
    positive = tuple(axis % rank for axis in axes)
    bias = "bias" if layer.use_bias else ""
    return Kernel(layer.name, paths[layer.name], attribute, positive, bias)
