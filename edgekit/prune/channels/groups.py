# SPDX-License-Identifier: Apache-2.0
"""Groups of channels that can only be removed together, and what a model costs without some."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from edgekit.errors import EdgekitError
from edgekit.prune.channels.trace import Edit, Part, Trace, trace_model

Chosen = Mapping[str, np.ndarray]  # name of a group -> indices of its channels that go


@dataclass(frozen=True, slots=True, eq=False)
class ChannelGroup:
    """Channels that the same layers make; channel `i` of it is one channel of each of them.

    `name` joins the layers that make the channels, `parts` are the variables that run over them,
    `reason` says why none may go, "" where they may. `ids[i]` is what channel `i` is called in
    the parts' axes.
    """

    name: str
    layers: tuple[str, ...]
    ids: np.ndarray
    parts: tuple[Part, ...]
    reason: str = ""

    @property
    def size(self) -> int:
        return len(self.ids)


@dataclass(frozen=True, slots=True, eq=False)
class ChannelMap:
    """All of a model: `groups`, the variables `parts` and configuration `edits` they decide."""

    groups: list[ChannelGroup]
    parts: list[Part]
    edits: list[Edit]


def find_groups(model: Any) -> list[ChannelGroup]:
    """Coupled channels of a Keras model in the order of its layers; frozen ones say why.

    Coupled are channels that an addition (or another elementwise layer) brings together. What is
    concatenated stays apart. EdgekitError for a model without a graph.
    """
    return map_channels(model).groups


def map_channels(model: Any) -> ChannelMap:
    """`find_groups` with the variables and configuration entries that hold the channels."""
    trace = trace_model(model)
    roots, reasons = trace.channels.resolved()
    for part in trace.parts:
        part.axes = {axis: roots[channels] for axis, channels in part.axes.items()}
    edits = [Edit(e.path, e.key, roots[e.channels], e.index) for e in trace.edits]
    return ChannelMap(_groups(trace, reasons), trace.parts, edits)


def _groups(trace: Trace, reasons: Mapping[int, str]) -> list[ChannelGroup]:
    """Channels made by the same set of layers are one group, less those that must stay."""
    makers: dict[int, list[str]] = {}
    for part in trace.parts:
        if part.made is not None and len(part.variable.shape) > 1:
            for channel in dict.fromkeys(part.axes[part.made].tolist()):
                makers.setdefault(channel, []).append(part.layer)
    alike: dict[tuple[tuple[str, ...], str], list[int]] = {}
    for channel, layers in makers.items():
        key = (tuple(dict.fromkeys(layers)), reasons.get(channel, ""))
        alike.setdefault(key, []).append(channel)
    found: list[ChannelGroup] = []
    for (made_by, reason), members in alike.items():
        ids = np.array(members, np.int64)
        parts = tuple(p for p in trace.parts if any(np.isin(a, ids).any() for a in p.axes.values()))
        found.append(ChannelGroup(_name(made_by, reason, found), made_by, ids, parts, reason))
    return found


def _name(layers: Sequence[str], reason: str, others: Iterable[ChannelGroup]) -> str:
    name = "+".join(layers)
    taken = {group.name for group in others}
    return f"{name} ({reason})" if name in taken else name


class Cost:
    """What a model costs while some of its channels are gone.

    `objective` is "macs" (multiply-accumulates of one inference) or "size" (weights, biases and
    statistics). Counted are the layers whose channels are followed. EdgekitError for another
    objective, or "macs" with open shapes.
    """

    def __init__(self, groups: Sequence[ChannelGroup], objective: str) -> None:
        if objective not in ("macs", "size"):
            raise EdgekitError(
                f"there is no objective '{objective}' for channels", hint="one of: macs, size"
            )
        parts = dict.fromkeys(part for group in groups for part in group.parts)
        self._terms = [(_factor(part, objective), part) for part in parts]
        largest = max((int(a.max()) for _, p in self._terms for a in p.axes.values()), default=-1)
        self.stays = np.ones(largest + 1, bool)

    def total(self) -> int:
        return sum(
            factor * int(np.prod([self.stays[axis].sum() for axis in part.axes.values()]))
            for factor, part in self._terms
            if factor
        )

    def without(self, ids: np.ndarray) -> int:
        """The total if the channels `ids` went as well."""
        before = self.stays[ids]
        self.stays[ids] = False
        total = self.total()
        self.stays[ids] = before
        return total


def _factor(part: Part, objective: str) -> int:
    """What each combination of channels on the part's axes costs."""
    others = [side for axis, side in enumerate(part.variable.shape) if axis not in part.axes]
    each = int(np.prod(others, dtype=np.int64))
    if objective == "size":
        return each
    if part.positions is None:
        raise EdgekitError(
            f"'{part.layer}' has an open shape, so its MACs are not known",
            hint="build the model with a fixed keras.Input(shape=...), or use objective 'size'",
        )
    return each * part.positions


def check_chosen(groups: Sequence[ChannelGroup], chosen: Chosen) -> None:
    """EdgekitError for an unknown or frozen group, a channel it lacks, or all of its channels."""
    known = {group.name: group for group in groups}
    for name, indices in chosen.items():
        if name not in known:
            raise EdgekitError(
                f"there is no group of channels '{name}'", hint=f"groups: {', '.join(known)}"
            )
        group, unique = known[name], np.unique(indices)
        if not len(unique):
            continue
        if group.reason:
            raise EdgekitError(
                f"the channels of '{name}' must stay: {group.reason}", hint="leave this group out"
            )
        if unique[0] < 0 or unique[-1] >= group.size:
            raise EdgekitError(
                f"'{name}' has the channels 0 to {group.size - 1}, not {unique[0]} to {unique[-1]}",
                hint="count channels as find_groups does",
            )
        if len(unique) == group.size:
            raise EdgekitError(
                f"all {group.size} channels of '{name}' would go", hint="keep at least one"
            )
