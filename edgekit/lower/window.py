# SPDX-License-Identifier: Apache-2.0
"""Padding of convolutions and pools: explicit top and left pads from SAME and VALID."""

from __future__ import annotations

from typing import Any

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


def window_params(
    options: dict[str, Any], source: tuple[int, ...], output: tuple[int, ...], k_h: int, k_w: int
) -> dict[str, int]:
    """Params of a window that slides over NHWC `source`: strides, pads, dilations, batches."""
    stride_h, stride_w = options["stride_h"], options["stride_w"]
    dil_h = options.get("dilation_h_factor", 1)
    dil_w = options.get("dilation_w_factor", 1)
    return {
        "k_h": k_h,
        "k_w": k_w,
        "stride_h": stride_h,
        "stride_w": stride_w,
        "pad_top": pad_before(options["padding"], source[1], output[1], k_h, stride_h, dil_h),
        "pad_left": pad_before(options["padding"], source[2], output[2], k_w, stride_w, dil_w),
        "dilation_h": dil_h,
        "dilation_w": dil_w,
        "batches": source[0],
    }
