# SPDX-License-Identifier: Apache-2.0
"""Broadcast steps, walked in Python, against numpy."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from edgekit.lower.broadcast import AXES, broadcast_shape
from edgekit.tflite.graph import Tensor


def _tensor(shape: tuple[int, ...]) -> Tensor:
    return Tensor(0, "t", shape, "int8")


def _walk(fields: dict[str, int], which: str) -> list[int]:
    sides = [range(fields[f"d{i}"]) for i in range(AXES)]
    steps = [fields[f"{which}{i}"] for i in range(AXES)]
    return [
        sum(at * step for at, step in zip(place, steps, strict=True))
        for place in itertools.product(*sides)
    ]


def _numpy(shape: tuple[int, ...], out: tuple[int, ...]) -> list[int]:
    positions = np.arange(int(np.prod(shape))).reshape(shape)
    return np.broadcast_to(positions, out).reshape(-1).tolist()


@pytest.mark.parametrize("seed", range(200))
def test_steps_reach_what_numpy_reaches(seed: int) -> None:
    rng = np.random.default_rng(seed)
    out = tuple(int(side) for side in rng.integers(1, 5, int(rng.integers(1, 6))))
    shapes = []
    for _ in range(2):
        full = tuple(side if rng.random() < 0.6 else 1 for side in out)
        shapes.append(full[int(rng.integers(0, len(out))) :])
    out = np.broadcast_shapes(*shapes, (1,) * len(out))
    fields = broadcast_shape(_tensor(shapes[0]), _tensor(shapes[1]), _tensor(out))
    if fields is None:
        assert len([side for side in out if side > 1]) > AXES
        return
    assert _walk(fields, "a") == _numpy(shapes[0], out)
    assert _walk(fields, "b") == _numpy(shapes[1], out)


def test_equal_shapes_become_one_loop() -> None:
    same = _tensor((2, 3, 4, 5))
    fields = broadcast_shape(same, same, same)
    assert fields is not None
    assert [fields[f"d{i}"] for i in range(AXES)] == [1, 1, 1, 120]


@pytest.mark.parametrize(
    ("a", "b", "out"),
    [((2,), (3,), (3,)), ((2, 2), (2,), (2,)), ((4,), (4,), (2,)), ((3,), (1,), (4,))],
)
def test_shapes_that_do_not_meet(
    a: tuple[int, ...], b: tuple[int, ...], out: tuple[int, ...]
) -> None:
    assert broadcast_shape(_tensor(a), _tensor(b), _tensor(out)) is None


def test_too_many_axes() -> None:
    a, b = (2, 1, 2, 1, 2), (1, 2, 1, 2, 1)
    assert broadcast_shape(_tensor(a), _tensor(b), _tensor((2, 2, 2, 2, 2))) is None
