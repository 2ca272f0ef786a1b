# SPDX-License-Identifier: Apache-2.0
"""docs/layers.md is what scripts/layer_table.py finds: a sample of it is tried here."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from edgekit.tflite.golden import tflm_version

pytestmark = [
    pytest.mark.needs_tf,
    pytest.mark.skipif(not tflm_version(), reason="no TFLM interpreter: pip install tflite-micro"),
]
SAMPLE = [
    ("Attention", "MultiHeadAttention"),
    ("Recurrent", "GRU"),
    ("Normalization", "LayerNormalization"),
    ("Shape", "UpSampling2D"),
    ("Activation", "softplus"),
    ("Convolution", "Conv3D"),
]


@pytest.fixture(scope="module")
def script(root: Path) -> Iterator[Any]:
    sys.path.insert(0, str(root / "scripts"))
    import layer_table

    yield layer_table
    sys.path.remove(str(root / "scripts"))


@pytest.mark.parametrize(("group", "name"), SAMPLE)
def test_a_row_is_as_the_page_says(script: Any, group: str, name: str, root: Path) -> None:
    from layer_page import updated

    page = (root / "docs" / "layers.md").read_text()
    assert updated(page, [asdict(script.try_case(group, name))]) == page


def test_every_model_has_a_row(script: Any, root: Path) -> None:
    from layer_page import lines_of

    page = (root / "docs" / "layers.md").read_text()
    names = [name for cases in script.CASES.values() for name in cases]
    assert list(lines_of(page)) == names
