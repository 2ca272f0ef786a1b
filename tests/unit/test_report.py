# SPDX-License-Identifier: Apache-2.0
"""The report page: one file, every figure labelled, user text escaped, the same bytes twice."""

import copy
import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from edgekit.report.charts import Bars, histogram, layer_bars
from edgekit.report.page import report_page

LATENCY = {
    "unit": "us",
    "n": 3,
    "warmup": 2,
    "min": 100.0,
    "median": 101.0,
    "p95": 102.0,
    "max": 102.0,
    "resolution": 1.0,
    "p95_definition": "nearest rank",
}
MEMORY = {
    "flash_bytes": 20000,
    "model_flash_bytes": 15000,
    "ram_bytes": 9000,
    "arena_bytes": 4096,
    "stack_bytes": 500,
}
CONV = {"index": 0, "op": "CONV_2D", "layer": "conv"}
SOFTMAX = {"index": 1, "op": "SOFTMAX", "layer": ""}
BENCH = {
    "name": "kws",
    "board": "native",
    "runtime": "aot",
    "counter": "clock",
    "clock_hz": 1_000_000,
    "kind": "measured",
    "samples": 3,
    "bit_exact": 3,
    "max_abs_diff": 0,
    "diff_unit": "LSB",
    "rmse": 0.0,
    "cosine": 1.0,
    "accuracy": 0.75,
    "confusion": [[2, 0], [1, 1]],
    "classes": ["yes", "no"],
    "latency": LATENCY,
    "memory": MEMORY,
    "layers": [
        {**CONV, "macs": 2048, "ticks": 90, "us": 90.0},
        {**SOFTMAX, "macs": 0, "ticks": 10, "us": 10.0},
    ],
    "golden": {"by": "tflite-micro", "version": "0"},
    "first_difference": None,
    "data": "test.npz",
    "seed": 0,
    "model_sha256": "ab" * 32,
    "build_id": "1234",
    "compiler": "cc 12",
    "optimize": "balanced",
    "warnings": [],
}
CONVERT = {
    "source": "kws.keras",
    "ops": [
        {**CONV, "weights": 4, "zero_weights": 3, "weight_bytes": 20},
        {**SOFTMAX, "weights": 0, "zero_weights": 0, "weight_bytes": 0},
    ],
    "warnings": [],
    "accuracy": {"float": 0.8, "int8": 0.75},
}
BUILD = {"limits": {"flash_bytes": 40000, "ram_bytes": 10000}}


def record(folder: Path, **changed: object) -> dict:
    """A deploy record as `plain` gives it, small but whole, with `changed` in its bench."""
    ticks = folder / "ticks.csv"
    ticks.write_text("sample,ticks\n0,100\n1,102\n2,101\n")
    bench = copy.deepcopy(BENCH) | {"ticks": str(ticks)} | changed
    return {"bench": bench, "convert": CONVERT, "build": BUILD, "prune": None}


def test_the_page_needs_nothing_from_outside(tmp_path: Path) -> None:
    page = report_page(record(tmp_path))
    references = re.findall(r'(?:src|href)="([^"#][^"]*)"', page)
    assert references == []
    assert "http" not in re.sub(r'xmlns(:xlink)?="[^"]*"', "", page)
    assert str(tmp_path) not in page


def test_every_section_says_how_its_figures_were_obtained(tmp_path: Path) -> None:
    page = report_page(record(tmp_path))
    sections = re.findall(r"<section.*?</section>", page, flags=re.DOTALL)
    assert len(sections) == 7
    for section in sections[:-1]:
        assert re.search(r'class="about">\s*(measured|emulated|estimated)', section), section[:200]
    cards = re.findall(r'class="card".*?</div>\s*<p class="value', page, flags=re.DOTALL)
    assert len(cards) == 5
    assert all(re.search("measured|emulated|estimated", card) for card in cards)


def test_an_emulated_run_is_never_called_measured_latency(tmp_path: Path) -> None:
    body = record(tmp_path, kind="emulated")
    for row in body["bench"]["layers"]:
        row["instructions"] = row.pop("us")
    body["bench"]["latency"]["unit"] = "instructions"
    page = report_page(body)
    assert "emulated: instructions counted by QEMU" in page
    assert "measured: clock" not in page


def test_a_difference_is_shown_with_its_layer(tmp_path: Path) -> None:
    found = {"layer": "conv", "sample": 1, "reason": ""}
    page = report_page(record(tmp_path, bit_exact=2, max_abs_diff=3, first_difference=found))
    assert "The outputs differ" in page
    assert "<code>conv</code>" in page


def test_names_are_escaped(tmp_path: Path) -> None:
    page = report_page(record(tmp_path, name="<script>alert(1)</script>"))
    assert "<script" not in page


def test_layer_names_are_escaped_in_charts(tmp_path: Path) -> None:
    body = record(tmp_path)
    body["bench"]["layers"][0]["layer"] = "<em>&x"
    assert "<em>" not in report_page(body)


def test_the_same_record_gives_the_same_bytes(tmp_path: Path) -> None:
    assert report_page(record(tmp_path)) == report_page(record(tmp_path))


def test_a_constant_latency_is_said_in_words(tmp_path: Path) -> None:
    body = record(tmp_path)
    (tmp_path / "ticks.csv").write_text("sample,ticks\n0,100\n1,100\n")
    assert "Every inference took the same" in report_page(body)


@pytest.mark.parametrize(
    "svg",
    [
        histogram([1, 2, 3, 3, 9], unit="us", median=3, p95=9),
        layer_bars(["a", "b"], (Bars("one", [1, 2], ["1", "2"]), Bars("two", [0, 0], ["", ""]))),
    ],
)
def test_charts_are_svg_in_the_pages_colours(svg: str) -> None:
    assert ET.fromstring(svg).tag.endswith("svg")
    assert "var(--accent)" in svg
    assert not re.search(r"#0[0-9a-f]0[0-9a-f]0[0-9a-f]\b", svg)
