# SPDX-License-Identifier: Apache-2.0
"""`edgekit.compare(a, b)`: two or more benches side by side, and a bound on what got worse."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgekit.errors import EdgekitError, LimitBroken


@dataclass(frozen=True, slots=True)
class RunFacts:
    """What ran where. `label` tells it from the others."""

    label: str
    record: Path | None
    name: str
    board: str
    runtime: str
    optimize: str
    kind: str
    unit: str
    counter: str
    clock_hz: int
    samples: int
    data: str
    seed: int
    compiler: str
    model_sha256: str
    build_id: str


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure of every run, None where a run lacks it.

    `better` is "less" or "more". `changes` are relative to the first run, value / first - 1, None
    where there is nothing to compare or the two are not comparable. `gated` figures are those
    that `max_regression` bounds; `worse` says which runs break it.
    """

    key: str
    unit: str
    better: str
    gated: bool
    values: tuple[float | None, ...]
    changes: tuple[float | None, ...]
    worse: tuple[bool, ...]


@dataclass(frozen=True, slots=True)
class LayerRow:
    """What one layer, or ops that a run has as one, took in each run."""

    index: int
    op: str
    layer: str
    values: tuple[float | None, ...]
    changes: tuple[float | None, ...]
    ways: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CompareRecord:
    """`runs` in the order given, the first of which the others are held against.

    `max_regression` is a share (0.05: five percent) or None. `regressions` are the sentences of
    what broke it, `notes` say what could not be compared and what else differs. `report` is None
    where nothing was written.
    """

    runs: tuple[RunFacts, ...]
    figures: tuple[Figure, ...]
    layer_unit: str
    layers: tuple[LayerRow, ...]
    max_regression: float | None
    regressions: tuple[str, ...]
    notes: tuple[str, ...]
    report: Path | None


class Regressed(LimitBroken):
    """Something got worse by more than was allowed; `record` holds the whole comparison."""

    record: Any

    def __init__(self, record: CompareRecord) -> None:
        first, *rest = record.regressions
        super().__init__(
            first + (f" (and {len(rest)} more)" if rest else ""),
            hint="the table shows every figure; allow more with --max-regression",
        )
        self.record = record


def compare(
    *records: Any,
    max_regression: float | None = None,
    any_model: bool = False,
    out: str | Path | None = None,
    force: bool = False,
) -> CompareRecord:
    """Hold two or more benches against the first.

    `records` are bench or deploy records: objects, dicts, .json files, or folders that hold one.
    `max_regression` is the share (0.05: five percent) that the median latency, the estimated
    cycles, flash, RAM or arena may grow and the accuracy or the share of bit-exact samples may
    fall; Regressed is raised, with the record, once all is written. With `out`, `compare.json`,
    `report.html` and `report.md` are written there. Raises EdgekitError for records of different
    models unless `any_model`, and with `max_regression` for what cannot be compared: a bound that
    was not checked is never kept.
    """
    from edgekit.verbs._compared import compare_runs, load_runs

    if max_regression is not None and not 0 <= max_regression < 1:
        raise EdgekitError(
            f"a regression of {max_regression:g} is no share from 0 up to 1",
            hint="0.05 allows five percent",
        )
    runs = load_runs(records)
    report = Path(out) / "report.html" if out else None
    record = compare_runs(runs, max_regression=max_regression, any_model=any_model, report=report)
    if out:
        _write(Path(out), record, force=force)
    if record.regressions:
        raise Regressed(record)
    return record


def _write(out: Path, record: CompareRecord, *, force: bool) -> None:
    from edgekit.artifacts import hash_tree, staged_folder, write_record
    from edgekit.report.comparison import comparison_markdown, comparison_page

    with staged_folder(out, "compare", force=force) as folder:
        (folder / "report.html").write_text(comparison_page(record))
        (folder / "report.md").write_text(comparison_markdown(record))
        files = hash_tree(folder)
    write_record(out, "compare", record, files=files)
