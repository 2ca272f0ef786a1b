# SPDX-License-Identifier: Apache-2.0
"""The distribution of one tensor's values over any number of samples, in constant memory."""

from __future__ import annotations

import math

import numpy as np

BINS = 4096  # 16 for each step of an int8 range that holds everything


class Histogram:
    """Bins that widen as values come: of a width that is a power of two, beginning at a multiple.

    `count`, `zeros`, `low`, `high`, `mean` and `deviation` are exact. Values that are exactly 0,
    which every quantization represents exactly, are counted in `zeros` and not in the bins.
    """

    __slots__ = ("_counts", "_first", "_squares", "_sum", "_width", "count", "high", "low", "zeros")

    def __init__(self) -> None:
        self.count = 0
        self.zeros = 0
        self.low = math.inf
        self.high = -math.inf
        self._sum = 0.0
        self._squares = 0.0
        self._width = 0.0
        self._first = 0
        self._counts = np.zeros(BINS, np.int64)

    def add(self, values: np.ndarray) -> None:
        """Count float32 `values` of any shape; all of them have to be finite."""
        x = np.asarray(values, np.float32).ravel()
        if not x.size:
            return
        low, high = float(x.min()), float(x.max())
        self.low, self.high = min(self.low, low), max(self.high, high)
        wide = x.astype(np.float64)
        self.count += x.size
        self._sum += float(wide.sum())
        # not wide @ wide: for that numpy wakes threads, which wait for each other on a busy machine
        self._squares += float(np.square(wide, out=wide).sum())
        zeros = x.size - int(np.count_nonzero(x))
        self.zeros += zeros
        if zeros < x.size:
            self._make_room(low, high)
            self._count(x, zeros)

    def _count(self, x: np.ndarray, zeros: int) -> None:
        # a division by a power of two is exact in float32, and so are whole numbers this small
        places = x * np.float32(1.0 / self._width)
        np.floor(places, out=places)
        places -= np.float32(self._first)
        self._counts += np.bincount(places.astype(np.intp), minlength=BINS)[:BINS]
        if zeros:
            self._counts[-self._first] -= zeros

    def _make_room(self, low: float, high: float) -> None:
        """Widen the bins until `low`..`high` and 0 lie inside; 0 so that it has a bin."""
        low, high = min(low, 0.0), max(high, 0.0)
        if not self._width:
            self._width = 2.0 ** max(math.ceil(math.log2((high - low) / (BINS / 2))), -120)
            self._first = math.floor(low / self._width)
        last = self._first + BINS - 1
        first = min(self._first, math.floor(low / self._width))
        last = max(self._used_end(), math.floor(high / self._width))
        while last - first >= BINS:
            self._double()
            first = min(self._first, math.floor(low / self._width))
            last = max(self._used_end(), math.floor(high / self._width))
        self._move(first)

    def _used_end(self) -> int:
        used = np.flatnonzero(self._counts)
        return self._first + (int(used[-1]) if len(used) else 0)

    def _double(self) -> None:
        odd = self._first % 2
        padded = np.zeros(BINS + 2, np.int64)
        padded[odd : odd + BINS] = self._counts
        pairs = padded.reshape(-1, 2).sum(axis=1)
        self._counts = np.zeros(BINS, np.int64)
        self._counts[: len(pairs)] = pairs
        self._first = (self._first - odd) // 2
        self._width *= 2.0

    def _move(self, first: int) -> None:
        """Begin at `first`, which is not above the first bin in use."""
        shift = self._first - first
        if shift > 0:
            moved = np.zeros(BINS, np.int64)
            moved[shift:] = self._counts[: BINS - shift]
            self._counts, self._first = moved, first

    @property
    def mean(self) -> float:
        return self._sum / self.count if self.count else 0.0

    @property
    def power(self) -> float:
        """Mean of the squares."""
        return self._squares / self.count if self.count else 0.0

    @property
    def deviation(self) -> float:
        return math.sqrt(max(self.power - self.mean**2, 0.0))

    def bins(self) -> tuple[np.ndarray, np.ndarray, float]:
        """Centres of the bins in use and what they count, without zeros; and their width.

        Centres at the ends are moved inside of the smallest and the largest value.
        """
        used = np.flatnonzero(self._counts)
        centres = (self._first + used + 0.5) * self._width
        return np.clip(centres, self.low, self.high), self._counts[used], self._width

    def percentiles(self, wanted: np.ndarray | list[float]) -> np.ndarray:
        """Values below which `wanted` percent of all values lie, to the width of a bin."""
        negative = int(self._counts[: -self._first].sum())
        heap = np.concatenate([[0], np.cumsum(self._counts)])
        edges = (self._first + np.arange(BINS + 1)) * self._width
        rank = np.asarray(wanted, np.float64) / 100 * self.count
        above = np.maximum(rank - self.zeros, negative)
        found = np.interp(np.where(rank < negative, rank, above), heap, edges)
        found[(rank >= negative) & (rank <= negative + self.zeros) & (self.zeros > 0)] = 0.0
        return np.clip(found, self.low, self.high)

    def coarse(self, bins: int) -> np.ndarray:
        """Counts, zeros among them, in `bins` equal parts from `low` to `high`."""
        centres, counts, _ = self.bins()
        span = (self.low, self.high) if self.high > self.low else (self.low - 1.0, self.low + 1.0)
        whole = np.histogram(centres, bins, span, weights=counts)[0].astype(np.int64)
        if self.zeros and self.low <= 0.0 <= self.high:
            whole[min(int(-span[0] / (span[1] - span[0]) * bins), bins - 1)] += self.zeros
        return whole
