# SPDX-License-Identifier: Apache-2.0
"""Names for C: the grammar, the reserved words, and nothing left over."""

from __future__ import annotations

import re

import pytest

from edgekit.emit.names import LONGEST, RESERVED, c_identifier
from edgekit.errors import EdgekitError


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("kws", "kws"),
        ("pretrainedResnet", "pretrainedResnet"),
        ("my model-v2.1", "my_model_v2_1"),
        ("96_vww", "m96_vww"),
        ("__init__", "init"),
        ("modèle", "modele"),
        ("int", "int_"),
        ("new", "new_"),
        ("main", "main_"),
    ],
)
def test_names_become_identifiers(given: str, expected: str) -> None:
    assert c_identifier(given) == expected


@pytest.mark.parametrize("given", ["", "___", "模型", "-.-"])
def test_a_name_of_nothing_is_refused(given: str) -> None:
    with pytest.raises(EdgekitError, match="no name for C") as caught:
        c_identifier(given)
    assert "--name" in caught.value.hint


def test_every_result_is_a_free_identifier() -> None:
    for given in [*RESERVED, "a" * 200, "9" * 200, "x y", "Ünïcödé"]:
        name = c_identifier(given)
        assert re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", name)
        assert name not in RESERVED
        assert len(name) <= LONGEST + 1
