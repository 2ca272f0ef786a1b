# SPDX-License-Identifier: Apache-2.0
"""How long is waited before a request is sent again."""

from __future__ import annotations

import pytest

from edgekit.link.pace import FLOOR_S, Pace

FIRST_S, MOST_S = 0.25, 2.0


def test_what_was_never_seen_gets_the_first_wait() -> None:
    pace = Pace()
    assert pace.wait_s("run", FIRST_S, MOST_S) == FIRST_S
    assert pace.wait_s("run", 9.0, MOST_S) == MOST_S
    assert pace.longest_s("run") is None


def test_steady_answers_bring_the_wait_down_to_little_more_than_they_take() -> None:
    pace = Pace()
    for _ in range(60):
        pace.note("load", 0.01)
    assert pace.wait_s("load", FIRST_S, MOST_S) == pytest.approx(FLOOR_S + 0.015, rel=0.01)
    assert pace.wait_s("read", FIRST_S, MOST_S) == FIRST_S


def test_answers_that_vary_are_given_more_time() -> None:
    steady, unsteady = Pace(), Pace()
    for i in range(40):
        steady.note("load", 0.1)
        unsteady.note("load", 0.05 if i % 2 else 0.15)
    assert unsteady.wait_s("load", 9.0, 9.0) > 1.5 * steady.wait_s("load", 9.0, 9.0)


def test_a_longer_wait_holds_until_an_answer_comes_to_an_only_request() -> None:
    """Else a device that is slower than it was is asked again and again, and never caught up."""
    pace = Pace()
    pace.note("load", 0.01)
    pace.note("load", 0.9, tried_again_s=0.8)
    assert pace.wait_s("load", FIRST_S, MOST_S) == 0.4
    pace.note("load", 0.01)
    assert pace.wait_s("load", FIRST_S, MOST_S) < 0.2


def test_an_answer_to_several_requests_says_nothing_of_how_long_one_takes() -> None:
    pace = Pace()
    pace.note("run", 3.0, tried_again_s=1.0)
    pace.note("run", 0.01)
    assert pace.wait_s("run", FIRST_S, MOST_S) < 0.1
    assert pace.longest_s("run") == 0.01


def test_another_rate_of_the_line_is_learnt_anew() -> None:
    pace = Pace()
    pace.note("load", 0.5)
    pace.forget()
    assert pace.wait_s("load", FIRST_S, MOST_S) == FIRST_S
