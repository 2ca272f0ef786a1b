# SPDX-License-Identifier: Apache-2.0
"""The example of docs/adding_an_op.md is real: its blocks are run as they stand."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from edgekit.build import host
from edgekit.lower.opkind import REGISTRY
from edgekit.resources import resource_dir
from tests.support.exact import needs_tflm

PAGE = Path(__file__).parents[2] / "docs" / "adding_an_op.md"
KIND = "REVERSE_V2"


def _blocks() -> dict[str, str]:
    """File name in a block's first line -> the block."""
    found = re.findall(
        r"```(?:python|c)\n(?:# |/\* )(\S+)(?: \*/)?\n(.*?)```", PAGE.read_text(), re.S
    )
    return dict(found)


@pytest.fixture
def example(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Any]]:
    """Names of the page's test block, with the page's operator registered."""
    blocks = _blocks()
    shutil.copytree(resource_dir("firmware"), tmp_path / "firmware")
    (tmp_path / "firmware/runtime/ek_reverse_v2.h").write_text(
        blocks["firmware/runtime/ek_reverse_v2.h"]
    )
    monkeypatch.setattr(host, "resource_dir", lambda name: tmp_path / name)
    before = REGISTRY.get(KIND)
    names: dict[str, Any] = {"__name__": "example"}
    exec(compile(blocks["edgekit/lower/ops/reverse_v2.py"], str(PAGE), "exec"), names)
    exec(compile(blocks["tests/native/test_ops_reverse_v2.py"], str(PAGE), "exec"), names)
    yield names
    if before is None:
        del REGISTRY[KIND]
    else:
        REGISTRY[KIND] = before


def test_page_has_one_class_one_kernel_one_test() -> None:
    assert [Path(name).name for name in _blocks()] == [
        "reverse_v2.py",
        "ek_reverse_v2.h",
        "test_ops_reverse_v2.py",
    ]


@pytest.mark.parametrize("axis", [0, 1, 2, 3])
def test_example_is_bit_exact(example: dict[str, Any], axis: int) -> None:
    needs_tflm()
    example["test_reverse"](axis)


def test_example_refuses(example: dict[str, Any]) -> None:
    example["test_two_axes_are_refused"]()
