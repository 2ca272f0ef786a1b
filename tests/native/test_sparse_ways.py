# SPDX-License-Identifier: Apache-2.0
"""Ways for pruned weights, as their portable twins on this machine, against TFLM; and that they
are chosen where they cost less."""

from __future__ import annotations

import numpy as np
import pytest

from edgekit.lower.program import Target
from edgekit.lower.ways.sparse_pack import kept_pairs_of_four, kept_words, pairs_order, with_gaps
from tests.support.exact import check_bit_exact
from tests.support.side_by_side import side_by_side
from tests.support.sparse_models import SPARSE_MODELS, blocks, conv, dense, single
from tests.support.tflite_builder import SAME
from tests.support.way_models import FUNCTIONS, only

M4 = Target(core="cortex-m4", optimize="speed")
SMALL = Target(core="cortex-m4", optimize="size")


@pytest.mark.parametrize(("function", "out_zp"), FUNCTIONS)
@pytest.mark.parametrize("way", SPARSE_MODELS)
def test_layers(way, function, out_zp, monkeypatch):
    monkeypatch.setattr("edgekit.lower.build.choose_ways", only(way))
    program = check_bit_exact(SPARSE_MODELS[way](function, out_zp), 6, target=M4)
    assert way in {call.way for call in program.calls}


@pytest.mark.parametrize(
    ("add", "case", "target", "ways"),
    [
        (dense, (1, 128, 64, blocks(8, 2), 0.75), M4, {"8x2 row"}),
        (dense, (1, 128, 64, blocks(4, 2), 0.75), M4, {"4x2 row"}),
        (dense, (16, 128, 64, blocks(2, 2), 0.75), M4, {"2x2 rows"}),
        (conv, ((1, 9, 9, 16), (3, 3), (1, 1), SAME, 16, blocks(2, 2), 0.9), M4, {"2x2 lines"}),
        (conv, ((1, 9, 9, 16), (3, 3), (1, 1), SAME, 16, single, 0.2), M4, {"wide windows"}),
        (conv, ((1, 4, 4, 64), (1, 1), (1, 1), SAME, 64, single, 0.8), SMALL, {"single rows"}),
    ],
)
def test_what_costs_least_is_chosen(add, case, target, ways):
    program = check_bit_exact(side_by_side(add, [case]), 3, target=target)
    assert {call.way for call in program.calls} == ways


def test_a_row_with_nothing_in_it_and_a_full_one(monkeypatch):
    """Every number of entries from none to more than the unrolled loop holds."""
    monkeypatch.setattr("edgekit.lower.build.choose_ways", only("2x2 rows"))

    def ladder(rng, out_c, taps, sparsity):
        keep = np.zeros((out_c, taps), bool)
        for pair in range(out_c // 2):
            keep[2 * pair : 2 * pair + 2, : 2 * pair] = True
        return keep

    check_bit_exact(side_by_side(dense, [(5, 44, 40, ladder, 0.0)]), 4, target=M4)


def test_gaps_are_never_wider_than_they_may_be():
    places = with_gaps(np.array([0, 3, 70, 500]), 63)
    assert places[:2] == [0, 3] and places[-1] == 500 and {70} <= set(places)
    assert max(np.diff([0, *places])) <= 63
    assert with_gaps(np.array([], np.int64), 63) == []


def test_any_two_of_four_are_one_word():
    used = np.array([[pattern >> bit & 1 for bit in range(4)] for pattern in range(16)], bool)
    words = kept_pairs_of_four(used, 1, 4).sum(axis=1)
    assert words.tolist() == [-(-int(row.sum()) // 2) for row in used]
    assert (words <= kept_words(used, np.array(pairs_order(4))).sum(axis=1)).all()
