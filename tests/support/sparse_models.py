# SPDX-License-Identifier: Apache-2.0
"""Layers whose weights are mostly zero, in the patterns that lower/ways/sparse_* know."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from tests.support.side_by_side import side_by_side
from tests.support.tflite_builder import NONE, SAME, VALID

Mask = Callable[[np.random.Generator, int, int, float], np.ndarray]


def blocks(outputs: int, inputs: int) -> Mask:
    """Zeros in blocks; sides that do not divide end in smaller ones."""

    def mask(rng: np.random.Generator, out_c: int, taps: int, sparsity: float) -> np.ndarray:
        shape = -(-out_c // outputs), -(-taps // inputs)
        wide = (rng.random(shape) >= sparsity).repeat(outputs, 0).repeat(inputs, 1)
        return wide[:out_c, :taps]

    return mask


def single(rng: np.random.Generator, out_c: int, taps: int, sparsity: float) -> np.ndarray:
    return rng.random((out_c, taps)) >= sparsity


def two_of_four(rng: np.random.Generator, out_c: int, taps: int, sparsity: float) -> np.ndarray:
    """Any two inputs of each four, the same for a channel pair; `sparsity` of the fours are empty
    and as many are full."""
    fours = -(-taps // 4)
    keep = np.argsort(rng.random((-(-out_c // 2), fours, 4)), axis=2) < 2
    kind = rng.random((*keep.shape[:2], 1))
    keep = np.where(kind < sparsity / 2, False, np.where(kind > 1 - sparsity / 8, True, keep))
    return keep.reshape(len(keep), -1).repeat(2, 0)[:out_c, :taps]


def weights(mask: Mask, out_c: int, taps: int, sparsity: float) -> np.ndarray:
    """int8 (out, taps), its last channel pair dense and the one before it empty where there are
    so many."""
    rng = np.random.default_rng(out_c + 31 * taps + int(1000 * sparsity))
    keep = mask(rng, out_c, taps, sparsity)
    if out_c >= 8:
        keep[-2:], keep[-4:-2] = True, False
    return np.where(keep, rng.integers(-127, 128, (out_c, taps)), 0).astype(np.int8)


def conv(b, shape, kernel, stride, padding, out_c, mask, sparsity, function=NONE, out_zp=3):
    from tests.support.way_models import conv as dense_conv

    taps = kernel[0] * kernel[1] * shape[3]
    values = weights(mask, out_c, taps, sparsity).reshape(out_c, *kernel, shape[3])
    return dense_conv(
        b, shape, kernel, stride, padding, out_c, function, out_zp, scale=0.3, weights=values
    )


def dense(b, rows, depth, out_c, mask, sparsity, function=NONE, out_zp=3):
    x = b.input((rows, depth), scale=0.05, zero_point=-9)
    w = b.constant(weights(mask, out_c, depth, sparsity), scale=0.004)
    rng = np.random.default_rng(rows)
    bias = b.constant(rng.integers(-9000, 9000, out_c).astype(np.int32), scale=2e-4)
    options = {"fused_activation_function": function}
    return b.op(
        "FULLY_CONNECTED",
        [x, w, bias],
        (rows, out_c),
        scale=0.3,
        zero_point=out_zp,
        options=options,
    )


CONVOLUTIONS = [
    ((1, 3, 3, 16), (1, 1), (1, 1), SAME, 16, 0.75),
    ((1, 5, 6, 4), (3, 3), (1, 1), SAME, 8, 0.5),
    ((2, 6, 5, 6), (3, 3), (2, 1), VALID, 5, 0.9),
    ((1, 4, 4, 7), (2, 3), (1, 2), SAME, 9, 0.75),
    ((1, 9, 8, 5), (1, 1), (1, 1), SAME, 2, 0.5),
    ((1, 6, 6, 12), (3, 3), (1, 1), SAME, 10, 0.95),
    ((1, 8, 9, 30), (3, 3), (1, 1), SAME, 8, 0.99),
    ((1, 11, 13, 3), (3, 5), (3, 2), SAME, 7, 0.6),
    ((1, 2, 3, 600), (1, 1), (1, 1), SAME, 8, 0.999),  # gaps wider than a byte
]
DENSE = [
    (1, 640, 16, 0.75),
    (1, 33, 17, 0.5),
    (5, 64, 24, 0.9),
    (3, 7, 9, 0.75),
    (1, 128, 3, 0.75),
    (1, 1300, 24, 0.995),
    (1, 9, 8, 0.6),
]


def convolutions(mask: Mask) -> Callable[[int, int], bytes]:
    cases = [(*case[:-1], mask, case[-1]) for case in CONVOLUTIONS]
    return lambda function, out_zp: side_by_side(conv, [(*c, function, out_zp) for c in cases])


def denses(mask: Mask) -> Callable[[int, int], bytes]:
    cases = [(*case[:-1], mask, case[-1]) for case in DENSE]
    return lambda function, out_zp: side_by_side(dense, [(*c, function, out_zp) for c in cases])


# Name of a way -> a model whose layers that way can run.
SPARSE_MODELS: dict[str, Callable[[int, int], bytes]] = {
    "2x2 rows": denses(blocks(2, 2)),
    "2x2 windows": convolutions(blocks(2, 2)),
    "2x2 lines": convolutions(blocks(2, 2)),
    "8x2 row": denses(blocks(8, 2)),
    "4x2 row": denses(blocks(4, 2)),
    "single rows": denses(single),
    "single windows": convolutions(single),
    "2 of 4 rows": denses(two_of_four),
    "2 of 4 windows": convolutions(two_of_four),
}
