# SPDX-License-Identifier: Apache-2.0
"""Two shapes that meet in a third: element steps for each input, with axes merged."""

from __future__ import annotations

from edgekit.tflite.graph import Tensor

AXES = 4


def _strides(shape: tuple[int, ...]) -> list[int]:
    steps, step = [], 1
    for side in reversed(shape):
        steps.append(0 if side == 1 else step)
        step *= side
    return steps[::-1]


def broadcast_shape(a: Tensor, b: Tensor, out: Tensor) -> dict[str, int] | None:
    """Fields of `ek_broadcast_shape`; None where the shapes do not meet or need more axes.

    Neighbouring axes are merged where one loop can walk both: each input either runs through
    both without a gap or repeats along both.
    """
    rank = len(out.shape)
    if max(len(a.shape), len(b.shape)) > rank:
        return None
    shapes = [(1,) * (rank - len(t.shape)) + t.shape for t in (a, b)]
    for side_a, side_b, side in zip(*shapes, out.shape, strict=True):
        if {side_a, side_b} - {1, side}:
            return None
    step_a, step_b = (_strides(shape) for shape in shapes)
    axes: list[list[int]] = []
    for side, sa, sb in zip(out.shape, step_a, step_b, strict=True):
        if side == 1:
            continue
        if axes and axes[-1][1] == sa * side and axes[-1][2] == sb * side:
            axes[-1] = [axes[-1][0] * side, sa, sb]
        else:
            axes.append([side, sa, sb])
    if len(axes) > AXES:
        return None
    axes = [[1, 0, 0]] * (AXES - len(axes)) + axes
    return (
        {f"d{i}": axis[0] for i, axis in enumerate(axes)}
        | {f"a{i}": axis[1] for i, axis in enumerate(axes)}
        | {f"b{i}": axis[2] for i, axis in enumerate(axes)}
    )
