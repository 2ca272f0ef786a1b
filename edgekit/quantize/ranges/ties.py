# SPDX-License-Identifier: Apache-2.0
"""One range for tensors that ops move values between: they have to share a scale.

Left with different ranges there, TensorFlow's quantizer settles the conflict in an order that is
not always the same, and at times by leaving an op in float.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

Range = tuple[float, float]


def tied_ranges(
    ranges: Mapping[int, Range], ties: Iterable[Sequence[int]], fixed: Mapping[int, Range]
) -> dict[int, Range]:
    """`ranges` with one for all tensors that are tied, directly or through others.

    `ties` are tensors of one scale each, `fixed` the ranges that nothing may change. A group takes
    the range of a fixed member, or else the least that holds those of all its members.
    """
    group: dict[int, set[int]] = {index: {index} for index in ranges}
    for tie in ties:
        joined = set().union(*(group[index] for index in tie if index in group))
        for index in joined:
            group[index] = joined
    found: dict[int, Range] = {}
    for index, members in group.items():
        given = next((fixed[member] for member in sorted(members) if member in fixed), None)
        lows, highs = zip(*(ranges[member] for member in members), strict=True)
        found[index] = given or (min(lows), max(highs))
    return found | dict(fixed)
