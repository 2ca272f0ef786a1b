# SPDX-License-Identifier: Apache-2.0
"""Points that have one range because an op joins them: it copies their integers into one tensor.

TensorFlow's quantizer gives the inputs of such an op the range of its output; training with ranges
of their own would round them to steps that the file does not have.
"""

from __future__ import annotations

from collections.abc import Mapping

from edgekit.quantize.fold import Folded
from edgekit.quantize.fold.rules import JOINING

Range = tuple[float, float]


def joined_points(folded: Folded) -> dict[str, str]:
    """Name of a point -> the point whose range it has, for all that are joined and have no other.

    That is the last of them: the joining op's output, which holds the values of all. Inputs of the
    model and points with a prescribed range keep their own.
    """
    own = {point.name for point in folded.points if point.role == "input" or point.fixed}
    found: dict[str, str] = {}
    for step in folded.flat.steps:
        if step.kind not in JOINING:
            continue
        points = [folded.places.get(number) for number in (*step.takes, *step.gives)]
        roots = [point.same_as or point.name for point in points if point is not None]
        last = roots[-1] if roots else ""
        before = {found.get(root, root) for root in roots} - own
        found |= {name: last for name, of in found.items() if of in before}
        found |= dict.fromkeys(before, last)
    return found


def joined_ranges(ranges: Mapping[str, Range], joined: Mapping[str, str]) -> dict[str, Range]:
    """`ranges` with the least that holds those of all members for every joined point."""
    members: dict[str, list[str]] = {}
    for name, last in joined.items():
        members.setdefault(last, []).append(name)
    found = dict(ranges)
    for last, names in members.items():
        known = [ranges[name] for name in {*names, last} if name in ranges]
        if known:
            whole = min(low for low, _ in known), max(high for _, high in known)
            found |= dict.fromkeys({*names, last}, whole)
    return found
