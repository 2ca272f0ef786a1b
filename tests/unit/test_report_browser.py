# SPDX-License-Identifier: Apache-2.0
"""The pages in headless Chromium: nothing is asked of the network, no word on the console, and
they fit a phone as well as a desktop."""

from collections.abc import Callable
from pathlib import Path

import pytest

import edgekit
from edgekit.report.comparison import comparison_page
from edgekit.report.page import report_page
from tests.support.browser import needs_browser, open_page
from tests.unit.test_compare_verb import run
from tests.unit.test_report import DIFFERENCE, emulated

pytestmark = needs_browser
PHONE, DESKTOP = 390, 1000


def _bench(folder: Path) -> str:
    return report_page(emulated(folder))


def _differs(folder: Path) -> str:
    body = emulated(folder)
    body["bench"] |= {"bit_exact": 2, "max_abs_diff": 3}
    body["bench"]["first_difference"] = DIFFERENCE | {"layer": "a_layer_of_a_long_name/and_more"}
    return report_page(body)


def _compared(folder: Path) -> str:
    return comparison_page(edgekit.compare(run(100), run(120)))


@pytest.mark.parametrize("make", [_bench, _differs, _compared])
@pytest.mark.parametrize("width", [PHONE, DESKTOP])
def test_a_page_opens_clean(make: Callable[[Path], str], width: int, tmp_path: Path) -> None:
    seen = open_page(make(tmp_path), tmp_path, width=width, dark=width == PHONE)
    assert seen.asked == []
    assert seen.console == []
    assert seen.wide <= width and seen.cut == []
    shade = sum(int(part) for part in seen.back.removeprefix("rgb(").rstrip(")").split(","))
    assert (shade < 3 * 64) == (width == PHONE)


def test_the_check_sees_a_request_and_an_error(tmp_path: Path) -> None:
    image = '<img src="http://127.0.0.1:9/x.png">'
    wide = "<section style='width: 3000px'>x</section>"
    bare = f"<!doctype html><html><body>{image}{wide}</body></html>"
    seen = open_page(bare, tmp_path, width=PHONE)
    assert seen.asked == ["http://127.0.0.1:9/x.png"]
    assert seen.wide > PHONE
    guarded = _bench(tmp_path).replace("<main>", f"<main>{image}")
    seen = open_page(guarded, tmp_path)
    assert seen.asked == [] and "Content Security Policy" in seen.console[0]
