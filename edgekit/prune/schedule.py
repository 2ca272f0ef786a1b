# SPDX-License-Identifier: Apache-2.0
"""How the sparsity rises over a run: callables step -> (update the masks now?, sparsity).

Own schedules take fractions of the run; `over(steps)` gives the callable for a run of that many
optimizer steps. Anything that is such a callable already, TFMOT's schedule objects for example,
works as it is.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from edgekit.errors import EdgekitError

Schedule = Callable[[int], tuple[bool, float]]
UPDATES = 15  # of the masks over a ramp; more changed nothing in the measured runs


@dataclass(frozen=True, slots=True)
class Constant:
    """`sparsity` from fraction `begin` of the run on; one update."""

    sparsity: float
    begin: float = 0.0

    def over(self, steps: int) -> Schedule:
        first = _step(self.begin, steps)
        return lambda step: (step == first, self.sparsity if step >= first else 0.0)


@dataclass(frozen=True, slots=True)
class Exponential:
    """The share of weights left falls by the same factor at each update, from `begin` to `end`.

    1 - (1 - sparsity)^t, t from 0 to 1 over these fractions of the run.
    """

    sparsity: float
    begin: float = 0.0
    end: float = 0.25

    def over(self, steps: int) -> Schedule:
        return _ramp(self.begin, self.end, steps, lambda t: 1 - (1 - self.sparsity) ** t)


@dataclass(frozen=True, slots=True)
class Polynomial:
    """From `initial` to `sparsity` between the fractions `begin` and `end` of the run.

    sparsity + (initial - sparsity) * (1 - t)^power, t from 0 to 1 (Zhu and Gupta 2017 with power
    3). A ramp over the first quarter leaves the rest of the run to recover.
    """

    sparsity: float
    initial: float = 0.0
    begin: float = 0.0
    end: float = 0.25
    power: float = 3.0

    def over(self, steps: int) -> Schedule:
        def value(t: float) -> float:
            return self.sparsity + (self.initial - self.sparsity) * (1 - t) ** self.power

        return _ramp(self.begin, self.end, steps, value)


def _ramp(begin: float, end: float, steps: int, value: Callable[[float], float]) -> Schedule:
    """About UPDATES updates with value(t), t from 0 to 1 between two fractions of the run."""
    first, last = _step(begin, steps), _step(end, steps)
    every = max(1, (last - first) // UPDATES)

    def at(step: int) -> tuple[bool, float]:
        done = min(max(step - first, 0) / max(last - first, 1), 1.0) if step < last else 1.0
        due = first <= step <= last and ((step - first) % every == 0 or step == last)
        return due, value(done)

    return at


def _step(fraction: float, steps: int) -> int:
    if not 0.0 <= fraction <= 1.0:
        raise EdgekitError(
            f"a schedule's begin or end is {fraction:g}, and it is a fraction of the run",
            hint="give numbers from 0 to 1",
        )
    return round(fraction * steps)


SCHEDULES: dict[str, Callable[[float], Any]] = {
    "polynomial": Polynomial,
    "constant": Constant,
    "one_shot": Constant,  # all at the first step, then recover
    "exponential": Exponential,
}
# For a criterion with an L1 term: it needs time before the cut.
CUT_LATE = 0.5


def default_schedule(sparsity: float, *, shrinking: bool) -> Any:
    """The ramp, or for an L1 term the cut at half of the run."""
    return Constant(sparsity, begin=CUT_LATE) if shrinking else Polynomial(sparsity)


def bound_schedule(schedule: Any, sparsity: float, steps: int) -> Schedule:
    """The callable for a name of SCHEDULES, one of the classes here, or a callable as it is."""
    if isinstance(schedule, str):
        if schedule not in SCHEDULES:
            raise EdgekitError(
                f"there is no schedule '{schedule}'", hint=f"one of: {', '.join(SCHEDULES)}"
            )
        schedule = SCHEDULES[schedule](sparsity)
    if hasattr(schedule, "over"):
        bound: Schedule = schedule.over(steps)
        return bound
    if not callable(schedule):
        raise EdgekitError(
            f"a schedule of type {type(schedule).__name__} is not understood",
            hint="give a name, an object of edgekit.prune.schedule, or a callable of the step",
        )
    return lambda step: _plain(schedule(step))


def _plain(answer: Any) -> tuple[bool, float]:
    """TFMOT answers with tensors."""
    due, sparsity = answer
    return bool(due), float(sparsity)


def schedule_name(schedule: Any) -> str:
    return schedule if isinstance(schedule, str) else type(schedule).__name__.lower()
