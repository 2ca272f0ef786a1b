# SPDX-License-Identifier: Apache-2.0
"""`edgekit.fit`: a board with half of what the model needs, resuming, and what is refused."""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgekit.boards import load_board
from edgekit.errors import EdgekitError, ToolMissing
from edgekit.model.load import load_model
from edgekit.model.tf import keras
from edgekit.verbs import _studies
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
            layers.Conv2D(16, 3, padding="same", activation="relu"),
            layers.Conv2D(32, 3, strides=2, activation="relu"),
            layers.Conv2D(32, 3, activation="relu"),
            layers.Flatten(),
            layers.Dense(32, activation="relu"),
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
def test_half_the_memory_then_more_trials(model: Path, tmp_path: Path, root: Path) -> None:
    file = board(tmp_path, root, HALF_OF_THE_MODEL)
    record = run(model, tmp_path, file, max_drop=0.5)
    assert record.fits and record.trials == 2 and not record.base.fits
    best = record.best
    assert best.flash_bytes <= HALF_OF_THE_MODEL < record.base.flash_bytes
    assert best.macs < record.base.macs and all(best.candidate["channels"].values())
    assert best.tuned and record.bench is not None
    assert record.bench.bit_exact == record.bench.samples == 2
    assert best.latency == record.bench.latency.median > 0
    assert any(row.pareto for row in record.rows)
    smaller = load_model(record.model).keras
    assert smaller.count_params() < load_model(model).keras.count_params()
    assert (tmp_path / "fit" / "fw" / "build" / "firmware.elf").is_file()
    page = (tmp_path / "fit" / "pareto.html").read_text()
    assert "<svg" in page and "fits" in page
    body = json.loads((tmp_path / "fit" / "fit.json").read_text())
    assert body["stage"] == "fit" and body["best"]["trial"] == best.trial
    again = run(model, tmp_path, file, max_drop=0.5, trials=3)
    assert again.trials == 3
    assert again.rows[:2] == tuple(
        row if row.pareto == new.pareto else new
        for row, new in zip(record.rows, again.rows, strict=False)
    )
    with pytest.raises(EdgekitError, match="another model, board, data or budget"):
        run(model, tmp_path, file, max_drop=0.5, steps=11)


@needs_optuna
def test_no_way_to_fit_is_said_with_the_nearest(model: Path, tmp_path: Path, root: Path) -> None:
    file = board(tmp_path, root, 9_000)
    with pytest.raises(DoesNotFit, match="nearest takes") as raised:
        run(model, tmp_path, file, trials=1, epochs=0, steps=None, search=("channels", "sparsity"))
    record = raised.value.record
    assert raised.value.exit_code == 1 and not record.fits and record.bench is None
    assert record.best.over[0] > 0
    assert json.loads((tmp_path / "fit" / "fit.json").read_text())["fits"] is False
    assert not (tmp_path / "fit" / "fw").exists()


@needs_optuna
def test_interrupted_says_how_to_go_on(
    model: Path, tmp_path: Path, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from edgekit.verbs._fitting import Workshop

    calls = []
    measure = Workshop.measure

    def interrupted(self: Workshop, model: Any) -> Any:
        calls.append(model)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return measure(self, model)

    monkeypatch.setattr(Workshop, "measure", interrupted)
    file = board(tmp_path, root, HALF_OF_THE_MODEL)
    with pytest.raises(Stopped) as raised:
        run(model, tmp_path, file, epochs=0, steps=None)
    assert raised.value.exit_code == 130 and "same command" in raised.value.hint
    assert not (tmp_path / "fit").exists()
    assert run(model, tmp_path, file, epochs=0, steps=None, trials=2).fits


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
