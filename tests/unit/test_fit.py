# SPDX-License-Identifier: Apache-2.0
"""`edgekit.fit`: a board with half of what the model needs, resuming, and what is refused."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from edgekit.boards import load_board
from edgekit.errors import EdgekitError, ToolMissing
from edgekit.model.load import load_model
from edgekit.model.tf import keras
from edgekit.verbs import _finalists, _studies, _trials
from edgekit.verbs._fitting import Sizes, Workshop
from edgekit.verbs._foretell import GRID, Foretold, tightest
from edgekit.verbs._roomy import roomy
from edgekit.verbs.fit import DoesNotFit, Stopped, fit

pytestmark = [pytest.mark.needs_tf, pytest.mark.needs_gcc, pytest.mark.needs_qemu]
needs_optuna = pytest.mark.skipif(
    find_spec("optuna") is None, reason="no optuna: pip install 'edgekit[fit]'"
)
RNG = np.random.default_rng(0)
Y = RNG.integers(0, 4, 400)
X = (RNG.normal(size=(4, 8, 8, 3))[Y] + RNG.normal(size=(400, 8, 8, 3))).astype(np.float32)
# Of the firmware with the model below, as built for the Cortex-M4: 24 KiB of flash, 12 of RAM.
HALF_OF_THE_MODEL, ENOUGH = 16_000, 1_000_000


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    module = keras()
    layers = module.layers
    module.utils.set_random_seed(1)
    net = module.Sequential(
        [
            module.Input((8, 8, 3)),
            layers.Conv2D(16, 3, strides=2, padding="same", activation="relu", name="first"),
            layers.Conv2D(64, 3, activation="relu", name="second"),
            layers.Flatten(),
            layers.Dense(4, activation="softmax"),
        ]
    )
    net.compile("adam", "sparse_categorical_crossentropy")
    net.fit(X, Y, epochs=4, verbose=0)
    path = tmp_path_factory.mktemp("model") / "net.keras"
    net.save(path)
    return path


def board(folder: Path, root: Path, flash_bytes: int, ram_bytes: int = ENOUGH) -> Path:
    """The emulated Cortex-M4 with less memory, in a file of its own."""
    text = (root / "boards" / "qemu-mps2-an386.toml").read_text()
    text = text.replace('id = "qemu-mps2-an386"', 'id = "made-up"')
    flash, ram = text.split('name = "RAM"')
    text = flash.replace("4_194_304", str(flash_bytes), 1)
    head, regions = text.split("[[memory.regions]]", 1)
    head = head.replace("ram_bytes = 4_194_304", f"ram_bytes = {ram_bytes}")
    regions = regions.replace("4_194_304", str(flash_bytes))
    path = folder / "made_up.toml"
    ram = ram.replace("4_194_304", str(ram_bytes))
    path.write_text(f'{head}[[memory.regions]]{regions}name = "RAM"{ram}')
    return path


def run(model: Path, folder: Path, file: Path, **options: Any) -> Any:
    settings: dict[str, Any] = {"trials": 2, "steps": 12, "eval_samples": 80, "bench_samples": 2}
    return fit(model, (X, Y), board=file, out=folder / "fit", **settings | options)


@needs_optuna
def test_half_the_flash_then_more_trials(model: Path, tmp_path: Path, root: Path) -> None:
    file = board(tmp_path, root, HALF_OF_THE_MODEL)
    record = run(model, tmp_path, file, max_drop=0.5, trials=1, final_steps=6)
    assert record.fits and record.trials == 1 and not record.base.fits
    best = record.best
    assert best.flash_bytes <= HALF_OF_THE_MODEL < record.base.flash_bytes
    assert best.macs < record.base.macs and any(best.candidate["channels"].values())
    assert best.candidate["score"] == "taylor"
    # what was foretold, before anything was built
    for row in (best, *record.rows):
        assert row.foretold["ram_bytes"] == row.ram_bytes
        assert row.foretold["flash_bytes"] == pytest.approx(row.flash_bytes, rel=0.1)
    assert best.tuned and record.bench is not None
    assert record.bench.bit_exact == record.bench.samples == 2
    assert best.latency == record.bench.latency.median > 0
    assert any(row.pareto for row in record.rows)
    smaller = load_model(record.model).keras
    assert smaller.count_params() < load_model(model).keras.count_params()
    assert (tmp_path / "fit" / "fw" / "build" / "firmware.elf").is_file()
    page = (tmp_path / "fit" / "pareto.html").read_text()
    assert "<svg" in page and "fits" in page and "6 more steps" in page
    assert f"{100 * best.accuracy:.1f} %" in page and record.fine_tuning["final_steps"] == 6
    body = json.loads((tmp_path / "fit" / "fit.json").read_text())
    assert body["stage"] == "fit" and body["best"]["trial"] == best.trial
    again = run(model, tmp_path, file, max_drop=0.5)
    assert again.trials == 2 and again.rows[0].accuracy == record.rows[0].accuracy
    with pytest.raises(EdgekitError, match="another model, board, data or budget"):
        run(model, tmp_path, file, max_drop=0.5, steps=11)


@needs_optuna
def test_a_board_too_small_for_any_is_said_with_the_nearest(
    model: Path, tmp_path: Path, root: Path
) -> None:
    file = board(tmp_path, root, 5_000)
    with pytest.raises(
        DoesNotFit, match="with an eighth of its channels the model takes"
    ) as raised:
        run(model, tmp_path, file, trials=1, epochs=0, steps=None)
    record = raised.value.record
    assert raised.value.exit_code == 1 and not record.fits and record.bench is None
    assert record.best.over[0] > 0 and record.trials == 0
    assert json.loads((tmp_path / "fit" / "fit.json").read_text())["fits"] is False
    assert not (tmp_path / "fit" / "fw").exists()


@needs_optuna
def test_interrupted_goes_on_with_what_was_finished(
    model: Path, tmp_path: Path, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sizes are made up here: only the way through the study is looked at."""
    measured: list[int] = []

    def foretold(model: Any, *given: Any) -> Foretold:
        return Foretold(model.count_params(), 0, 1000)

    def measure(self: Workshop, model: Any, calibration: str = "") -> tuple[Sizes, bytes]:
        measured.append(model.count_params())
        if len(measured) == 3:
            raise KeyboardInterrupt
        return Sizes(0.5, model.count_params(), 100, 0, 1000, model.count_params()), b""

    def finish(job: Any, found: Any, *, force: bool) -> Any:
        return SimpleNamespace(fits=True, found=found)

    monkeypatch.setattr(_trials, "foretell", foretold)
    monkeypatch.setattr(Workshop, "measure", measure)
    monkeypatch.setattr(_finalists, "finish", finish)
    whole = load_model(model).keras.count_params()
    file = board(tmp_path, root, whole // 2)
    with pytest.raises(Stopped, match="after 1 trials") as raised:
        run(model, tmp_path, file, epochs=0, steps=None, trials=3)
    assert raised.value.exit_code == 130 and "same command" in raised.value.hint
    assert not (tmp_path / "fit").exists()
    found = run(model, tmp_path, file, epochs=0, steps=None, trials=3).found
    assert measured[0] == whole and whole not in measured[1:]  # measured once, and kept
    assert found.finished == 3 and len(found.trials) == 3
    tight = found.trials[0][2]["flash_bytes"]
    assert 0.8 * (whole // 2) < tight <= whole // 2  # the first is as large as the board lets it be
    assert all(row["over"][0] <= 0.05 for _, _, row in found.trials)


def test_the_tightest_point_can_give_nothing_back() -> None:
    sizes = {"a": 40.0, "b": 30.0, "c": 30.0}

    def fits(limit: float) -> Any:
        return lambda shares: sum((1 - shares[n]) * size for n, size in sizes.items()) <= limit

    point = tightest(fits(55.0), tuple(sizes), {"a": 1.0, "b": 3.0, "c": 2.0})
    assert fits(55.0)(point)
    for name, share in point.items():
        assert share == 0 or not fits(55.0)(point | {name: share - GRID})
    assert point["b"] < point["c"] <= point["a"]
    assert tightest(fits(100.0), tuple(sizes), {}) == dict.fromkeys(sizes, 0.0)
    assert tightest(fits(10.0), tuple(sizes), {}) == {}


SHARER = """
import sys, time
from pathlib import Path
from edgekit.verbs import _studies

def evaluate(number, candidate):
    time.sleep(0.05)
    if number == 3:
        raise _studies.TurnedDown([1.0, 1.0, 0.0, 0.0], 9, 9)
    return {"drop": candidate.channels["g"], "flash_bytes": 1, "macs": 1, "over": [0.0] * 4,
            "by": sys.argv[2]}

space = _studies.Space(("channels",), ("g",))
study = _studies.open_study(sys.argv[1], Path("unused"), "same", 0)
_studies.enqueue(study, [space.uniform(share) for share in _studies.FIRST])
_studies.search(study, space, evaluate, trials=14, time_budget_s=60)
"""


@needs_optuna
@pytest.mark.parametrize("kind", ["journal", "sqlite"])
def test_two_processes_share_a_study(kind: str, tmp_path: Path) -> None:
    url = {"journal": str(tmp_path / "a.study"), "sqlite": f"sqlite:///{tmp_path}/a.db"}[kind]
    command = [sys.executable, "-c", SHARER, url]
    both = [subprocess.Popen([*command, name], cwd=tmp_path) for name in ("first", "second")]
    try:
        assert [process.wait(120) for process in both] == [0, 0]
    finally:
        for process in both:
            process.kill()
    study = _studies.open_study(url, tmp_path / "unused", "same", 0)
    rows = _studies.rows(study)
    # each stops once it sees 14: one that is under way in the other may come on top
    assert 14 <= len(rows) <= 15 and _studies.finished(study) == len(rows)
    assert {row["by"] for _, _, row in rows} == {"first", "second"}
    assert len({number for number, _, _ in rows}) == len(rows)
    assert len(_studies.turned_down(study)) == 1
    with pytest.raises(EdgekitError, match="another model"):
        _studies.open_study(url, tmp_path / "unused", "other", 0)


@needs_optuna
@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"trials": 0}, "0 trials"),
        ({"max_drop": 1.5}, "fraction of one"),
        ({"max_latency": 0.0}, "latency"),
        ({"search": ("depth",)}, "'depth'"),
        ({"study": "nosuch://x"}, "cannot be opened"),
    ],
)
def test_wrong_options_are_said(
    options: dict[str, Any], words: str, model: Path, tmp_path: Path, root: Path
) -> None:
    file = board(tmp_path, root, ENOUGH)
    with pytest.raises(EdgekitError, match=words):
        run(model, tmp_path, file, **options)
    assert not (tmp_path / "fit").exists()


