# SPDX-License-Identifier: Apache-2.0
"""One call from a model and a target to a smaller model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from edgekit.prune.channels.choose import MULTIPLE, choose_channels
from edgekit.prune.channels.groups import ChannelGroup, Cost, find_groups
from edgekit.prune.channels.rebuild import remove_channels
from edgekit.prune.channels.scores import Gradients, Scores, group_scores


@dataclass(frozen=True, slots=True)
class ChannelPlan:
    """How channels are chosen; see `choose_channels`. `keep` names layers to leave whole.

    `spread` "" is "greedy" for Taylor scores, which say what is lost, and "uniform" for norms,
    which do not compare from group to group.
    """

    objective: str = "macs"
    method: str = "l2"
    spread: str = ""
    multiple: int = MULTIPLE
    keep: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class GroupRow:
    """One group before and after; `reason` says why it was left whole, "" where it could go."""

    name: str
    before: int
    after: int
    reason: str


@dataclass(frozen=True, slots=True, eq=False)
class Removed:
    """A smaller `model` and what went: counts of MACs (None with open shapes) and of weights."""

    model: Any
    groups: tuple[GroupRow, ...]
    macs: dict[str, int] | None
    weights: dict[str, int]
    share: float


def prune_channels(
    model: Any,
    fraction: float,
    plan: ChannelPlan | None = None,
    *,
    gradients: Sequence[Gradients] = (),
    scores: Scores | None = None,
) -> Removed:
    """A copy of `model` without whole channels that hold `fraction` of its MACs (or weights).

    `scores` (name of a group -> one value per channel) take the place of the plan's method;
    `gradients` are for the method "taylor". `model` itself stays as it is. EdgekitError as
    `choose_channels` and `remove_channels` raise it.
    """
    plan = plan or ChannelPlan()
    groups = find_groups(model)
    if scores is None:
        scores = group_scores(groups, plan.method, gradients)
    chosen = choose_channels(
        groups,
        scores,
        fraction,
        objective=plan.objective,
        multiple=plan.multiple,
        spread=plan.spread or ("greedy" if plan.method == "taylor" else "uniform"),
        keep=plan.keep,
    )
    macs = None if _open(groups) else _both(groups, chosen, "macs")
    weights = _both(groups, chosen, "size")
    share = macs if plan.objective == "macs" and macs else weights
    rows = tuple(
        GroupRow(g.name, g.size, g.size - len(chosen.get(g.name, ())), g.reason) for g in groups
    )
    smaller = remove_channels(model, chosen)
    return Removed(smaller, rows, macs, weights, 1.0 - share["after"] / share["before"])


def _open(groups: Sequence[ChannelGroup]) -> bool:
    return any(part.positions is None for group in groups for part in group.parts)


def _both(
    groups: Sequence[ChannelGroup], chosen: dict[str, np.ndarray], objective: str
) -> dict[str, int]:
    cost = Cost(groups, objective)
    before = cost.total()
    for group in groups:
        cost.stays[group.ids[np.asarray(chosen.get(group.name, ()), np.int64)]] = False
    return {"before": before, "after": cost.total()}
