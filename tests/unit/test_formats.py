# SPDX-License-Identifier: Apache-2.0
"""The tables of formats, held to TFLite Micro's interpreter: a row a kind, run or refused."""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path

import pytest

from edgekit.quantize.formats import kinds, rewrite
from edgekit.tflite.golden import tflm_version
from tests.support.format_cases import CASES, dense, depthwise, why_not, why_not_built

needs_tflm = pytest.mark.skipif(not tflm_version(), reason="tflite-micro is not installed")
LISTED = (*kinds.INT16_KINDS, *kinds.SAME_SCALE, *kinds.FIXED_SCALE, *kinds.WEIGHTS)


@needs_tflm
@pytest.mark.needs_tf
@pytest.mark.parametrize("kind", sorted(CASES))
def test_what_is_offered_runs_right_and_what_is_refused_does_not(kind: str) -> None:
    told = why_not(kind, "int16x8")
    assert (kind in kinds.INT16_KINDS) == (not told), told
    if kind in kinds.WEIGHTS:
        told = why_not(kind, "int16x8", "int32")
        assert (kind in kinds.INT32_BIAS_KINDS) == (not told), told
        told = why_not(kind, "int4")
        assert (kind in kinds.INT4_KINDS) == (not told), told


@needs_tflm
@pytest.mark.needs_tf
def test_4_bit_weights_of_a_dense_layer_need_one_scale(monkeypatch: pytest.MonkeyPatch) -> None:
    per_channel = partial(dense, scales=5)
    assert not why_not_built(per_channel, "int16x8")
    assert kinds.ONE_SCALE_INT4 == ("FULLY_CONNECTED",)
    monkeypatch.setattr(rewrite, "ONE_SCALE_INT4", ())
    assert "refuses" in why_not_built(per_channel, "int4")
    assert not why_not_built(depthwise, "int4")  # others take one for each channel


def test_every_kind_of_the_tables_has_a_case() -> None:
    assert CASES.keys() >= set(LISTED)


def test_the_page_has_the_same_table(root: Path) -> None:
    text = (root / "docs" / "quantization.md").read_text()
    table = text.partition("<!-- formats -->")[2].partition("<!-- /formats -->")[0]
    rows = re.findall(r"^\| ([A-Z0-9_]+) \| (\S+) \| (\S+) \| (\S+) \|$", table, re.MULTILINE)
    told = {kind: cells for kind, *cells in rows}
    words = {True: "yes", False: "no"}
    expected = {
        kind: [
            words[kind in kinds.INT16_KINDS],
            words[kind in kinds.INT32_BIAS_KINDS] if kind in kinds.WEIGHTS else "-",
            words[kind in kinds.INT4_KINDS] if kind in kinds.WEIGHTS else "-",
        ]
        for kind in CASES
    }
    assert told == expected
