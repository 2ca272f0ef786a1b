# SPDX-License-Identifier: Apache-2.0
"""Padding of convolutions and pools: explicit top and left pads from SAME and VALID.

`options["padding"]` is the schema's SAME or VALID, or ((top, bottom), (left, right)) where a pass
has folded a PAD into the op: always ask here, never compare it with one of the two alone.
"""

from __future__ import annotations

from typing import Any

SAME, VALID = 0, 1
Pads = tuple[tuple[int, int], tuple[int, int]]


def pad_before(padding: int, size: int, out: int, taps: int, stride: int, dilation: int) -> int:
    """Rows (or columns) of padding before the input, as TFLite's ComputePadding."""
    if padding == VALID:
        return 0
    total = (out - 1) * stride + (taps - 1) * dilation + 1 - size
    return max(total, 0) // 2


def pads_before(
    padding: int | Pads,
    source: tuple[int, ...],
    output: tuple[int, ...],
    taps: tuple[int, int],
    strides: tuple[int, int],
    dilations: tuple[int, int] = (1, 1),
) -> tuple[int, int]:
    """(top, left) pads of a window over NHWC `source`; taps, strides, dilations as (h, w)."""
    if not isinstance(padding, int):
        return padding[0][0], padding[1][0]
    top, left = (
        pad_before(padding, source[1 + i], output[1 + i], taps[i], strides[i], dilations[i])
        for i in (0, 1)
    )
    return top, left


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
    top, left = pads_before(
        options["padding"], source, output, (k_h, k_w), (stride_h, stride_w), (dil_h, dil_w)
    )
    return {
        "k_h": k_h,
        "k_w": k_w,
        "stride_h": stride_h,
        "stride_w": stride_w,
        "pad_top": top,
        "pad_left": left,
        "dilation_h": dil_h,
        "dilation_w": dil_w,
        "batches": source[0],
    }


def leaves_input(
    options: dict[str, Any], source: tuple[int, ...], output: tuple[int, ...], k_h: int, k_w: int
) -> bool:
    """Whether some tap of some window lies outside NHWC `source`."""
    params = window_params(options, source, output, k_h, k_w)
    for axis, (name, taps) in enumerate((("h", k_h), ("w", k_w)), start=1):
        before = params["pad_top" if name == "h" else "pad_left"]
        reach = (taps - 1) * params[f"dilation_{name}"] + 1
        last = (output[axis] - 1) * params[f"stride_{name}"] + reach - before
        if before > 0 or last > source[axis]:
            return True
    return False
