# SPDX-License-Identifier: Apache-2.0
"""Blocks, N:M and layouts: what goes together, remainders, and the shapes of kernels."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from edgekit.errors import EdgekitError
from edgekit.prune.layout import Layout, layout_of
from edgekit.prune.scopes.ranking import global_ranking
from edgekit.prune.structures import (
    STRUCTURES,
    Blocks,
    ByKernel,
    NofM,
    default_sparsity,
    named_structure,
    structure_of,
)

RNG = np.random.default_rng(0)


def mask_of(name: str, scores: np.ndarray, sparsity: float) -> np.ndarray:
    structure = named_structure(name)
    (keep,) = global_ranking([structure.groups(scores)], sparsity)
    return structure.expand(keep, scores.shape)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["2x2", "8x2", "1x4", "4x1", "3x5"])
@pytest.mark.parametrize("shape", [(1, 64, 32), (9, 17, 11), (1, 3, 5)])
def test_blocks_go_as_a_whole(name: str, shape: tuple[int, int, int]) -> None:
    inputs, outputs = (int(side) for side in name.split("x"))
    mask = mask_of(name, RNG.random(shape), 0.5)
    for row in range(0, shape[1], inputs):
        for column in range(0, shape[2], outputs):
            block = mask[:, row : row + inputs, column : column + outputs]
            assert (block.all(axis=(1, 2)) | ~block.any(axis=(1, 2))).all()
    assert abs((~mask).mean() - 0.5) <= inputs * outputs / 2 / mask.size + 1e-9


def test_the_weakest_block_goes_by_its_squares() -> None:
    scores = np.array([[[1.0, 1.0, 0.0, 1.3], [1.0, 1.0, 0.0, 1.3]]])
    mask = mask_of("2x2", scores, 0.5)
    assert mask[0, 0].tolist() == [True, True, False, False]
    scores[0, :, 3] = 1.5  # mean 0.75, root mean square 1.06
    assert mask_of("2x2", scores, 0.5)[0, 0].tolist() == [False, False, True, True]


@pytest.mark.parametrize("name", ["2:4", "1:4", "1:8", "3:5"])
@pytest.mark.parametrize("inputs", [40, 39, 3])
def test_n_of_m_holds_in_every_group(name: str, inputs: int) -> None:
    n, m = (int(side) for side in name.split(":"))
    scores = RNG.random((2, inputs, 6))
    mask = mask_of(name, scores, 1 - n / m)
    for start in range(0, inputs, m):
        part, values = mask[:, start : start + m], scores[:, start : start + m]
        assert (part.sum(axis=1) >= -(-n * part.shape[1] // m)).all()
        if inputs % m == 0:
            assert (part.sum(axis=1) == n).all()
            assert (np.where(part, values, 9).min(1) > np.where(part, 0, values).max(1)).all()


def test_a_ramp_on_the_way_to_n_of_m_never_closes_too_much() -> None:
    scores = RNG.random((1, 64, 8))
    for sparsity in (0.1, 0.3, 0.45):
        mask = mask_of("2:4", scores, sparsity)
        assert (~mask).mean() == pytest.approx(sparsity, abs=0.002)
        assert (mask.reshape(1, 16, 4, 8).sum(axis=2) >= 2).all()


@pytest.mark.parametrize("outputs", [6, 7])
def test_n_of_m_shared_by_pairs_of_outputs(outputs: int) -> None:
    scores = RNG.random((3, 16, outputs))
    mask = mask_of("2:4x2", scores, 0.5)
    assert (mask.reshape(3, 4, 4, outputs).sum(axis=2) == 2).all()
    paired = outputs // 2 * 2
    assert (mask[:, :, 0:paired:2] == mask[:, :, 1:paired:2]).all()
    assert named_structure("2:4x2").name == "2:4x2" and default_sparsity("2:4x2", 0.1) == 0.5


def test_each_kernel_its_own() -> None:
    chosen = ByKernel({"a": "2x8", "b": "2x2"})
    assert structure_of(chosen, "a") == Blocks(2, 8) and structure_of(chosen, "b") == Blocks(2, 2)
    assert structure_of("2x4", "a") == Blocks(2, 4) and default_sparsity(chosen, 0.4) == 0.4


def test_what_does_not_divide_is_said() -> None:
    assert "10 outputs do not divide by 4" in Blocks(1, 4).note((1, 64, 10))
    assert "last 3 of each output 2 stay" in NofM(2, 4).note((9, 3, 8))
    assert not any(row.note((1, 64, 8)) for row in STRUCTURES.values())


def test_n_of_m_says_its_own_sparsity() -> None:
    assert default_sparsity("1:4", 0.6) == 0.75 and default_sparsity("2x2", 0.6) == 0.6


@pytest.mark.parametrize("wrong", ["3:2", "4:4", "0x2", "x", "2by2", 7])
def test_what_is_no_structure_is_refused(wrong: Any) -> None:
    with pytest.raises(EdgekitError) as caught:
        named_structure(wrong)
    assert caught.value.hint


@pytest.mark.parametrize("shape", [(3, 3, 4, 8), (5, 4, 8), (64, 10), (2, 3, 4, 5, 6)])
def test_a_layout_gives_back_what_it_took(shape: tuple[int, ...]) -> None:
    kernel = RNG.random(shape)

    class Conv2DTranspose:
        pass

    for layer in (object(), Conv2DTranspose()):
        layout = layout_of(layer, "kernel", len(shape))
        assert np.array_equal(layout.kernel(layout.matrix(kernel), shape), kernel)


def test_inputs_and_outputs_of_einsum_kernels() -> None:
    class Projection:
        equation = "abc,cde->abde"

    layout = layout_of(Projection(), "kernel", 3)
    assert layout == Layout((), (0,), (1, 2))
    assert layout.matrix_shape((16, 2, 8)) == (1, 16, 16)


def test_a_structure_of_ones_own() -> None:
    class Rows(Blocks):
        pass

    assert named_structure(Rows(1, 8)).note((1, 4, 12))
