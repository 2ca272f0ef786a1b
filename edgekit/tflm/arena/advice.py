# SPDX-License-Identifier: Apache-2.0
"""What to say about an arena once the device has told how much of it is used."""

from __future__ import annotations

from edgekit.tflm.arena.abi import align_up
from edgekit.tflm.arena.calls import ARENA_ALIGNMENT

# A margin below this is thin where nothing but the use is known: TFLM needs more while it starts.
THIN_SHARE, THIN_BYTES = 0.01, 64
# A margin above this is wasteful.
WASTEFUL_SHARE, WASTEFUL_BYTES = 0.10, 1024


def arena_advice(used: int, given: int, least: int = 0) -> str:
    """One sentence about an arena of `given` bytes of which `used` are in use; "" where it fits.

    `used` is what `MicroInterpreter::arena_used_bytes` reports on the device. `least` is the
    planned size for the kernels in use, 0 where they are not known: it counts what TFLM needs
    only while it starts, which `used` does not.
    """
    exact = align_up(max(used, least), ARENA_ALIGNMENT)
    if used > least > 0:
        return (
            f"TFLite Micro uses {used:,} bytes of its arena and {least:,} were planned: the library"
            f" is another version or has other kernels; give at least {exact:,} bytes"
        )
    if given < least:
        return (
            f"the arena of {given:,} bytes is {least - given:,} below the plan: another build may"
            f" refuse it; {exact:,} bytes are exact"
        )
    if given - exact > max(WASTEFUL_BYTES, WASTEFUL_SHARE * exact):
        return (
            f"{given - exact:,} bytes of the arena are wasted: {exact:,} of {given:,} bytes would"
            f" do{'' if least else ', if TFLite Micro starts with them'}"
        )
    if not least and given - used < max(THIN_BYTES, THIN_SHARE * used):
        return (
            f"the arena is nearly full, {used:,} of {given:,} bytes: another build may refuse it;"
            f" give {align_up(used + max(THIN_BYTES, int(THIN_SHARE * used)), 16):,}"
        )
    return ""
