# SPDX-License-Identifier: Apache-2.0
"""Weights as `ek_sparse_block` reads them: of each channel pair the words that are not zero."""

from __future__ import annotations

import numpy as np

from edgekit.lower.ways.narrow import Narrowed
from edgekit.lower.ways.pack import (
    NOTHING,
    channel_pairs,
    finish_words,
    lane_words,
    start_words,
    wrap32,
)

UNROLL = 8  # EK_SPARSE_UNROLL of firmware/runtime/ek_sparse_block.h
GROUP = 4  # entries whose bytes share a word
MOST_SKIPPED = 255  # words of x that an entry can leave out
PAIRS_OF_FOUR = ((0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3))


def pairs_order(taps: int) -> list[tuple[int, int]]:
    """Input positions in the two lanes of each word of a run of `taps`, as ek_expand_pairs has
    them: neighbours."""
    order = [(start, start + 1) for start in range(0, taps - 1, 2)]
    return [*order, (taps - 1, NOTHING)] if taps % 2 else order


def six_order(taps: int) -> list[tuple[int, int]]:
    """The same for ek_expand_six: all pairs of each four, and neighbours of the rest."""
    whole = taps - taps % 4
    fours = [(at + a, at + b) for at in range(0, whole, 4) for a, b in PAIRS_OF_FOUR]
    return fours + [
        (whole + a, whole + b if b >= 0 else NOTHING) for a, b in pairs_order(taps - whole)
    ]


def runs_order(once: list[tuple[int, int]], runs: int, taps: int) -> np.ndarray:
    """`once` for `runs` runs of `taps` one after the other, (words, 2)."""
    one = np.array(once, np.int64)
    return np.concatenate([np.where(one < 0, NOTHING, one + run * taps) for run in range(runs)])


def used_inputs(layer: Narrowed) -> np.ndarray:
    """Booleans (channel pairs, taps): whether a channel of the pair has a weight there."""
    pairs = np.array(channel_pairs(len(layer.weights)))
    return (layer.weights[pairs[:, 0]] != 0) | (layer.weights[pairs[:, 1]] != 0)


def kept_words(used: np.ndarray, order: np.ndarray) -> np.ndarray:
    """Booleans (channel pairs, words): the words of `order` to store so that all of `used` is in
    one of them. `order` of six pairs to each four inputs holds any two of them in one word."""
    filled = np.concatenate([used, np.zeros((len(used), 1), bool)], axis=1)  # NOTHING is the last
    return filled[:, order[:, 0]] | filled[:, order[:, 1]]


def kept_pairs_of_four(used: np.ndarray, runs: int, taps: int) -> np.ndarray:
    """`kept_words` for `six_order`: one word for up to two inputs of a four, else two."""
    chosen = np.array([_pairs_for(pattern) for pattern in range(16)])
    parts = []
    for run in range(runs):
        run_used = used[:, run * taps : (run + 1) * taps]
        whole = taps - taps % 4
        fours = run_used[:, :whole].reshape(len(used), -1, 4)
        parts.append(chosen[fours @ np.array([1, 2, 4, 8])].reshape(len(used), -1))
        if taps % 4:
            rest = np.array(pairs_order(taps % 4))
            parts.append(kept_words(run_used[:, whole:], rest))
    return np.concatenate(parts, axis=1)


def _pairs_for(pattern: int) -> list[bool]:
    """Which of PAIRS_OF_FOUR hold the inputs whose bits are set."""
    inputs = [bit for bit in range(4) if pattern >> bit & 1]
    taken: list[tuple[int, ...]] = []
    for at in range(0, len(inputs), 2):
        both = tuple(inputs[at : at + 2])
        taken.append(next(p for p in PAIRS_OF_FOUR if set(both) <= set(p)))
    return [pair in taken for pair in PAIRS_OF_FOUR]


def entry_count(kept: np.ndarray) -> np.ndarray:
    """Entries of each channel pair, those that only carry on over a wide gap included."""
    counts = [len(_places(row)) for row in kept]
    return np.array(counts, np.int64)


def with_gaps(places: np.ndarray, farthest: int) -> list[int]:
    """`places` with others in between, so that each is at most `farthest` from the one before it,
    and the first from 0."""
    found: list[int] = []
    last = 0
    for place in places.tolist():
        found += range(last + farthest, place, farthest)
        found.append(place)
        last = place
    return found


def _places(row: np.ndarray) -> list[int]:
    """Of a kept row, where each entry's word is; the byte counts words between two."""
    return [place - 1 for place in with_gaps(np.flatnonzero(row) + 1, MOST_SKIPPED + 1)]


def sparse_stream(layer: Narrowed, order: np.ndarray, kept: np.ndarray) -> np.ndarray:
    """The stream of `ek_sparse_block`, int32."""
    entries = []
    for (a, b), row in zip(channel_pairs(len(layer.weights)), kept, strict=True):
        places, words = _places(row), _pair_words(layer, a, b, order, row)
        gaps = (np.diff([-1, *places]) - 1).tolist()
        entries.append([(gap, int(words[at])) for gap, at in zip(gaps, places, strict=True)])
    return stream_of(layer, entries)


def stream_of(layer: Narrowed, entries: list[list[tuple[int, int]]]) -> np.ndarray:
    """The stream for the (byte, weight word) entries of each channel pair."""
    parts = []
    for (a, b), own in zip(channel_pairs(len(layer.weights)), entries, strict=True):
        parts += [
            wrap32(np.array([_header(len(own))])),
            start_words(layer, a, b),
            wrap32(np.array(_grouped(own), np.int64)),
            finish_words(layer, a, b),
        ]
    return np.concatenate(parts)


def _pair_words(layer: Narrowed, a: int, b: int, order: np.ndarray, row: np.ndarray) -> np.ndarray:
    """256 * a + b in the lanes of each word; an input that two kept words hold counts in one."""
    both = np.append(256 * layer.weights[a] + layer.weights[b], 0)
    lanes = both[order] * row[:, None]
    seen: set[int] = set()
    for word in np.flatnonzero(row):
        for lane in range(2):
            tap = int(order[word, lane])
            if tap in seen:
                lanes[word, lane] = 0
            seen.add(tap)
    return lane_words(lanes[:, 0], lanes[:, 1])


def _header(count: int) -> int:
    """How the unrolled loop is entered for `count` entries (ek_sparse_block.h)."""
    left = -count % UNROLL if count else UNROLL
    before = 4 + 4 * (left % GROUP)
    return left | before << 4 | 20 * -(-count // GROUP) << 12


def _grouped(entries: list[tuple[int, int]]) -> list[int]:
    words: list[int] = []
    start, end = 0, len(entries) % GROUP or GROUP
    while start < len(entries):
        group = [(0, 0)] * (GROUP - (end - start)) + entries[start:end]
        gaps = sum(gap << 8 * i for i, (gap, _) in enumerate(group))
        words += [word for _, word in entries[start : end - 1]] + [gaps, group[-1][1]]
        start, end = end, end + GROUP
    return words


def stream_words(counts: np.ndarray) -> int:
    """Words of the stream for so many entries of each channel pair."""
    return int((counts + -(-counts // GROUP) + 7).sum())
