# SPDX-License-Identifier: Apache-2.0
"""How far a window kernel's output must begin before its dying input to lie over it: its lead.

All kernels here walk up through input and output, so each question is the same: of what has been
written by a certain moment, how far is the end ahead of the lowest input byte that is read after
it? They differ in what happens between a read and a write:

- `pixel_lead`: an output pixel is written while its window is still being read (conv_2d);
- `channel_lead`: channel c of an output pixel depends on channel c of the input alone, channels
  in order, each group read before it is written (depthwise_conv_2d, pools);
- `row_lead`: all that an output row needs is read before the row is written (kernels that
  expand rows into scratch first).

`params` are a window kernel's: in_h, in_w, out_h, out_w, k_h, k_w, stride_h, stride_w, pad_top,
pad_left, batches, and dilation_h, dilation_w where there are dilations. All results are bytes of
int8 tensors, at least 0.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

_NEVER = np.iinfo(np.int64).max


def _lowest_read(params: Mapping[str, Any], in_c: int) -> np.ndarray:
    """Lowest input byte read for each output pixel or any after it; [pixels], pixel by pixel."""
    ys, rows_read = _first_inside(params, "h", "top")
    xs, columns_read = _first_inside(params, "w", "left")
    plane = params["in_h"] * params["in_w"]
    pixels = np.arange(params["batches"])[:, None, None] * plane
    pixels = (pixels + (ys * params["in_w"])[:, None] + xs) * in_c
    read = np.broadcast_to(rows_read[:, None] & columns_read, pixels.shape)
    lowest = np.where(read, pixels, _NEVER).reshape(-1)
    return np.minimum.accumulate(lowest[::-1])[::-1]


def _first_inside(params: Mapping[str, Any], axis: str, side: str) -> tuple[np.ndarray, np.ndarray]:
    """First input index inside each window along an axis, and whether there is one at all."""
    dilation = params.get(f"dilation_{axis}", 1)
    at = np.arange(params[f"out_{axis}"]) * params[f"stride_{axis}"] - params[f"pad_{side}"]
    tap = np.maximum(-(at // dilation), 0)
    first = at + tap * dilation
    return first, (tap < params[f"k_{axis}"]) & (first < params[f"in_{axis}"])


def _lead(written: np.ndarray, read: np.ndarray) -> int:
    """Most by which the end of what is written is ahead of what is still to be read."""
    ahead = np.where(read == _NEVER, 0, written - np.where(read == _NEVER, 0, read))
    return int(max(ahead.max(initial=0), 0))


def pixel_lead(params: Mapping[str, Any], in_c: int, out_c: int) -> int:
    lowest = _lowest_read(params, in_c)
    return _lead((np.arange(len(lowest)) + 1) * out_c, lowest)


def channel_lead(params: Mapping[str, Any], channels: int) -> int:
    lowest = _lowest_read(params, channels)
    return _lead(np.arange(len(lowest)) * channels, lowest)


def row_lead(params: Mapping[str, Any], in_c: int, out_c: int) -> int:
    width = params["out_w"]
    after = _lowest_read(params, in_c)[width::width]
    return _lead((np.arange(len(after)) + 1) * width * out_c, after)
