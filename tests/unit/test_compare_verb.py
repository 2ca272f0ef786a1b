# SPDX-License-Identifier: Apache-2.0
"""compare: what is held against what, what is refused, and what a bound catches."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest

import edgekit
from edgekit.errors import EdgekitError, LimitBroken
from edgekit.report.comparison import comparison_markdown, comparison_page
from edgekit.verbs.compare import CompareRecord, Regressed
from tests.unit.test_report import BENCH

MEMORY = {
    "flash_bytes": 20000,
    "model_flash_bytes": 15000,
    "ram_bytes": 9000,
    "arena_bytes": 4096,
    "stack_bytes": 500,
}


def run(latency: float = 100.0, **changed: Any) -> dict[str, Any]:
    """A bench record with the median `latency`; `changed` keys of it and of its memory."""
    body = copy.deepcopy(BENCH) | {"memory": dict(MEMORY), "files": {}, "stage": "bench"}
    body["latency"] = BENCH["latency"] | {"median": latency, "p95": latency + 1}
    body["layers"][0] |= {"us": latency * 0.9, "origin": [0], "way": "packed"}
    body["layers"][1] |= {"us": latency * 0.1, "origin": [1]}
    for key, value in changed.items():
        (body["memory"] if key in MEMORY else body)[key] = value
    return body


def figure(record: CompareRecord, key: str) -> Any:
    return next(each for each in record.figures if each.key == key)


def test_changes_are_against_the_first() -> None:
    record = edgekit.compare(run(100), run(80), run(130, flash_bytes=10000))
    assert figure(record, "median").values == (100, 80, 130)
    assert figure(record, "median").changes == (None, -0.2, 0.3)
    assert figure(record, "flash_bytes").changes == (None, 0.0, -0.5)
    assert [row.changes for row in record.layers] == [(None, -0.2, 0.3)] * 2
    assert record.layers[0].ways[0] == "packed"
    assert record.regressions == ()


@pytest.mark.parametrize(
    ("worse", "key"),
    [
        ({"latency": 106}, "median"),
        ({"flash_bytes": 21001}, "flash_bytes"),
        ({"ram_bytes": 9451}, "ram_bytes"),
        ({"arena_bytes": 4400}, "arena_bytes"),
        ({"accuracy": 0.7}, "accuracy"),
        ({"bit_exact": 2}, "bit_exact"),
    ],
)
def test_a_bound_catches_what_got_worse(worse: dict[str, Any], key: str) -> None:
    with pytest.raises(Regressed) as caught:
        edgekit.compare(run(), run(**worse), max_regression=0.05)
    assert isinstance(caught.value, LimitBroken) and caught.value.exit_code == 1
    assert figure(caught.value.record, key).worse == (False, True)
    assert key in str(caught.value)
    assert edgekit.compare(run(), run(**worse)).regressions == ()
    assert edgekit.compare(run(**worse), run(), max_regression=0.05).regressions == ()


def test_a_bound_holds_up_to_its_value() -> None:
    record = edgekit.compare(run(100), run(105), max_regression=0.05)
    assert record.regressions == ()
    assert figure(record, "median").changes == (None, 0.05)


def test_different_models_are_refused_unless_asked_for() -> None:
    other = run(50, model_sha256="cd" * 32)
    with pytest.raises(EdgekitError, match="another model") as caught:
        edgekit.compare(run(), other)
    assert "--any-model" in caught.value.hint
    assert figure(edgekit.compare(run(), other, any_model=True), "median").changes == (None, -0.5)


def in_instructions(body: dict[str, Any]) -> dict[str, Any]:
    body["latency"]["unit"] = "instructions"
    for row in body["layers"]:
        row["instructions"] = row.pop("us")
    return body | {"kind": "emulated", "board": "qemu-mps2-an386"}


def test_different_units_are_shown_and_not_compared() -> None:
    record = edgekit.compare(run(), in_instructions(run()))
    assert figure(record, "median").changes == (None, None)
    assert record.layers == ()
    assert "latency cannot be compared" in record.notes[0] and "instructions" in record.notes[0]
    assert "cannot be compared" in comparison_page(record)
    assert figure(record, "flash_bytes").changes == (None, 0.0)


@pytest.mark.parametrize(
    ("other", "word"),
    [
        (in_instructions(run()), "latency"),
        (run(seed=1), "accuracy"),
        (run(accuracy=None, confusion=None), "accuracy"),
        (run(flash_bytes=None, ram_bytes=None), "memory"),
    ],
)
def test_a_bound_that_cannot_be_checked_is_refused(other: dict[str, Any], word: str) -> None:
    assert edgekit.compare(run(), other).notes
    with pytest.raises(EdgekitError, match=f"{word} cannot be bounded") as caught:
        edgekit.compare(run(), other, max_regression=0.05)
    assert caught.value.exit_code == 2


def test_another_counter_is_said() -> None:
    record = edgekit.compare(run(), run(counter="DWT"))
    assert any("counters differ" in note for note in record.notes)


def test_ops_that_one_run_has_as_one_are_added_up() -> None:
    together = run()
    row = together["layers"][0] | {"origin": [0, 1], "us": 70.0}
    together["layers"] = [row]
    record = edgekit.compare(run(), together)
    assert [row.values for row in record.layers] == [(100, 70)]
    assert [row.layer for row in record.layers] == ["conv"]


def test_layers_of_different_models_meet_by_name() -> None:
    other = run(50, model_sha256="cd" * 32)
    other["layers"][1] |= {"layer": "new", "index": 7, "origin": [7]}
    rows = edgekit.compare(run(), other, any_model=True).layers
    assert [(row.layer, row.values) for row in rows] == [
        *(("conv", (90, 45)), ("", (10, None)), ("new", (None, 5)))
    ]


def test_files_and_folders_are_read(tmp_path: Path) -> None:
    for place, body in (
        ("a/bench/bench.json", run()),
        ("b/deploy.json", {"stage": "deploy", "bench": run(90)}),
        ("c/printed.json", {key: value for key, value in run(80).items() if key != "stage"}),
    ):
        (tmp_path / place).parent.mkdir(parents=True)
        (tmp_path / place).write_text(json.dumps(body))
    paths = [tmp_path / "a", tmp_path / "b", tmp_path / "c" / "printed.json"]
    record = edgekit.compare(*paths)
    assert figure(record, "median").values == (100, 90, 80)
    assert len({each.label for each in record.runs}) == 3
    with pytest.raises(EdgekitError, match="no record"):
        edgekit.compare(tmp_path / "a", tmp_path)
    (tmp_path / "convert.json").write_text('{"stage": "convert"}')
    with pytest.raises(EdgekitError, match="no record of a bench"):
        edgekit.compare(tmp_path / "a", tmp_path / "convert.json")
    with pytest.raises(EdgekitError, match="takes two"):
        edgekit.compare(tmp_path / "a")


def test_labels_name_what_differs() -> None:
    record = edgekit.compare(run(), run(board="b2"), run(optimize="size"))
    assert [each.label for each in record.runs] == [
        *("native, balanced", "b2, balanced", "native, size")
    ]
    assert [each.label for each in edgekit.compare(run(), run()).runs] == ["run 1", "run 2"]


def test_what_is_written_is_whole_and_self_contained(tmp_path: Path) -> None:
    with pytest.raises(Regressed):
        edgekit.compare(run(), run(200), max_regression=0.05, out=tmp_path / "cmp")
    assert {path.name for path in (tmp_path / "cmp").iterdir()} == {
        *("compare.json", "report.html", "report.md")
    }
    page = (tmp_path / "cmp" / "report.html").read_text()
    assert "Worse than allowed" in page and "://" not in page
    body = json.loads((tmp_path / "cmp" / "compare.json").read_text())
    assert body["regressions"] and body["report"] == "report.html"


@pytest.mark.parametrize("count", [2, 3])
def test_markdown_has_a_figure_for_each_run(count: int) -> None:
    record = edgekit.compare(*(run(100 + 10 * n, name="a|b") for n in range(count)))
    text = comparison_markdown(record)
    assert all(f"{100 + 10 * n}" in text for n in range(count))
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert all(row.replace("\\|", "").count("|") > count for row in rows)
    assert "a\\|b" in text and "+10.0 %" in text
