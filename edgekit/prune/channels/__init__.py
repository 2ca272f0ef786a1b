# SPDX-License-Identifier: Apache-2.0
"""Whole channels: found coupled in the graph, scored, and removed from the model for good.

`find_groups` -> `group_scores` -> `choose_channels` -> `remove_channels`; `prune_channels` is all
of them in one call.
"""

from __future__ import annotations

from edgekit.prune.channels.choose import choose_channels
from edgekit.prune.channels.groups import ChannelGroup, Cost, find_groups
from edgekit.prune.channels.prune import ChannelPlan, Removed, prune_channels
from edgekit.prune.channels.rebuild import remove_channels
from edgekit.prune.channels.scores import group_scores, summed_scores

__all__ = [
    "ChannelGroup",
    "ChannelPlan",
    "Cost",
    "Removed",
    "choose_channels",
    "find_groups",
    "group_scores",
    "prune_channels",
    "remove_channels",
    "summed_scores",
]
