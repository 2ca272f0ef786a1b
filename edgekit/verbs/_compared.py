# SPDX-License-Identifier: Apache-2.0
"""The inside of `compare`: which figures of two runs may be held against each other, and do so."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgekit.artifacts import plain
from edgekit.errors import EdgekitError
from edgekit.verbs._compared_layers import changes_of, layers_of
from edgekit.verbs.compare import CompareRecord, Figure, RunFacts

PLACES = ("bench.json", "deploy.json", "demo.json", "bench/bench.json", "fw/bench/bench.json")
TELLING = ("name", "board", "runtime", "optimize")  # what a label is made of, where it differs


@dataclass(frozen=True, slots=True)
class Loaded:
    """The body of a bench record, and the file it is from."""

    body: Mapping[str, Any]
    file: Path | None


def load_runs(records: Sequence[Any]) -> list[Loaded]:
    """The benches in `records`; EdgekitError for what is none, and for fewer than two."""
    if len(records) < 2:
        raise EdgekitError(
            f"{len(records)} record is given, and comparing takes two",
            hint="give two or more: edgekit compare before.json after.json",
        )
    return [_load(record) for record in records]


def _load(record: Any) -> Loaded:
    if not isinstance(record, (str, Path)):
        return Loaded(_bench_in(plain(record), "the record"), None)
    path = Path(record)
    if path.is_dir():
        found = [path / place for place in PLACES if (path / place).is_file()]
        path = found[0] if found else path / PLACES[0]
    try:
        body = json.loads(path.read_text())
    except FileNotFoundError:
        raise EdgekitError(
            f"there is no record '{path}'", hint="edgekit bench FOLDER writes bench/bench.json"
        ) from None
    except (OSError, ValueError) as error:
        raise EdgekitError(
            f"'{path}' is not a readable record: {error}", hint="give what bench or deploy wrote"
        ) from error
    return Loaded(_bench_in(body, f"'{path}'"), path)


def _bench_in(body: Any, what: str) -> Mapping[str, Any]:
    bench = body.get("bench", body) if isinstance(body, dict) else {}
    if not isinstance(bench, dict) or not {"latency", "memory", "bit_exact"} <= bench.keys():
        raise EdgekitError(
            f"{what} is no record of a bench", hint="give what bench, deploy or demo wrote"
        )
    return bench


def compare_runs(
    runs: Sequence[Loaded], *, max_regression: float | None, any_model: bool, report: Path | None
) -> CompareRecord:
    """All figures, with what is comparable held against the first run's."""
    bodies = [run.body for run in runs]
    _check_models(runs, any_model=any_model)
    apart = _incomparable(bodies)
    if max_regression is not None and apart:
        key, why = next(iter(apart.items()))
        raise EdgekitError(
            f"{key} cannot be bounded: {why}", hint="compare without --max-regression to see both"
        )
    facts = _facts(runs)
    figures = tuple(_figures(bodies, apart, max_regression))
    return CompareRecord(
        runs=facts,
        figures=figures,
        layer_unit=bodies[0]["latency"]["unit"],
        layers=layers_of(bodies, comparable="latency" not in apart),
        max_regression=max_regression,
        regressions=tuple(_regressions(figures, facts)),
        notes=(
            *(f"{key} cannot be compared: {why}" for key, why in apart.items()),
            *_notes(bodies),
        ),
        report=report,
    )


def _check_models(runs: Sequence[Loaded], *, any_model: bool) -> None:
    first = runs[0].body
    for run in runs[1:]:
        if any_model or run.body["model_sha256"] == first["model_sha256"]:
            continue
        ours, theirs = (body["model_sha256"][:12] for body in (run.body, first))
        raise EdgekitError(
            f"{run.file or 'a record'} is of another model ({run.body['name']}, {ours}) than "
            f"{runs[0].file or 'the first'} ({first['name']}, {theirs})",
            hint="--any-model compares them all the same (a pruned one with a dense one, say)",
        )