@needs_optuna
def test_data_without_labels_are_refused(model: Path, tmp_path: Path, root: Path) -> None:
    with pytest.raises(EdgekitError, match="compares accuracies"):
        fit(model, X, board=board(tmp_path, root, ENOUGH), out=tmp_path / "fit")


def test_without_optuna_nothing_starts(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_studies, "find_spec", lambda name: None)
    with pytest.raises(ToolMissing) as raised:
        fit(model, (X, Y), board="qemu-mps2-an386", out=tmp_path / "fit")
    assert "edgekit[fit]" in raised.value.hint


def test_a_roomy_board_keeps_its_regions_apart() -> None:
    for name in ("qemu-mps2-an386", "qemu-mps2-an505", "native"):
        regions = sorted(roomy(load_board(name)).memory.regions, key=lambda each: each.origin)
        ends = [each.origin + each.length_bytes for each in regions]
        assert (
            all(end <= after.origin for end, after in zip(ends, regions[1:], strict=False))
            or len(regions) < 2
        )


@needs_optuna
def test_a_search_may_choose_the_ranges() -> None:
    import optuna

    space = _studies.Space(("channels", "ranges"), ("a",))
    given = {"channels of a": 0.25, "score": "l2", "ranges": "percentile"}
    candidate = _studies.suggest(optuna.trial.FixedTrial(given), space)
    assert candidate.calibration == "percentile" and candidate.channels == {"a": 0.25}
    assert space.point({"a": 0.5})["ranges"] == "mse"
    plain = _studies.suggest(optuna.trial.FixedTrial(given), _studies.Space(("channels",), ("a",)))
    assert plain.calibration == "mse"
