# SPDX-License-Identifier: Apache-2.0
"""Which tensors of a flat model are quantized, and which of them share a range."""

from __future__ import annotations

from collections.abc import Sequence

from edgekit.quantize.fold.flatten import Flat, Step
from edgekit.quantize.fold.parts import Point
from edgekit.quantize.fold.rules import SAME_SCALE, TAKES_RELU, fixed_range, is_fused_relu


def points_of(flat: Flat, paths: dict[str, str], inputs: Sequence[str]) -> dict[int, Point]:
    """Tensor number -> point, in the order of computation.

    What goes into a ReLU that the converter makes a part of the op before it is no tensor of the
    int8 graph, and has no point.
    """
    users = flat.users()
    places: dict[int, Point] = {}
    calls: dict[int, int] = {}
    for number, name in zip(flat.inputs, inputs, strict=True):
        places[number] = Point(name, name, "InputLayer", "input")
    for step in flat.steps:
        calls[id(step.layer)] = calls.get(id(step.layer), 0) + 1
        for position, number in enumerate(step.gives):
            if _goes_into_relu(step, users[number], number in flat.outputs):
                continue
            name = _name(step, calls[id(step.layer)], position)
            places[number] = _point(step, name, paths, number in flat.outputs, places)
    return places


def _goes_into_relu(step: Step, users: list[Step], wanted: bool) -> bool:
    if wanted or step.kind not in TAKES_RELU or len(users) != 1:
        return False
    return is_fused_relu(users[0].layer)


def _name(step: Step, call: int, position: int) -> str:
    name = str(step.layer.name)
    name += f"#{call}" if call > 1 else ""
    return name + (f":{position}" if position else "")


def _point(
    step: Step, name: str, paths: dict[str, str], wanted: bool, places: dict[int, Point]
) -> Point:
    before = places.get(step.takes[0]) if step.takes else None
    same = (before.same_as or before.name) if step.kind in SAME_SCALE and before else ""
    role = "output" if wanted else "inner"
    path = paths[step.layer.name]
    return Point(name, path, step.kind, role, same, fixed_range(step.layer))
