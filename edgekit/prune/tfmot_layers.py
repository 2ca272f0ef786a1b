# SPDX-License-Identifier: Apache-2.0
"""A Keras 3 model built again with Keras 2's layers, from its configuration.

Runs in the worker process only; `keras2` is tf_keras, handed in by whoever imported it. What
could come out different is found by whoever compares outputs.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

from edgekit.errors import EdgekitError

_OF_EVERY_LAYER = {"name", "trainable"}
_OBJECTS = ("_regularizer", "_constraint")
# Keras 3's name -> that of Keras 2
_RENAMED = {"negative_slope": "alpha"}


def build_model(keras2: Any, config: Mapping[str, Any]) -> Any:
    """The Keras 2 model of `config`, a Keras 3 model's parsed `to_json()`, weights not set."""
    kind, inner = config["class_name"], config["config"]
    if kind == "Sequential":
        layers = [_layer(keras2, entry) for entry in inner["layers"]]
        return keras2.Sequential(layers, name=inner["name"])
    if kind != "Functional":
        raise EdgekitError(
            f"model '{inner.get('name', kind)}' is of class '{kind}': tensorflow-model-optimization"
            " takes Sequential and functional models",
            hint="use edgekit's own engine, or build the model with keras.Input and keras.Model",
        )
    return _Graph(keras2, inner).model()


class _Graph:
    """A functional model, one call of a layer after the other."""

    def __init__(self, keras2: Any, inner: Mapping[str, Any]) -> None:
        self._keras2 = keras2
        self._inner = inner
        self._layers: dict[str, Any] = {}
        self._results: dict[tuple[str, int], Any] = {}

    def model(self) -> Any:
        waiting = []
        for entry in self._inner["layers"]:
            name = entry["name"]
            self._layers[name] = layer = _layer(self._keras2, entry)
            if entry["class_name"] == "InputLayer":
                self._results[name, 0] = layer.output
            waiting += [(name, place, node) for place, node in enumerate(entry["inbound_nodes"])]
        while waiting:
            ready = [call for call in waiting if self._is_ready(call[2])]
            if not ready:
                raise EdgekitError(f"the graph of '{self._inner['name']}' does not close")
            for name, place, node in ready:
                self._results[name, place] = self._call(name, node)
            waiting = [call for call in waiting if call not in ready]
        inputs, outputs = (
            [self._tensor(*place) for place in _places(self._inner[key])]
            for key in ("input_layers", "output_layers")
        )
        return self._keras2.Model(
            inputs if len(inputs) > 1 else inputs[0],
            outputs if len(outputs) > 1 else outputs[0],
            name=self._inner["name"],
        )

    def _is_ready(self, node: Any) -> bool:
        return all((name, place) in self._results for name, place, _ in _histories(node))

    def _call(self, name: str, node: Mapping[str, Any]) -> Any:
        arguments = [self._value(argument) for argument in node["args"]]
        keywords = {key: self._value(value) for key, value in node["kwargs"].items()}
        keywords = {key: value for key, value in keywords.items() if value is not None}
        return self._layers[name](*arguments, **keywords)

    def _value(self, value: Any) -> Any:
        if isinstance(value, list):
            return [self._value(item) for item in value]
        return self._tensor(*value["config"]["keras_history"]) if _is_tensor(value) else value

    def _tensor(self, name: str, place: int, position: int) -> Any:
        result = self._results[name, place]
        return result[position] if isinstance(result, (list, tuple)) else result


def _is_tensor(value: Any) -> bool:
    return isinstance(value, Mapping) and value.get("class_name") == "__keras_tensor__"


def _histories(value: Any) -> list[tuple[str, int, int]]:
    """Every (layer, call, output) that the arguments of a call refer to."""
    if _is_tensor(value):
        name, place, position = value["config"]["keras_history"]
        return [(name, place, position)]
    if isinstance(value, Mapping):
        value = list(value.values())
    return [found for item in value for found in _histories(item)] if _is_list(value) else []


def _is_list(value: Any) -> bool:
    return isinstance(value, (list, tuple))


def _places(listed: Any) -> list[tuple[str, int, int]]:
    """`["x", 0, 0]` for one, `[["x", 0, 0], ["y", 0, 0]]` for several."""
    if not _is_list(listed):
        raise EdgekitError(
            "a model with named inputs or outputs cannot be handed to Keras 2",
            hint="use edgekit's own engine, or build it with lists of inputs and outputs",
        )
    rows = [listed] if isinstance(listed[0], str) else listed
    return [(row[0], row[1], row[2]) for row in rows]


def _layer(keras2: Any, entry: Mapping[str, Any]) -> Any:
    kind, config = str(entry["class_name"]), dict(entry["config"])
    if "layers" in config:
        return build_model(keras2, entry)
    if kind == "InputLayer":
        return keras2.layers.InputLayer(
            batch_input_shape=config["batch_shape"], dtype=config["dtype"], name=config["name"]
        )
    cls = getattr(keras2.layers, kind, None)
    if cls is None:
        raise EdgekitError(
            f"layer '{config.get('name')}' is of class '{kind}', which Keras 2 does not have",
            hint="use edgekit's own engine, which works on Keras 3",
        )
    return cls.from_config(_settings(keras2, cls, config))


def _settings(keras2: Any, cls: Any, config: dict[str, Any]) -> dict[str, Any]:
    """What Keras 2 knows of a layer's settings. Initial values go: the weights are set anyway."""
    known = _OF_EVERY_LAYER | {
        name
        for base in cls.__mro__
        if "__init__" in vars(base)
        for name in inspect.signature(vars(base)["__init__"]).parameters
    }
    settings: dict[str, Any] = {}
    for key, value in config.items():
        own = _RENAMED.get(key, key) if key not in known else key
        if key == "dtype" or own not in known or own.endswith("_initializer"):
            continue
        if own in ("layer", "backward_layer") and isinstance(value, Mapping):
            config_of = {"class_name": value["class_name"], "config": value["config"]}
            built = _layer(keras2, config_of)
            value = {"class_name": value["class_name"], "config": built.get_config()}
        elif own.endswith(_OBJECTS) and isinstance(value, Mapping):
            value = {"class_name": value["class_name"], "config": value["config"]}
        settings[own] = value
    return settings
