# SPDX-License-Identifier: Apache-2.0
"""What a channel is worth: one score per channel of each group, over all layers coupled in it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from edgekit.errors import EdgekitError
from edgekit.prune.channels.groups import ChannelGroup
from edgekit.prune.channels.trace import Part

Scores = Mapping[str, np.ndarray]  # name of a group -> one score per channel
Gradients = Mapping[int, np.ndarray]  # id(variable) -> gradient of the loss, its shape


def group_scores(
    groups: Sequence[ChannelGroup],
    method: str = "l2",
    gradients: Sequence[Gradients] = (),
) -> dict[str, np.ndarray]:
    """One float64 score per channel of each group that may lose some.

    "l1" and "l2" are the norms of the filters that make a channel, summed over the coupled
    layers, each layer's norms divided by their mean so that layers count alike. "taylor" is
    Molchanov et al. 2019 (arXiv:1906.10771): the mean over `gradients` (one mapping per batch) of
    the squared first-order change of the loss when the channel goes. EdgekitError for another
    method, or for "taylor" without gradients.
    """
    free = [group for group in groups if not group.reason]
    if method == "taylor":
        if not gradients:
            raise EdgekitError(
                "Taylor scores of channels need gradients, so they need labelled data",
                hint="give data with labels, or use the method 'l2'",
            )
        return {group.name: _taylor(group, gradients) for group in free}
    if method not in NORMS:
        raise EdgekitError(
            f"there is no channel score '{method}'", hint=f"one of: {', '.join(METHODS)}"
        )
    return {group.name: _norms(group, NORMS[method]) for group in free}


def summed_scores(
    groups: Sequence[ChannelGroup], weights: Mapping[int, np.ndarray]
) -> dict[str, np.ndarray]:
    """Scores of channels from scores of weights in the measure of |w|, id(variable) -> scores.

    A channel's is the sum of the squares over the filters that make it; filters without scores
    count as zero.
    """
    found = {}
    for group in (group for group in groups if not group.reason):
        total = np.zeros(group.size)
        for part in group.parts:
            if _makes(part, group) and id(part.variable) in weights:
                values = np.asarray(weights[id(part.variable)], np.float64)
                places, rows = _rows(group, part, part.made or 0, values)
                np.add.at(total, places, np.square(rows).sum(axis=1))
        found[group.name] = total
    return found


def _l1(values: np.ndarray) -> np.ndarray:
    return np.abs(values).sum(axis=1)


def _l2(values: np.ndarray) -> np.ndarray:
    return np.sqrt(np.square(values).sum(axis=1))


NORMS: dict[str, Callable[[np.ndarray], np.ndarray]] = {"l1": _l1, "l2": _l2}
METHODS = (*NORMS, "taylor")


def _norms(group: ChannelGroup, norm: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    total = np.zeros(group.size)
    for part in group.parts:
        if not _makes(part, group) or len(part.variable.shape) < 2:
            continue
        axis = part.made or 0
        places, rows = _rows(group, part, axis, np.asarray(part.variable, np.float64))
        each = norm(rows)
        np.add.at(total, places, each / (each.mean() or 1.0))
    return total


def _taylor(group: ChannelGroup, gradients: Sequence[Gradients]) -> np.ndarray:
    """Where a channel passes a batch normalization its scale and shift are the gate, else the
    filter and bias that make it."""
    gates = [part for part in group.parts if part.attribute in ("gamma", "beta")]
    gates = gates or [part for part in group.parts if _makes(part, group)]
    total = np.zeros(group.size)
    for batch in gradients:
        change = np.zeros(group.size)
        for part in gates:
            axis = part.made or 0
            product = np.asarray(part.variable, np.float64) * batch[id(part.variable)]
            places, rows = _rows(group, part, axis, product)
            np.add.at(change, places, rows.sum(axis=1))
        total += change**2
    return total / len(gradients)


def _makes(part: Part, group: ChannelGroup) -> bool:
    return part.made is not None and bool(np.isin(part.axes[part.made], group.ids).any())


def _rows(
    group: ChannelGroup, part: Part, axis: int, values: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """For each index of `axis` in the group: its channel's place, and its values as a row."""
    order = {channel: place for place, channel in enumerate(group.ids.tolist())}
    ids = part.axes[axis]
    inside = np.flatnonzero(np.isin(ids, group.ids))
    rows = np.moveaxis(values, axis, 0)[inside].reshape(len(inside), -1)
    return np.array([order[channel] for channel in ids[inside].tolist()], np.int64), rows
