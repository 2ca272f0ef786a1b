# SPDX-License-Identifier: Apache-2.0
"""What the packed kernels take to bring the inputs of four pixels together, whatever is done with
them: counted in the code that GCC makes of ek_conv_packed.h and ek_rows_packed.h."""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil

FOUR = 4  # pixels at once
# Windows: per image, per four pixels, per kernel row of those; where one of the four reaches beyond
# the input: per kernel row of the four, per kernel row that is copied, per byte of it (in words,
# one by one). Inputs that are copied with their padding: per byte, per row.
PER_IMAGE, PER_FOUR, PER_RUN = 510.0, 75.0, 25.8
PER_BEYOND, PER_COPY, IN_WORDS, IN_BYTES = 136.0, 13.4, 3.0, 9.6
PER_PADDED, PER_PADDED_ROW = 1.27, 18.0
# Rows: once, per four.
ONCE, PER_FOUR_ROWS = 84.0, 68.0


def rows_around(rows: int) -> float:
    """Instructions around `rows` rows."""
    return ONCE + ceil(rows / FOUR) * PER_FOUR_ROWS


def windows_around(p: Mapping[str, int]) -> float:
    """Instructions around all windows; `p` are the params of ek_conv_packed."""
    batches, pixels = p["batches"], p["out_h"] * p["out_w"]
    fours = ceil(pixels / FOUR)
    cost = PER_IMAGE + fours * (PER_FOUR + p["k_h"] * PER_RUN)
    if p["pad_input"]:
        rows = p["in_h"]
        return batches * (cost + rows * (PER_PADDED_ROW + p["in_w"] * p["in_c"] * PER_PADDED))
    beyond, copied = _beyond(p)
    per_byte = IN_BYTES if p["in_c"] % 4 else IN_WORDS
    copies = copied * (PER_COPY + p["k_w"] * p["in_c"] * per_byte)
    return batches * (cost + beyond * p["k_h"] * PER_BEYOND + copies)


def _beyond(p: Mapping[str, int]) -> tuple[int, int]:
    """Fours with a window that is not inside the input, and kernel rows that are copied."""
    reach = (p["k_h"] - 1) * p["dilation_h"]
    tops = [y * p["stride_h"] - p["pad_top"] for y in range(p["out_h"])]
    lefts = [x * p["stride_w"] - p["pad_left"] for x in range(p["out_w"])]
    down = [0 <= top < p["in_h"] - reach for top in tops]
    across = [0 <= left <= p["in_w"] - p["k_w"] for left in lefts]
    rows = [
        sum(0 <= top + k * p["dilation_h"] < p["in_h"] for k in range(p["k_h"])) for top in tops
    ]
    beyond = copied = 0
    pixels = len(tops) * len(lefts)
    for first in range(0, pixels, FOUR):
        # Of fewer than four the last is done several times.
        four = [divmod(min(i, pixels - 1), len(lefts)) for i in range(first, first + FOUR)]
        if not all(down[y] and across[x] for y, x in four):
            beyond += 1
            copied += sum(rows[y] for y, x in four if not across[x])
    return beyond, copied
