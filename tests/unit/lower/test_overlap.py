# SPDX-License-Identifier: Apache-2.0
"""Leads of window kernels, held against every read and write of the kernel in its order."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from edgekit.lower.overlap import channel_lead, pixel_lead, row_lead

Access = tuple[str, int]  # "read" or "write", a byte of input or output


def draw(seed: int) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    params: dict[str, Any] = {"batches": int(rng.integers(1, 3))}
    for axis, side in (("h", "top"), ("w", "left")):
        k, stride, dilation = (int(rng.integers(1, 4)) for _ in range(3))
        pad, size = int(rng.integers(0, k + 1)), int(rng.integers(1, 7))
        reach = (k - 1) * dilation + 1
        out = max((size + pad + int(rng.integers(0, k)) - reach) // stride + 1, 1)
        params |= {f"k_{axis}": k, f"stride_{axis}": stride, f"dilation_{axis}": dilation}
        params |= {f"in_{axis}": size, f"out_{axis}": out, f"pad_{side}": pad}
    return params


def window(p: dict[str, Any], pixel: int, in_c: int) -> list[int]:
    """First bytes of the input pixels that an output pixel reads."""
    batch, rest = divmod(pixel, p["out_h"] * p["out_w"])
    y, x = divmod(rest, p["out_w"])
    rows = [y * p["stride_h"] - p["pad_top"] + k * p["dilation_h"] for k in range(p["k_h"])]
    columns = [x * p["stride_w"] - p["pad_left"] + k * p["dilation_w"] for k in range(p["k_w"])]
    return [
        ((batch * p["in_h"] + r) * p["in_w"] + c) * in_c
        for r in rows
        for c in columns
        if 0 <= r < p["in_h"] and 0 <= c < p["in_w"]
    ]


def pixels(p: dict[str, Any]) -> range:
    return range(p["batches"] * p["out_h"] * p["out_w"])


def by_pixel(p: dict[str, Any], in_c: int, out_c: int) -> Iterator[Access]:
    """Each output channel reads its whole window, then is written."""
    for pixel in pixels(p):
        for channel in range(out_c):
            for at in window(p, pixel, in_c):
                yield from (("read", at + c) for c in range(in_c))
            yield "write", pixel * out_c + channel


def by_channel(p: dict[str, Any], channels: int, _: int) -> Iterator[Access]:
    for pixel in pixels(p):
        for channel in range(channels):
            yield from (("read", at + channel) for at in window(p, pixel, channels))
            yield "write", pixel * channels + channel


def by_row(p: dict[str, Any], in_c: int, out_c: int) -> Iterator[Access]:
    for row in range(len(pixels(p)) // p["out_w"]):
        places = range(row * p["out_w"], (row + 1) * p["out_w"])
        for pixel in places:
            for at in window(p, pixel, in_c):
                yield from (("read", at + c) for c in range(in_c))
        yield from (("write", pixel * out_c + c) for pixel in places for c in range(out_c))


def sound(accesses: Iterator[Access], lead: int) -> bool:
    """Whether no byte is read after the output, `lead` bytes in front, was written over it."""
    written: set[int] = set()
    for kind, at in accesses:
        if kind == "write":
            written.add(at - lead)
        elif at in written:
            return False
    return True


@pytest.mark.parametrize("seed", range(40))
def test_leads_are_enough_and_no_larger_than_they_need_be(seed: int) -> None:
    params = draw(seed)
    in_c, out_c = (int(c) for c in np.random.default_rng(seed + 99).integers(1, 6, 2))
    cases = [
        (by_pixel, pixel_lead(params, in_c, out_c), in_c, out_c),
        (by_channel, channel_lead(params, in_c), in_c, in_c),
        (by_row, row_lead(params, in_c, out_c), in_c, out_c),
    ]
    for walk, lead, ins, outs in cases:
        assert sound(walk(params, ins, outs), lead), (walk.__name__, lead)
    # Two channels at least: the second is read after the first is written.
    lead = pixel_lead(params, in_c, out_c + 1)
    if lead > 1:
        less = [sound(by_pixel(params, in_c, out_c + 1), lead - n) for n in (1, 2)]
        assert not all(less)


def test_leads_of_well_known_layers() -> None:
    def params(k: int, stride: int, pad: int, out: int) -> dict[str, Any]:
        sides = {f"{n}_{a}": v for a in "hw" for n, v in (("in", 8), ("out", out), ("k", k))}
        strides = {f"stride_{a}": stride for a in "hw"}
        return sides | strides | {"pad_top": pad, "pad_left": pad, "batches": 1}

    pointwise = params(1, 1, 0, 8)
    assert pixel_lead(pointwise, 4, 4) == 4
    assert pixel_lead(pointwise, 4, 6) == 64 * 2 + 4  # all that 64 pixels grow, and one pixel
    assert channel_lead(params(2, 2, 0, 4), 4) == 0  # a pool lies where its input lay
    assert channel_lead(params(3, 1, 1, 8), 4) == (8 + 1) * 4  # a row and a pixel
