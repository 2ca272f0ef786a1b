# SPDX-License-Identifier: Apache-2.0
"""Which channels go, so that a share of the MACs or of the weights goes with them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from edgekit.errors import EdgekitError
from edgekit.prune.channels.groups import ChannelGroup, Cost
from edgekit.prune.channels.scores import Scores

MULTIPLE = 4  # kernels take channels in fours; a rest costs as much as a full four
LEAST = 0.125  # of a group's channels always stay
SPREADS = ("greedy", "uniform")


def choose_channels(
    groups: Sequence[ChannelGroup],
    scores: Scores,
    target: float,
    *,
    objective: str = "macs",
    multiple: int = MULTIPLE,
    spread: str = "greedy",
    keep: Sequence[str] = (),
) -> dict[str, np.ndarray]:
    """Channels to remove, name of a group -> indices, for at least `target` of the `objective`.

    `spread` "greedy" takes, four by four, the channels with the lowest score per MAC (or weight)
    saved; "uniform" takes the same share of every group. A group keeps a multiple of `multiple`
    channels and at least an eighth of them; groups with a layer in `keep` are left alone.
    EdgekitError where the target cannot be reached.
    """
    _check(target, multiple, spread)
    cost = Cost(groups, objective)
    kept = set(keep)
    free = [
        g
        for g in groups
        if not g.reason and not kept & _words(g) and scores.get(g.name) is not None
    ]
    orders = {g.name: np.argsort(scores[g.name], kind="stable") for g in free}
    limit = cost.total() * (1.0 - target)
    _check_reachable(groups, free, orders, cost, target, multiple)
    if spread == "uniform":
        counts = _uniform(free, orders, cost, limit, multiple)
    else:
        counts = _greedy(free, scores, orders, cost, limit, multiple)
    return {name: np.sort(orders[name][:count]) for name, count in counts.items() if count}


def _words(group: ChannelGroup) -> set[str]:
    return {group.name, *group.layers, *(layer.split("/")[-1] for layer in group.layers)}


def least_kept(group: ChannelGroup, multiple: int) -> int:
    """How many channels of the group stay at least."""
    wanted = max(1, int(np.ceil(LEAST * group.size)))
    return min(group.size, -(-wanted // multiple) * multiple)


def _steps(group: ChannelGroup, gone: int, multiple: int) -> int:
    """How many more channels go in the next step, 0 at the end."""
    left = group.size - gone
    after = (left - 1) // multiple * multiple
    return left - after if after >= least_kept(group, multiple) else 0


def _greedy(
    free: Sequence[ChannelGroup],
    scores: Scores,
    orders: dict[str, np.ndarray],
    cost: Cost,
    limit: float,
    multiple: int,
) -> dict[str, int]:
    gone = {group.name: 0 for group in free}
    taken: list[tuple[ChannelGroup, np.ndarray]] = []
    now = cost.total()
    while now > limit:
        group, ids = _cheapest(free, scores, orders, gone, cost, now, limit, multiple)
        gone[group.name] += len(ids)
        cost.stays[ids] = False
        now = cost.total()
        taken.append((group, ids))
    for group, ids in taken[::-1]:
        if _can_come_back(group, ids, orders, gone, cost, limit):
            gone[group.name] -= len(ids)
    return gone


def _can_come_back(
    group: ChannelGroup,
    ids: np.ndarray,
    orders: dict[str, np.ndarray],
    gone: dict[str, int],
    cost: Cost,
    limit: float,
) -> bool:
    """Give back the last channels taken from a group where the target is met without them."""
    count = gone[group.name]
    last = group.ids[orders[group.name][count - len(ids) : count]]
    if not np.array_equal(last, ids):
        return False
    cost.stays[ids] = True
    if cost.total() <= limit:
        return True
    cost.stays[ids] = False
    return False


def _cheapest(
    free: Sequence[ChannelGroup],
    scores: Scores,
    orders: dict[str, np.ndarray],
    gone: dict[str, int],
    cost: Cost,
    now: int,
    limit: float,
    multiple: int,
) -> tuple[ChannelGroup, np.ndarray]:
    """The next channels to go: least score per saving; at the last step simply least score."""
    found = []
    for group in free:
        first = gone[group.name]
        if step := _steps(group, first, multiple):
            places = orders[group.name][first : first + step]
            left = cost.without(group.ids[places])
            found.append((float(scores[group.name][places].sum()), left, group, group.ids[places]))
    best = min(found, key=lambda each: each[0] / max(now - each[1], 1))
    if best[1] <= limit:
        best = min((each for each in found if each[1] <= limit), key=lambda each: each[0])
    return best[2], best[3]


def _uniform(
    free: Sequence[ChannelGroup],
    orders: dict[str, np.ndarray],
    cost: Cost,
    limit: float,
    multiple: int,
) -> dict[str, int]:
    """The smallest share of every group that is enough, in parts of a thousand."""
    for share in np.arange(1, 1001) / 1000:
        counts = {group.name: _rounded(group, share, multiple) for group in free}
        ids = [g.ids[orders[g.name][: counts[g.name]]] for g in free]
        if cost.without(np.concatenate(ids)) <= limit:
            return counts
    raise AssertionError("the target was found to be reachable")


def _rounded(group: ChannelGroup, share: float, multiple: int) -> int:
    """Channels that go, so that what stays is the multiple nearest to 1 - share."""
    stays = round(group.size * (1 - share) / multiple) * multiple
    stays = min(max(stays, least_kept(group, multiple)), group.size)
    return group.size - stays


def _check(target: float, multiple: int, spread: str) -> None:
    if not 0.0 < target < 1.0:
        raise EdgekitError(
            f"the share to remove is {target:g}, and it lies between 0 and 1",
            hint="give 0.5 to remove half",
        )
    if multiple < 1:
        raise EdgekitError(
            f"channels cannot be kept in multiples of {multiple}", hint="give 1, 4 or 8"
        )
    if spread not in SPREADS:
        raise EdgekitError(f"there is no spread '{spread}'", hint=f"one of: {', '.join(SPREADS)}")


def _check_reachable(
    groups: Sequence[ChannelGroup],
    free: Sequence[ChannelGroup],
    orders: dict[str, np.ndarray],
    cost: Cost,
    target: float,
    multiple: int,
) -> None:
    most = [g.ids[orders[g.name][: g.size - least_kept(g, multiple)]] for g in free]
    ids = np.concatenate(most) if most else np.zeros(0, np.int64)
    best = 1.0 - cost.without(ids) / max(cost.total(), 1)
    if best >= target:
        return
    names = {group.name for group in free}
    stay = [g.name for g in groups if g.name not in names]
    raise EdgekitError(
        f"removing channels saves at most {100 * best:.1f} % here, and {100 * target:.1f} % "
        f"was asked for; these stay whole: {', '.join(stay) or 'none'}",
        hint=f"ask for at most {int(1000 * best) / 1000:g}, or a smaller multiple of channels",
    )
