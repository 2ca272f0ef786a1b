# SPDX-License-Identifier: Apache-2.0
"""The report page: one file, every figure labelled, user text escaped, the same bytes twice."""

import copy
import csv
import io
import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from edgekit.report.charts import ACCENT, Drawing
from edgekit.report.markdown import bench_markdown, layers_csv
from edgekit.report.page import report_page
from edgekit.report.words import signed

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
    "core": "host",
    "limits": {"flash_bytes": 40000, "ram_bytes": 10000},
    "runtime": "aot",
    "runtime_version": "",
    "kernels": "",
    "counter": "clock",
    "clock_hz": 1_000_000,
    "kind": "measured",
    "samples": 3,
    "bit_exact": 3,
    "max_abs_diff": 0,
    "diff_unit": "LSB",
    "rmse": 0.0,
    "mae": 0.0,
    "cosine": 1.0,
    "accuracy": 0.75,
    "golden_accuracy": 0.75,
    "confusion": [[2, 0], [1, 1]],
    "classes": ["yes", "no"],
    "latency": LATENCY,
    "memory": MEMORY,
    "layers": [
        {**CONV, "macs": 2048, "macs_run": 1024, "ticks": 90, "us": 90.0, "share": 0.9}
        | {"ticks_per_mac": 90 / 1024},
        {**SOFTMAX, "macs": 0, "macs_run": 0, "ticks": 10, "us": 10.0, "share": 0.1}
        | {"ticks_per_mac": None},
    ],
    "prediction": None,
    "cycles": None,
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
DIFFERENCE = {"layer": "conv", "sample": 1, "index": 0, "op": "CONV_2D", "max_abs_diff": 3.0}
DIFFERENCE |= {"reason": ""}
CONVERT = {
    "source": "kws.keras",
    "ops": [
        {**CONV, "weights": 4, "zero_weights": 3, "weight_bytes": 20},
        {**SOFTMAX, "weights": 0, "zero_weights": 0, "weight_bytes": 0},
    ],
    "warnings": [],
    "accuracy": {"float": 0.8, "int8": 0.75},
}


RANGES = {
    "calibration": {"samples": 200, "method": "mse", "seed": 0},
    "statistics": [
        {
            "layer": "conv<1>",
            "kind": "activation",
            "min": 0.0,
            "max": 9.5,
            "low": 0.0,
            "high": 7.7125,
            "clipped": 0.0001,
            "histogram": [100, 25, 0, 1],
            "sqnr_db": 41.26,
        }
    ],
}


def record(folder: Path, **changed: object) -> dict:
    """A deploy record as `plain` gives it, small but whole, with `changed` in its bench."""
    ticks = folder / "ticks.csv"
    ticks.write_text("sample,ticks\n0,100\n1,102\n2,101\n")
    bench = copy.deepcopy(BENCH) | {"ticks": str(ticks)} | changed
    return {"bench": bench, "convert": CONVERT, "prune": None}


def test_the_page_needs_nothing_from_outside(tmp_path: Path) -> None:
    page = report_page(record(tmp_path))
    references = re.findall(r'(?:src|href)="([^"#][^"]*)"', page)
    assert [each for each in references if each != "data:,"] == []
    assert "://" not in page
    assert str(tmp_path) not in page


def test_every_section_says_how_its_figures_were_obtained(tmp_path: Path) -> None:
    page = report_page(record(tmp_path))
    sections = re.findall(r"<section.*?</section>", page, flags=re.DOTALL)
    assert len(sections) == 8
    for section in sections[:-1]:
        assert re.search(r'class="about">\s*(measured|emulated|estimated)', section), section[:200]
    cards = re.findall(r'class="card".*?</div>', page, flags=re.DOTALL)
    assert len(cards) == 5
    assert all(re.search("measured|emulated|estimated", card) for card in cards)


def test_ranges_are_shown_with_what_they_cut_off(tmp_path: Path) -> None:
    body = record(tmp_path)
    assert "<h2>Ranges</h2>" not in report_page(body)
    page = report_page(body | {"convert": CONVERT | RANGES})
    assert "estimated by mse from 200 samples" in page
    assert "0 … 7.713" in page and "0.01 %" in page and "41.3" in page
    assert "conv&lt;1&gt;" in page and "conv<1>" not in page
    assert 'height="50.0"' in page  # the root of 25 beside that of 100


def test_an_emulated_run_is_never_called_measured_latency(tmp_path: Path) -> None:
    body = record(tmp_path, kind="emulated")
    for row in body["bench"]["layers"]:
        row["instructions"] = row.pop("us")
    body["bench"]["latency"]["unit"] = "instructions"
    page = report_page(body)
    assert "emulated: instructions counted by QEMU" in page
    assert "measured: clock" not in page