def _incomparable(bodies: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Figure -> why the runs' may not be held against each other."""
    apart = {}
    units = {body["latency"]["unit"]: body["board"] for body in bodies}
    if len(units) > 1:
        words = " and ".join(f"{unit} ({board})" for unit, board in units.items())
        apart["latency"] = f"it is in {words}"
    models = {(body.get("cycles") or {}).get("model") for body in bodies} - {None, ""}
    if len(models) > 1:
        apart["cycles"] = f"they are of {' and '.join(sorted(map(str, models)))}"
    scored = [body for body in bodies if body["accuracy"] is not None]
    sets = {(body["data"], body["samples"], body["seed"]) for body in scored}
    if len(sets) > 1:
        words = " and ".join(f"{n} of {data} (seed {seed})" for data, n, seed in sorted(sets))
        apart["accuracy"] = f"it is on different samples, {words}"
    if 0 < len(scored) < len(bodies):
        apart["accuracy"] = "not every run has labels"
    if len({body["memory"]["flash_bytes"] is None for body in bodies}) > 1:
        apart["memory"] = "not every firmware was built by edgekit"
    return apart


def _notes(bodies: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """What else differs and may be why."""
    first = bodies[0]
    for key, words in (("compiler", "the compilers differ"), ("optimize", "built for")):
        values = dict.fromkeys(body.get(key) or "not known" for body in bodies)
        if len(values) > 1:
            yield f"{words}: {', '.join(values)}"
    if len({(body.get("cycles") or {}).get("estimated") is None for body in bodies}) > 1:
        yield "cycles are not estimated for every run"
    same_board = {body["board"] for body in bodies} == {first["board"]}
    counters = dict.fromkeys(f"{b['counter']} at {b['clock_hz'] / 1e6:g} MHz" for b in bodies)
    if same_board and len(counters) > 1:
        yield f"the counters differ: {', '.join(counters)}"


def _facts(runs: Sequence[Loaded]) -> tuple[RunFacts, ...]:
    bodies = [run.body for run in runs]
    telling = [key for key in TELLING if len({body[key] for body in bodies}) > 1]
    labels = [", ".join(str(body[key]) for key in telling) for body in bodies]
    if len(set(labels)) < len(labels):
        labels = _by_place(runs)
    keys = [key for key in RunFacts.__slots__ if key not in ("label", "record", "unit")]
    return tuple(
        RunFacts(
            label=label,
            record=run.file,
            unit=run.body["latency"]["unit"],
            **{key: run.body.get(key, "") for key in keys},
        )
        for label, run in zip(labels, runs, strict=True)
    )


def _by_place(runs: Sequence[Loaded]) -> list[str]:
    """The parts of the files' paths in which they differ, else their place in the list."""
    files = [run.file for run in runs]
    if None in files or len(set(files)) < len(files):
        return [f"run {place}" for place in range(1, len(runs) + 1)]
    parts = [list(file.absolute().parts) for file in files if file]
    for end in (0, -1):
        while all(len(each) > 1 for each in parts) and len({each[end] for each in parts}) == 1:
            parts = [each[:end] if end else each[1:] for each in parts]
    return [str(Path(*each)) for each in parts]


@dataclass(frozen=True, slots=True)
class _Kind:
    """How a figure is read from a bench; `group` is what `_incomparable` calls it."""

    key: str
    unit: str
    read: Callable[[Mapping[str, Any]], float | None]
    better: str = "less"
    gated: bool = True
    group: str = ""


def _memory(key: str, *, gated: bool = True) -> _Kind:
    group = "memory" if key in ("flash_bytes", "model_flash_bytes", "ram_bytes") else ""
    return _Kind(key, "bytes", lambda body: body["memory"].get(key), gated=gated, group=group)


def _latency(key: str, *, gated: bool) -> _Kind:
    return _Kind(key, "", lambda body: body["latency"][key], gated=gated, group="latency")


KINDS = (
    _Kind("bit_exact", "share", lambda body: body["bit_exact"] / body["samples"], "more"),
    _Kind("accuracy", "share", lambda body: body["accuracy"], "more", group="accuracy"),
    _latency("median", gated=True),
    _latency("p95", gated=False),
    _Kind(
        "cycles",
        "cycles",
        lambda body: (body.get("cycles") or {}).get("estimated"),
        group="cycles",
    ),
    _memory("flash_bytes"),
    _memory("model_flash_bytes", gated=False),
    _memory("ram_bytes"),
    _memory("arena_bytes"),
    _memory("stack_bytes", gated=False),
)


def _figures(
    bodies: Sequence[Mapping[str, Any]], apart: Mapping[str, str], bound: float | None
) -> Iterator[Figure]:
    for kind in KINDS:
        values = tuple(kind.read(body) for body in bodies)
        if all(value is None for value in values):
            continue
        changes = changes_of(values, comparable=kind.group not in apart)
        sign = 1 if kind.better == "less" else -1
        limited = bound is not None and kind.gated
        worse = [limited and c is not None and sign * c > (bound or 0) + 1e-9 for c in changes]
        yield Figure(
            key=kind.key,
            unit=kind.unit or bodies[0]["latency"]["unit"],
            better=kind.better,
            gated=kind.gated,
            values=values,
            changes=changes,
            worse=tuple(worse),
        )


def _regressions(figures: Sequence[Figure], facts: Sequence[RunFacts]) -> Iterator[str]:
    for figure in figures:
        for place, broken in enumerate(figure.worse):
            if broken:
                change = figure.changes[place] or 0.0
                yield (
                    f"{figure.key} of {facts[place].label} is {abs(change):.1%} "
                    f"{'more' if change > 0 else 'less'} than of {facts[0].label}"
                )
