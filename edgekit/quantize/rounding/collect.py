# SPDX-License-Identifier: Apache-2.0
"""What calibration samples put into each kernel: means and second moments, sample by sample."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from edgekit.quantize.rounding.base import Inputs
from edgekit.quantize.rounding.sites import Site
from edgekit.tflite.graph import Graph

MOST_ROWS = 4096  # of a kernel; the second moments of more do not fit a small machine's memory
MOST_POSITIONS = 256  # of one sample that are looked at, evenly spread
SUMMED = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED")

Runner = Callable[[Sequence[np.ndarray]], Callable[[int], np.ndarray]]


@dataclass(slots=True, eq=False)
class _Sum:
    mean: np.ndarray
    gram: np.ndarray
    positions: int = 0


def collect_inputs(
    graph: Graph,
    sites: Iterable[Site],
    samples: Iterable[Sequence[np.ndarray]],
    run: Runner,
    *,
    moments: bool = True,
) -> dict[int, Inputs]:
    """Kernel tensor -> Inputs over `samples` (each a list of arrays, one per model input).

    `run` runs one sample and gives a function from tensor number to values. Without `moments`
    only means are kept. Transposed convolutions and kernels of more than MOST_ROWS rows are left
    out.
    """
    sums: dict[int, _Sum] = {}
    taken = [site for site in sites if site.op.kind in SUMMED]
    for sample in samples:
        values = run(sample)
        for site in taken:
            rows = patches(site, graph, values(site.data))
            if rows.shape[-1] <= MOST_ROWS:
                _add(sums, site.kernel, rows, moments=moments)
    return {
        kernel: Inputs(s.mean / s.positions, s.gram / s.positions, s.positions)
        for kernel, s in sums.items()
    }


def _add(sums: dict[int, _Sum], kernel: int, rows: np.ndarray, *, moments: bool) -> None:
    """`rows` [positions, groups, rows of the kernel's matrix]."""
    _, groups, width = rows.shape
    if kernel not in sums:
        side = width if moments else 0
        sums[kernel] = _Sum(np.zeros((groups, width)), np.zeros((groups, side, side)))
    found = sums[kernel]
    found.mean += rows.sum(axis=0, dtype=np.float64)
    found.positions += len(rows)
    if moments:
        # contiguous: numpy multiplies stacks of anything else without BLAS
        by_group = np.ascontiguousarray(rows.transpose(1, 2, 0))
        for gram, part in zip(found.gram, by_group, strict=True):
            gram += part @ part.T


def patches(site: Site, graph: Graph, values: np.ndarray) -> np.ndarray:
    """What one sample puts into the kernel: float32 [positions, groups, rows].

    Rows are in the order of `as_matrix` of the kernel in TFLite's layout.
    """
    shape = graph.tensor(site.kernel).shape
    if site.op.kind == "FULLY_CONNECTED":
        return np.asarray(values, np.float32).reshape(-1, 1, shape[-1])
    options = site.op.options
    image = np.asarray(values, np.float32).reshape(graph.tensor(site.data).shape)[0]
    windows = _windows(image, shape[1:3], options, graph.output_of(site.op).shape[1:3])
    # windows: [out height, out width, input channels, height, width]
    channels = image.shape[-1]
    rows = windows.reshape(-1, *windows.shape[2:])
    if len(rows) > MOST_POSITIONS:
        rows = rows[np.linspace(0, len(rows) - 1, MOST_POSITIONS).astype(int)]
    if site.op.kind == "DEPTHWISE_CONV_2D":
        return rows.reshape(len(rows), channels, -1)
    groups = channels // shape[3]
    split = rows.reshape(len(rows), groups, shape[3], *shape[1:3])
    return split.transpose(0, 1, 3, 4, 2).reshape(len(rows), groups, -1)


def _windows(
    image: np.ndarray,
    kernel: tuple[int, ...],
    options: Mapping[str, Any],
    output: tuple[int, ...],
) -> np.ndarray:
    """[out height, out width, channels, kernel height, kernel width], padded with zeros."""
    strides = (int(options["stride_h"]), int(options["stride_w"]))
    dilations = (int(options.get("dilation_h_factor", 1)), int(options.get("dilation_w_factor", 1)))
    pads = []
    for axis in (0, 1):
        spread = (kernel[axis] - 1) * dilations[axis] + 1
        missing = max(0, (output[axis] - 1) * strides[axis] + spread - image.shape[axis])
        pads.append((missing // 2, missing - missing // 2))
    padded = np.pad(image, (*pads, (0, 0)))
    spread_h, spread_w = ((kernel[a] - 1) * dilations[a] + 1 for a in (0, 1))
    found = sliding_window_view(padded, (spread_h, spread_w), axis=(0, 1))
    found = found[:: strides[0], :: strides[1], :, :: dilations[0], :: dilations[1]]
    return found[: output[0], : output[1]]
