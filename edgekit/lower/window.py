# SPDX-License-Identifier: Apache-2.0
"""Padding of convolutions and pools: explicit top and left pads from SAME and VALID."""

from __future__ import annotations

SAME, VALID = 0, 1


def pad_before(padding: int, size: int, out: int, taps: int, stride: int, dilation: int) -> int:
    """Rows (or columns) of padding before the input, as TFLite's ComputePadding."""
    if padding == VALID:
        return 0
    total = (out - 1) * stride + (taps - 1) * dilation + 1 - size
    return max(total, 0) // 2


def out_side(padding: int, size: int, taps: int, stride: int, dilation: int) -> int:
    """Output rows (or columns) of a window, as TFLite's ComputeOutSize."""
    reach = (taps - 1) * dilation + 1
    return (size + stride - 1) // stride if padding == SAME else (size + stride - reach) // stride
