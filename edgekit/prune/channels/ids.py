# SPDX-License-Identifier: Apache-2.0
"""Channels as numbers: which of them stand or fall together, and which must stay."""

from __future__ import annotations

import numpy as np


class Channels:
    """Numbered channels. Channels that are joined are removed together or not at all."""

    def __init__(self) -> None:
        self._parent: list[int] = []
        self._reasons: dict[int, str] = {}

    def fresh(self, count: int) -> np.ndarray:
        """`count` new channels, int64 `[count]`."""
        first = len(self._parent)
        self._parent.extend(range(first, first + count))
        return np.arange(first, first + count)

    def join(self, ours: np.ndarray, theirs: np.ndarray) -> None:
        """Couple the channels at equal places of two arrays of the same length."""
        for a, b in zip(ours.tolist(), theirs.tolist(), strict=True):
            self._parent[self._root(b)] = self._root(a)

    def freeze(self, channels: np.ndarray, reason: str) -> None:
        """None of these is ever removed; of several reasons the first stands."""
        for channel in np.unique(channels).tolist():
            self._reasons.setdefault(channel, reason)

    def resolved(self) -> tuple[np.ndarray, dict[int, str]]:
        """The representative of every channel, and representative -> why it stays."""
        roots = np.array([self._root(i) for i in range(len(self._parent))], np.int64)
        reasons: dict[int, str] = {}
        for channel in sorted(self._reasons):
            reasons.setdefault(int(roots[channel]), self._reasons[channel])
        return roots, reasons

    def _root(self, channel: int) -> int:
        while self._parent[channel] != channel:
            self._parent[channel] = self._parent[self._parent[channel]]
            channel = self._parent[channel]
        return channel
