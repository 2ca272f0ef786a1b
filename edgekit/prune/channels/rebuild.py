# SPDX-License-Identifier: Apache-2.0
"""The smaller model: the same configuration with fewer units, and the weights that stay."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from edgekit.errors import EdgekitError
from edgekit.model.tf import keras, quiet
from edgekit.prune.channels.groups import ChannelMap, Chosen, check_chosen, map_channels
from edgekit.prune.channels.trace import Edit, Path


def remove_channels(model: Any, chosen: Chosen) -> Any:
    """A new Keras model without the channels `chosen` (name of a group -> indices).

    It is an ordinary model, not compiled, with the names and the other weights of `model`, which
    stays as it is. Where the removed channels were zero its outputs are the same, to float error.
    EdgekitError for channels that must stay, and where the layers cannot be built anew.
    """
    channels = map_channels(model)
    check_chosen(channels.groups, chosen)
    stays = _stays(channels, chosen)
    config = model.get_config()
    for edit in channels.edits:
        _apply(config, edit, int(stays[edit.channels].sum()))
    smaller = _build(model, config)
    _copy_weights(model, smaller, channels, stays)
    return smaller


def _stays(channels: ChannelMap, chosen: Chosen) -> np.ndarray:
    everything = [ids for part in channels.parts for ids in part.axes.values()]
    everything += [edit.channels for edit in channels.edits]
    stays = np.ones(max((int(ids.max()) for ids in everything if len(ids)), default=-1) + 1, bool)
    for group in channels.groups:
        stays[group.ids[np.asarray(chosen.get(group.name, ()), np.int64)]] = False
    return stays


def _apply(config: dict[str, Any], edit: Edit, count: int) -> None:
    for name in edit.path:
        config = _entry(config, name)["config"]
    if edit.index is None:
        config[edit.key] = count
        return
    values = list(config[edit.key])
    values[edit.index] = count
    config[edit.key] = values


def _entry(config: dict[str, Any], name: str) -> dict[str, Any]:
    return next(e for e in config["layers"] if e.get("name", e["config"].get("name")) == name)


def _forget_builds(config: dict[str, Any]) -> None:
    """Layers are built when they are called, by shapes as they then are."""
    config.pop("build_input_shape", None)
    for entry in config.get("layers", ()):
        entry.pop("build_config", None)
        if isinstance(entry.get("config"), dict):
            _forget_builds(entry["config"])


def _build(model: Any, config: dict[str, Any]) -> Any:
    _forget_builds(config)
    objects = {}
    for _, layer in _leaves(model, ()):
        objects[type(layer).__name__] = type(layer)
        for value in vars(layer).values():
            if callable(value) and hasattr(value, "__name__"):
                objects[value.__name__] = value
    custom = {k: v for k, v in objects.items() if not str(v.__module__).startswith("keras.")}
    try:
        with quiet(), keras().saving.custom_object_scope(custom):
            return type(model).from_config(config)
    except Exception as error:
        raise EdgekitError(
            f"'{model.name}' cannot be built with fewer channels: "
            f"{type(error).__name__}: {str(error).splitlines()[0][:160]}",
            hint="do its custom layers have get_config()? or prune with another --structure",
        ) from error


def _copy_weights(model: Any, smaller: Any, channels: ChannelMap, stays: np.ndarray) -> None:
    sliced: dict[int, np.ndarray] = {}
    for part in channels.parts:
        values = np.asarray(part.variable)
        for axis, ids in part.axes.items():
            values = np.compress(stays[ids], values, axis=axis)
        sliced[id(part.variable)] = values
    new = dict(_leaves(smaller, ()))
    for path, layer in _leaves(model, ()):
        for before, after in zip(layer.weights, new[path].weights, strict=True):
            after.assign(sliced.get(id(before), np.asarray(before)))


def _leaves(model: Any, path: Path) -> Iterator[tuple[Path, Any]]:
    for layer in model.layers:
        below = (*path, layer.name)
        if getattr(layer, "layers", None) and hasattr(layer, "inputs"):
            yield from _leaves(layer, below)
        else:
            yield below, layer
