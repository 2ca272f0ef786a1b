# SPDX-License-Identifier: Apache-2.0
"""How long to wait for an answer before asking again, learnt from the answers that came.

The smoothed mean and deviation are RFC 6298's; each kind and size of request has its own, for a
run takes longer than a reading. Only exchanges in which nothing was sent twice count, and the
longer wait of one in which something was (half of it, for a frame may just have been lost) holds
until then: Karn's rules. A device that is slow, not deaf, would else be kept busy with
repetitions. To it they do no harm: it knows the id.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass

# Least wait: a computer that is busy with other things is as late as that.
FLOOR_S = 0.05
_MEAN_STEP = 1 / 8
_DEVIATION_STEP = 1 / 4
_DEVIATIONS = 4.0
# A frame that is sent again for nothing costs about as much as it takes: so much is waited more.
_MEANS = 1.5


@dataclass(slots=True)
class _Seen:
    mean_s: float
    deviation_s: float
    longest_s: float
    backed_off_s: float = 0.0


class Pace:
    """Waits by kind of request."""

    def __init__(self) -> None:
        self._seen: dict[Hashable, _Seen] = {}

    def wait_s(self, kind: Hashable, first_s: float, most_s: float) -> float:
        """Seconds to wait for this kind's answer: `first_s` where none was seen, at most
        `most_s`."""
        seen = self._seen.get(kind)
        if seen is None:
            return min(first_s, most_s)
        usual_s = FLOOR_S + _MEANS * seen.mean_s + _DEVIATIONS * seen.deviation_s
        return min(most_s, max(usual_s, seen.backed_off_s))

    def longest_s(self, kind: Hashable) -> float | None:
        """The longest that an answer of this kind took; None where none was seen."""
        seen = self._seen.get(kind)
        return None if seen is None else seen.longest_s

    def note(self, kind: Hashable, took_s: float, *, tried_again_s: float = 0.0) -> None:
        """An answer `took_s` after the first request; `tried_again_s` is the last of several waits
        for it, 0 where it came to the only request."""
        seen = self._seen.get(kind)
        if tried_again_s:
            if seen is None:
                seen = self._seen[kind] = _Seen(0.0, 0.0, took_s)
        elif seen is None or not seen.mean_s:
            seen = self._seen[kind] = _Seen(took_s, took_s / 2, took_s)
        else:
            off = abs(took_s - seen.mean_s)
            seen.deviation_s += _DEVIATION_STEP * (off - seen.deviation_s)
            seen.mean_s += _MEAN_STEP * (took_s - seen.mean_s)
            seen.longest_s = max(seen.longest_s, took_s)
        seen.backed_off_s = tried_again_s / 2

    def forget(self) -> None:
        """The line's rate changed: what was learnt does not hold any more."""
        self._seen.clear()
