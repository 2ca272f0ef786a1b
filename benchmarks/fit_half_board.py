# SPDX-License-Identifier: Apache-2.0
"""`edgekit fit` brings ResNet8 into a board with half the flash and RAM that it needs.

    python benchmarks/fit_half_board.py [--trials 8] [--steps 300] [--final-steps 2000]
        [--time-budget-s S] [-o FOLDER]

Candidates are fine-tuned on 48,000 of the training JPEGs and chosen by the other 2,000; what is
told of the winner in the end is its accuracy on the 1,500 test images, which chose nothing. Writes
`half.toml` (the emulated Cortex-M4 with memory cut to half of what the whole firmware of the model
takes) and what `fit` writes to FOLDER, prints one JSON line and stores it in
benchmarks/results/fit_half_board.json. Run again, it goes on.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from common import ROOT, conditions
from prune_runs import Images, base_model, int8_accuracy, load_images

BOARD = "qemu-mps2-an386"
CHOOSING = 2000
RESULTS = ROOT / "benchmarks" / "results" / "fit_half_board.json"


def split_images(images: Images) -> Images:
    """The training images with CHOOSING of them, drawn at random, in the place of the test set."""
    order = np.random.default_rng(0).permutation(len(images["y_train"]))
    kept, choosing = order[CHOOSING:], order[:CHOOSING]
    x, y = images["x_train"], images["y_train"]
    return {"x_train": x[kept], "y_train": y[kept], "x_test": x[choosing], "y_test": y[choosing]}


def needed(model: Path, data: Images) -> tuple[int, int]:
    """Flash and RAM in bytes of the firmware of `model` as it is."""
    import edgekit

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        edgekit.convert(model, data, out=folder / "int8", eval_samples=0)
        edgekit.firmware(folder / "int8", board=BOARD, out=folder / "fw")
        built = edgekit.build(folder / "fw")
    return built.flash_bytes, built.ram_bytes


def half_board(folder: Path, flash_bytes: int, ram_bytes: int) -> Path:
    """A board file like BOARD's with half of these bytes."""
    from edgekit.resources import resource_dir

    text = (resource_dir("boards") / f"{BOARD}.toml").read_text()
    text = text.replace(f'id = "{BOARD}"', 'id = "half"')
    first, rest = text.split("[[memory.regions]]", 1)
    first = re.sub(r"flash_bytes = .*", f"flash_bytes = {flash_bytes // 2}", first)
    first = re.sub(r"ram_bytes = .*", f"ram_bytes = {ram_bytes // 2}", first)
    sizes = iter((flash_bytes // 2, ram_bytes // 2))
    rest = re.sub(r"length_bytes = .*", lambda _: f"length_bytes = {next(sizes)}", rest)
    path = folder / "half.toml"
    path.write_text(f"{first}[[memory.regions]]{rest}")
    return path


def told(record: Any, given: argparse.Namespace) -> dict[str, Any]:
    """What a search found, as JSON."""
    best = record.best
    return {
        "fits": record.fits,
        "base": {"chosen_by": record.base.accuracy, "macs": record.base.macs},
        "best": {
            "candidate": best.candidate,
            "chosen_by": best.accuracy,
            "flash_bytes": best.flash_bytes,
            "ram_bytes": best.ram_bytes,
            "macs": best.macs,
            "instructions": best.latency,
        },
        "trials": record.trials,
        "turned_down": record.turned_down,
        "steps_per_trial": given.steps,
        "final_steps": given.final_steps,
    }


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=8)
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--final-steps", type=int)
    parser.add_argument("--time-budget-s", type=float)
    parser.add_argument("-o", "--out", type=Path, default=Path("fit_half_board"))
    return parser.parse_args()


def main() -> None:
    given = parsed()
    from edgekit.verbs.fit import DoesNotFit, fit

    given.out.mkdir(parents=True, exist_ok=True)
    images, model = load_images(), base_model()
    data = split_images(images)
    flash_bytes, ram_bytes = needed(model, data)
    board = half_board(given.out, flash_bytes, ram_bytes)
    start = time.monotonic()
    try:
        record = fit(
            model,
            data,
            board=board,
            out=given.out / "fit",
            trials=given.trials,
            steps=given.steps,
            final_steps=given.final_steps,
            time_budget_s=given.time_budget_s,
            augment="flip_shift",
            eval_samples=CHOOSING,
        )
    except DoesNotFit as error:
        record = error.record
    line: dict[str, Any] = {"board": {"flash_bytes": flash_bytes // 2, "ram_bytes": ram_bytes // 2}}
    line |= told(record, given) | {"wall_s": round(time.monotonic() - start)}
    line |= {"test": {"base": int8_accuracy(model, images)["int8"]}, "conditions": conditions()}
    line["test"]["best"] = int8_accuracy(record.model, images)["int8"]
    RESULTS.write_text(json.dumps(line, indent=1) + "\n")
    sys.stdout.write(json.dumps(line) + "\n")


if __name__ == "__main__":
    main()
