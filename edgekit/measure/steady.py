# SPDX-License-Identifier: Apache-2.0
"""Going on after the device was lost and found again, from the last result that is confirmed."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from edgekit.errors import DeviceError, Interrupted

# A device that is lost this often in a row without one more result will not get any further.
INTERRUPTIONS = 12

Result = TypeVar("Result")


def steadily(once: Callable[[], Result], what: str, cuts: list[str] | None = None) -> Result:
    """`once()`, from its beginning again where the device is lost in it and found again.

    `cuts` gathers what happened. Raises DeviceError after INTERRUPTIONS in a row.
    """
    for _ in range(INTERRUPTIONS):
        try:
            return once()
        except Interrupted as cut:
            last = cut
            if cuts is not None:
                cuts.append(f"{what}: {cut}")
    raise DeviceError(
        f"{what} was interrupted {INTERRUPTIONS} times in a row; at last: {last}", hint=last.hint
    ) from last
