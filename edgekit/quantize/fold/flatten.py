# SPDX-License-Identifier: Apache-2.0
"""The calls of layers in a functional or Sequential model, nested models opened, in order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from edgekit.errors import EdgekitError

Path = tuple[str, ...]  # names from the outermost model down to a layer


@dataclass(slots=True, eq=False)
class Step:
    """One call of a layer: `takes` and `gives` are numbers of tensors.

    `arguments` are the call's as Keras noted them (None: the tensors alone), `scope` the numbers
    of the symbolic tensors in them, by id.
    """

    layer: Any
    path: Path
    takes: tuple[int, ...]
    gives: tuple[int, ...]
    arguments: Any
    scope: Mapping[int, int]

    @property
    def kind(self) -> str:
        return type(self.layer).__name__

    def call(self, layer: Any, values: Mapping[int, Any]) -> list[Any]:
        """What `layer` gives for the tensors `values` (by number) in place of this step's own."""
        if self.arguments is None:
            found = layer(*(values[number] for number in self.takes))
        else:
            given = {key: values[number] for key, number in self.scope.items()}
            positional, named = self.arguments.fill_in(given)
            found = layer(*positional, **named)
        return _flat(found)


@dataclass(slots=True, eq=False)
class Flat:
    """Steps in an order in which they can be run, from `inputs` to `outputs` (tensor numbers)."""

    inputs: tuple[int, ...] = ()
    outputs: tuple[int, ...] = ()
    steps: list[Step] = field(default_factory=list)
    shapes: dict[int, tuple[int | None, ...]] = field(default_factory=dict)

    def new(self, tensor: Any) -> int:
        number = len(self.shapes)
        self.shapes[number] = tuple(tensor.shape)
        return number

    def users(self) -> dict[int, list[Step]]:
        """Tensor number -> the steps that take it, one entry per use."""
        found: dict[int, list[Step]] = {number: [] for number in self.shapes}
        for step in self.steps:
            for number in step.takes:
                found[number].append(step)
        return found


def can_flatten(model: Any) -> bool:
    """Whether `model` has a graph of layers: functional or Sequential, not subclassed."""
    inputs = getattr(model, "inputs", None)
    return bool(inputs) and hasattr(graph_of(model), "_nodes_by_depth")


def flatten(model: Any) -> Flat:
    """EdgekitError for a model without a graph of layers."""
    if not can_flatten(model):
        raise EdgekitError(
            f"model '{getattr(model, 'name', model)}' has no graph of layers to follow",
            hint="build it with keras.Input and keras.Model, or as keras.Sequential",
        )
    flat = Flat()
    flat.inputs = tuple(flat.new(tensor) for tensor in model.inputs)
    flat.outputs = _run(flat, model, flat.inputs, ())
    return flat


def _run(flat: Flat, model: Any, given: tuple[int, ...], path: Path) -> tuple[int, ...]:
    known = {id(t): number for t, number in zip(model.inputs, given, strict=True)}
    graph = graph_of(model)
    for depth in sorted(graph._nodes_by_depth, reverse=True):
        for node in graph._nodes_by_depth[depth]:
            if node.is_input or id(node.outputs[0]) in known:
                continue
            gives = _step(flat, node, known, path)
            known |= {id(t): number for t, number in zip(node.outputs, gives, strict=True)}
    return tuple(known[id(tensor)] for tensor in model.outputs)


def _step(flat: Flat, node: Any, known: dict[int, int], path: Path) -> tuple[int, ...]:
    layer = node.operation
    takes = tuple(known[id(tensor)] for tensor in node.input_tensors)
    below = (*path, layer.name)
    if can_flatten(layer) and len(takes) == len(layer.inputs):
        return _run(flat, layer, takes, below)
    gives = tuple(flat.new(tensor) for tensor in node.outputs)
    scope = {id(tensor): known[id(tensor)] for tensor in node.input_tensors}
    flat.steps.append(Step(layer, below, takes, gives, node.arguments, scope))
    return gives


def _flat(found: Any) -> list[Any]:
    """Tensors of a structure in the order in which Keras counts a layer's outputs."""
    from edgekit.model.tf import keras

    return list(keras().tree.flatten(found))


def graph_of(model: Any) -> Any:
    """What holds the nodes: a functional model itself, the inside of a Sequential."""
    return getattr(model, "_functional", None) or model
