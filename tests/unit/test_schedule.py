# SPDX-License-Identifier: Apache-2.0
"""Schedules: the cubic ramp, fractions of a run, and strangers' callables."""

from __future__ import annotations

import pytest

from edgekit.errors import EdgekitError
from edgekit.prune.schedule import SCHEDULES, Constant, Exponential, Polynomial, bound_schedule


def test_the_ramp_is_cubic_and_ends_at_the_target() -> None:
    at = Polynomial(0.8, begin=0.0, end=0.5).over(100)
    assert at(0) == (True, pytest.approx(0.0))
    assert at(25)[1] == pytest.approx(0.8 - 0.8 * 0.5**3)
    assert at(50) == (True, pytest.approx(0.8))
    assert at(51) == (False, pytest.approx(0.8))
    values = [at(step)[1] for step in range(101)]
    assert values == sorted(values)


@pytest.mark.parametrize("steps", [1, 2, 3, 7, 16, 500])
def test_a_ramp_always_has_an_update_with_the_target(steps: int) -> None:
    at = Polynomial(0.75).over(steps)
    due = [sparsity for update, sparsity in map(at, range(steps)) if update]
    assert due[-1] == pytest.approx(0.75)


def test_an_exponential_ramp_keeps_the_same_share_at_each_update() -> None:
    at = Exponential(0.875, end=0.3).over(100)
    assert at(10)[1] == pytest.approx(0.5) and at(20)[1] == pytest.approx(0.75)
    assert at(30) == (True, pytest.approx(0.875)) and at(31)[0] is False


@pytest.mark.parametrize("name", SCHEDULES)
def test_every_schedule_ends_at_the_target(name: str) -> None:
    at = bound_schedule(name, 0.75, 40)
    due = [sparsity for update, sparsity in map(at, range(40)) if update]
    assert due == sorted(due) and due[-1] == pytest.approx(0.75)


def test_one_shot_is_all_at_the_first_step() -> None:
    at = bound_schedule("one_shot", 0.75, 40)
    assert at(0) == (True, 0.75) and not any(at(step)[0] for step in range(1, 40))


def test_constant_updates_once() -> None:
    at = Constant(0.5, begin=0.1).over(100)
    assert [step for step in range(100) if at(step)[0]] == [10]
    assert at(9)[1] == 0.0 and at(10)[1] == 0.5


def test_a_callable_is_taken_as_it_is() -> None:
    class Tensor:
        def __bool__(self) -> bool:
            return True

    assert bound_schedule(lambda step: (Tensor(), 0.3), 0.75, 10)(4) == (True, 0.3)


@pytest.mark.parametrize("wrong", ["cubic", 3])
def test_what_is_no_schedule_is_refused(wrong: object) -> None:
    with pytest.raises(EdgekitError):
        bound_schedule(wrong, 0.75, 10)


def test_a_fraction_above_one_is_refused() -> None:
    with pytest.raises(EdgekitError, match="fraction of the run"):
        Constant(0.5, begin=10).over(100)
