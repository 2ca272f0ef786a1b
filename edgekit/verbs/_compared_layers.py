# SPDX-License-Identifier: Apache-2.0
"""The layers of several runs side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from edgekit.verbs.compare import LayerRow


def changes_of(
    values: Sequence[float | None], *, comparable: bool = True
) -> tuple[float | None, ...]:
    """value / first - 1; None for the first itself, and where one of the two is missing or 0."""
    first = values[0]
    return (
        None,
        *(
            round(value / first - 1, 6) if comparable and first and value is not None else None
            for value in values[1:]
        ),
    )


def layers_of(bodies: Sequence[Mapping[str, Any]], *, comparable: bool) -> tuple[LayerRow, ...]:
    """Layers side by side: ops that one run has as one and another apart are added up."""
    tables = [list(body["layers"]) for body in bodies]
    if not all(tables) or not comparable:
        return ()
    same = len({body["model_sha256"] for body in bodies}) == 1
    groups = _by_origin(tables) if same else _by_name(tables)
    unit = bodies[0]["latency"]["unit"]
    return tuple(_layer_row(group, unit) for group in groups)


Group = list[list[Mapping[str, Any]]]  # of each run, its ops that belong together


def _layer_row(group: Group, unit: str) -> LayerRow:
    values = [round(sum(op[unit] for op in ops), 6) if ops else None for ops in group]
    named = max(next(ops for ops in group if ops), key=lambda op: op["macs"])
    ways = tuple(" + ".join(dict.fromkeys(op.get("way") or "" for op in ops)) for ops in group)
    return LayerRow(
        index=named["index"],
        op=named["op"],
        layer=named["layer"],
        values=tuple(values),
        changes=changes_of(values),
        ways=ways,
    )


def _by_origin(tables: Sequence[Sequence[Mapping[str, Any]]]) -> list[Group]:
    """Ops that stand for common ops of the file, in the order of the file."""
    owner: dict[int, int] = {}

    def root(index: int) -> int:
        while owner.setdefault(index, index) != index:
            index = owner[index]
        return index

    for table in tables:
        for op in table:
            for other in _origins(op):
                low, high = sorted((root(_origins(op)[0]), root(other)))
                owner[high] = low
    groups: dict[int, Group] = {}
    for place, table in enumerate(tables):
        for op in table:
            group = groups.setdefault(root(_origins(op)[0]), [[] for _ in tables])
            group[place].append(op)
    return [groups[key] for key in sorted(groups)]


def _origins(op: Mapping[str, Any]) -> list[int]:
    return list(op.get("origin") or [op["index"]])


def _by_name(tables: Sequence[Sequence[Mapping[str, Any]]]) -> list[Group]:
    """Ops of different models that have one kind and layer's name, the first with the first."""
    groups: dict[tuple[str, str, int], Group] = {}
    for place, table in enumerate(tables):
        seen: dict[tuple[str, str], int] = {}
        for op in table:
            name = (op["op"], op["layer"])
            seen[name] = seen.get(name, -1) + 1
            group = groups.setdefault((*name, seen[name]), [[] for _ in tables])
            group[place].append(op)
    return list(groups.values())