def test_a_difference_is_shown_with_its_layer(tmp_path: Path) -> None:
    changed = {"bit_exact": 2, "max_abs_diff": 3, "first_difference": DIFFERENCE}
    page = report_page(record(tmp_path, **changed))
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


def test_the_histogram_holds_every_inference(tmp_path: Path) -> None:
    page = report_page(record(tmp_path), ticks=[100] * 5 + [101] * 3 + [150, 160])
    counts = re.findall(r"<title>(\d+) from ", page)
    assert sum(map(int, counts)) == 10
    places = [
        (float(x), float(w)) for x, w in re.findall(r'<rect x="(.*?)".*? width="(.*?)"', page)
    ]
    assert all(x >= 0 and x + w <= 100 for x, w in places)


def test_charts_are_svg_that_parses(tmp_path: Path) -> None:
    page = report_page(record(tmp_path))
    drawn = re.findall(r"<svg.*?</svg>", page, flags=re.DOTALL)
    assert len(drawn) == 2 + 1 + 2 + 2 + 1  # legend, histogram, layers, meters, weights
    for svg in drawn:
        assert ET.fromstring(svg).tag.endswith("svg")


def test_a_drawing_is_in_the_pages_colours() -> None:
    with Drawing(1.0) as (figure, svg):
        figure.subplots().plot([1, 2], color=ACCENT)
    assert ET.fromstring(svg()).tag.endswith("svg")
    assert "var(--accent)" in svg()
    assert not re.search(r"#0[0-9a-f]0[0-9a-f]0[0-9a-f]\b", svg())


PREDICTION = {
    "layers": 2,
    "median_error": 0.5,
    "total_error": -0.25,
    "cycles_error": 0.125,
    "worst": {"index": 1, "op": "SOFTMAX", "layer": "", "way": "portable", "error": -0.9},
    "costliest": {"index": 0, "op": "CONV_2D", "layer": "conv", "way": "packed", "error": -0.1},
    "ways": [
        {"way": "packed", "layers": 1, "share": 0.9, "median_error": 0.1, "total_error": -0.1}
    ],
}


def emulated(folder: Path) -> dict:
    """A run on an emulated board, with a way and a prediction for every layer."""
    body = record(folder, kind="emulated", prediction=PREDICTION)
    body["bench"]["latency"] = LATENCY | {"unit": "instructions"}
    told = ({"way": "packed", "prediction_error": -0.1}, {"way": "portable"})
    for row, more in zip(body["bench"]["layers"], told, strict=True):
        row["instructions"] = row.pop("us")
        row |= {"prediction_error": -0.9, "predicted_instructions": 81} | more
    return body


def test_the_page_shows_each_way_and_what_was_predicted(tmp_path: Path) -> None:
    page = report_page(emulated(tmp_path))
    assert "CONV_2D, packed" in page and "SOFTMAX, portable" in page
    assert "-10.0 %" in page and "-90.0 %" in page and "-25.0 %" in page


def test_recall_and_precision_stand_beside_the_confusion(tmp_path: Path) -> None:
    page = report_page(record(tmp_path))
    sums = re.findall(r'<td class="sum">(.*?)</td>', page)
    assert sums == ["100 %", "50 %", "67 %", "100 %", ""]


def test_markdown_is_a_table_and_escapes_names(tmp_path: Path) -> None:
    body = emulated(tmp_path)
    body["bench"]["layers"][0]["layer"] = "a|b_c"
    body["bench"]["warnings"] = ["<b> is not a tag"]
    text = bench_markdown(body)
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert all(row.replace("\\|", "").count("|") in (4, 9) for row in rows)
    assert "a\\|b\\_c" in text and "\\<b>" in text
    assert "| bit-exact | 3 of 3 |" in text
    assert "<details>" in text and text.count("\n| 0 ") == 1


def test_markdown_says_where_outputs_differ(tmp_path: Path) -> None:
    changed = {"bit_exact": 2, "max_abs_diff": 3, "first_difference": DIFFERENCE}
    text = bench_markdown(record(tmp_path, **changed))
    assert "**outputs differ**" in text and "layer `conv`" in text
    assert "| largest difference | 3 LSB |" in text


def test_layers_are_a_csv(tmp_path: Path) -> None:
    rows = list(csv.DictReader(io.StringIO(layers_csv(emulated(tmp_path)["bench"]))))
    assert [row["layer"] for row in rows] == ["conv", ""]
    assert [row["prediction_error"] for row in rows] == ["-0.1", "-0.9"]
    assert [row["ticks_per_mac"] for row in rows] == [str(90 / 1024), ""]
    assert "us" not in rows[0]


@pytest.mark.parametrize(
    ("share", "words"), [(0.1234, "+12.3 %"), (-0.0001, "0.0 %"), (52.0, "+5,200 %"), (None, "-")]
)
def test_changes_have_a_sign(share: float | None, words: str) -> None:
    assert signed(share) == words
