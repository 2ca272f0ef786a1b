# SPDX-License-Identifier: Apache-2.0
"""Weights as `ek_dense_block` and `ek_fc_block` read them: one stream of words per layer."""

from __future__ import annotations

import numpy as np

from edgekit.lower.ways.narrow import Narrowed

LARGEST_A = 1 << 23  # |dot_a| must stay below: ek_lanes.h
NOTHING = -1  # the unused lane of a run's last word


def run_order(taps: int) -> list[tuple[int, int]]:
    """Input positions in the two lanes of each word of a run of `taps`, as ek_expand_block has
    them."""
    order = []
    for start in range(0, taps - taps % 4, 4):
        order += [(start, start + 2), (start + 1, start + 3)]
    rest = taps - taps % 4
    if taps % 4 >= 2:
        order.append((rest, rest + 1))
    if taps % 2:
        order.append((taps - 1, NOTHING))
    return order


def window_order(runs: int, taps: int) -> np.ndarray:
    """`run_order` for `runs` runs one after the other, (words, 2)."""
    once = np.array(run_order(taps), np.int64)
    return np.concatenate([np.where(once < 0, NOTHING, once + run * taps) for run in range(runs)])


def channel_pairs(channels: int) -> list[tuple[int, int]]:
    """Neighbours; the last pair of an odd number repeats the channel before the last."""
    pairs = [(c, c + 1) for c in range(0, channels - 1, 2)]
    return [*pairs, (channels - 2, channels - 1)] if channels % 2 else pairs


def can_pair(layer: Narrowed) -> bool:
    """Whether the pair trick is exact: channel a's sum is small and 256a + b fits a lane."""
    pairs = np.array(channel_pairs(len(layer.weights)))
    if not len(pairs):
        return False
    a, b = layer.weights[pairs[:, 0]], layer.weights[pairs[:, 1]]
    lanes = 256 * a + b
    fits = lanes.min(initial=0) >= -(1 << 15) and lanes.max(initial=0) < 1 << 15
    return bool(fits and layer.largest[pairs[:, 0]].max() < LARGEST_A)


def lane_words(low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """int32 words from two int16 lanes."""
    return wrap32((low & 0xFFFF) | ((high & 0xFFFF) << 16))


def wrap32(values: np.ndarray) -> np.ndarray:
    """int64 values modulo 2^32, as int32."""
    return (values & 0xFFFFFFFF).astype(np.uint32).view(np.int32)


def weight_words(layer: Narrowed, a: int, b: int, order: np.ndarray) -> np.ndarray:
    """256 * a + b in the lanes of each word of `order`, (words,) int32."""
    both = np.append(256 * layer.weights[a] + layer.weights[b], 0)  # NOTHING is the last
    return lane_words(both[order[:, 0]], both[order[:, 1]])


def start_words(layer: Narrowed, a: int, b: int) -> np.ndarray:
    """What the two accumulators of a channel pair start from."""
    return wrap32(np.array([256 * layer.bias[a] + layer.bias[b], layer.bias[b]]))


def finish_words(layer: Narrowed, a: int, b: int) -> np.ndarray:
    """How the two channels are narrowed."""
    return wrap32(np.array([layer.high[a], layer.factor[a], layer.high[b], layer.factor[b]]))


def dense_stream(layer: Narrowed, order: np.ndarray) -> np.ndarray:
    """The stream of `ek_dense_block`, int32."""
    parts = []
    for a, b in channel_pairs(len(layer.weights)):
        parts += [
            start_words(layer, a, b),
            weight_words(layer, a, b, order),
            finish_words(layer, a, b),
        ]
    return np.concatenate(parts)


def wide_stream(layer: Narrowed, order: np.ndarray) -> np.ndarray:
    """The stream of `ek_wide_block`, int32."""
    weights = np.append(layer.weights, np.zeros((len(layer.weights), 1), np.int64), axis=1)
    parts = []
    for a, b in channel_pairs(len(layer.weights)):
        words = [lane_words(weights[c, order[:, 0]], weights[c, order[:, 1]]) for c in (a, b)]
        parts += [
            wrap32(layer.bias[[a, b]]),
            np.stack(words, axis=1).reshape(-1),
            finish_words(layer, a, b),
        ]
    return np.concatenate(parts)
