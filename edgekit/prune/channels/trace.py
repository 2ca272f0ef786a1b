# SPDX-License-Identifier: Apache-2.0
"""Follow channels through the graph of a Keras model, into nested models and shared layers."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from edgekit.errors import EdgekitError
from edgekit.prune.channels.ids import Channels

Path = tuple[str, ...]  # names from the outermost model down to a layer


@dataclass(slots=True, eq=False)
class Part:
    """One variable whose axes run over channels: axis -> the channel at each index.

    `made` is the axis over the channels that this layer makes, None where it makes none.
    `positions` is how often an inference multiplies by each weight: 0 for biases and statistics,
    None where an open shape leaves it unknown.
    """

    path: Path
    attribute: str
    variable: Any
    axes: dict[int, np.ndarray]
    made: int | None = None
    positions: int | None = 0

    @property
    def layer(self) -> str:
        return "/".join(self.path)


@dataclass(frozen=True, slots=True, eq=False)
class Edit:
    """`config[key]` (or `config[key][index]`) of a layer is the number of channels left."""

    path: Path
    key: str
    channels: np.ndarray
    index: int | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Call:
    """One use of a layer: per input tensor its channels along the last axis, and all shapes."""

    layer: Any
    path: Path
    inputs: list[np.ndarray]
    shapes: list[tuple[int | None, ...]]
    out_shape: tuple[int | None, ...]
    node: Any

    @property
    def kind(self) -> str:
        return type(self.layer).__name__


@dataclass(slots=True, eq=False)
class Trace:
    """What a walk through a model found: variables, configuration entries and couplings."""

    channels: Channels = field(default_factory=Channels)
    parts: list[Part] = field(default_factory=list)
    edits: list[Edit] = field(default_factory=list)
    _seen: dict[int, tuple[Path, list[np.ndarray], np.ndarray]] = field(default_factory=dict)

    def part(self, call: Call, attribute: str, axes: dict[int, np.ndarray], **more: Any) -> None:
        """Note a variable of the layer; one that the layer does not have is passed over."""
        variable = getattr(call.layer, attribute, None)
        if variable is not None:
            self.parts.append(Part(call.path, attribute, variable, axes, **more))

    def visit(self, call: Call) -> np.ndarray:
        """The channels of what `call` gives, after noting what it does with its inputs."""
        if id(call.layer) in self._seen:
            return self._again(call)
        out = self._first(call)
        if getattr(call.layer, "weights", None) or call.kind == "Reshape":
            self._seen[id(call.layer)] = (call.path, call.inputs, out)
        return out

    def _first(self, call: Call) -> np.ndarray:
        from edgekit.prune.channels.rules import rule_for

        out = rule_for(call.layer)(self, call)
        if out is None:
            return self.stop(call, f"'{call.path[-1]}' ({call.kind}) uses its channels together")
        return out

    def stop(self, call: Call, reason: str) -> np.ndarray:
        """Freeze what goes into `call` and what comes out of it."""
        for channels in call.inputs:
            self.channels.freeze(channels, reason)
        out = self.channels.fresh(call.out_shape[-1] or 1 if call.out_shape else 1)
        self.channels.freeze(out, reason)
        return out

    def _again(self, call: Call) -> np.ndarray:
        path, inputs, out = self._seen[id(call.layer)]
        if path != call.path:
            raise EdgekitError(
                f"layer '{'/'.join(path)}' is part of two nested models, so it has no one place",
                hint="prune this model with another --structure",
            )
        for before, now in zip(inputs, call.inputs, strict=True):
            if len(before) != len(now):
                return self.stop(call, f"'{path[-1]}' is used with inputs of different widths")
            self.channels.join(before, now)
        for part in self.parts:
            if part.path == path and part.positions:
                more = positions_of(call)
                part.positions = None if more is None else part.positions + more
        return out if len(out) == call.out_shape[-1] else self.stop(call, "shared")


def positions_of(call: Call) -> int | None:
    """Places at which a kernel is applied: those of the output, of a transpose the input."""
    shape = call.shapes[0] if "Transpose" in call.kind else call.out_shape
    sides = [side for side in shape[1:-1] if side is not None]
    return math.prod(sides) if len(sides) == len(shape[1:-1]) else None


def trace_model(model: Any) -> Trace:
    """Follow the channels of `model`; its inputs and outputs stay as wide as they are.

    EdgekitError for a model without a graph (subclassed) or a layer in two nested models.
    """
    if not getattr(model, "inputs", None) or not hasattr(_graph(model), "_nodes_by_depth"):
        raise EdgekitError(
            f"model '{getattr(model, 'name', model)}' has no graph of layers to follow",
            hint="whole channels are removed from Sequential and functional models",
        )
    trace = Trace()
    inputs = [trace.channels.fresh(_width(tensor.shape)) for tensor in model.inputs]
    for channels in inputs:
        trace.channels.freeze(channels, "input of the model")
    for channels in _run(trace, model, inputs, ()):
        trace.channels.freeze(channels, "output of the model")
    return trace


def _run(trace: Trace, model: Any, inputs: Sequence[np.ndarray], path: Path) -> list[np.ndarray]:
    graph = _graph(model)
    known: dict[int, np.ndarray] = {}
    for tensor, channels in zip(model.inputs, inputs, strict=True):
        known[id(tensor)] = channels
        name = tensor._keras_history.operation.name
        if path and tensor.shape[1:]:
            trace.edits.append(Edit((*path, name), "batch_shape", channels, -1))
    for node in _nodes(graph):
        if node.is_input or id(node.outputs[0]) in known:
            continue
        given = [known[id(tensor)] for tensor in node.input_tensors]
        results = _apply(trace, node, given, path)
        known |= {id(t): ids for t, ids in zip(node.outputs, results, strict=True)}
    return [known[id(tensor)] for tensor in model.outputs]


def _apply(trace: Trace, node: Any, given: list[np.ndarray], path: Path) -> list[np.ndarray]:
    layer = node.operation
    below = (*path, layer.name)
    if getattr(layer, "inputs", None) and hasattr(_graph(layer), "_nodes_by_depth"):
        return _run(trace, layer, given, below)
    shapes = [tuple(tensor.shape) for tensor in node.input_tensors]
    calls = [
        Call(layer, below, given, shapes, tuple(tensor.shape), node) for tensor in node.outputs
    ]
    if len(calls) == 1:
        return [trace.visit(calls[0])]
    return [trace.stop(call, f"'{layer.name}' has several outputs") for call in calls]


def _nodes(graph: Any) -> Iterator[Any]:
    """Nodes from the inputs to the outputs, each after all that it needs."""
    for depth in sorted(graph._nodes_by_depth, reverse=True):
        yield from graph._nodes_by_depth[depth]


def _graph(model: Any) -> Any:
    """What holds the nodes: a functional model itself, the inside of a Sequential."""
    return getattr(model, "_functional", None) or model


def _width(shape: Sequence[int | None]) -> int:
    return (shape[-1] if len(shape) > 1 else 1) or 1
