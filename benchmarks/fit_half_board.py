# SPDX-License-Identifier: Apache-2.0
"""`edgekit fit` brings ResNet8 into a board with half the flash and RAM that it needs.

    python benchmarks/fit_half_board.py SHARED [--trials 8] [--steps 300]
        [--final-steps 2000] [-o FOLDER]

SHARED is the folder with `models/resnet8_cifar_jpeg.keras` and `data/cifar10_subset.npz`. Writes
`half.toml` (the emulated Cortex-M4 with memory cut to half of what the whole firmware of the model
takes) and what `fit` writes to FOLDER, and prints one JSON line. Run again, it goes on.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import tempfile
import time
from pathlib import Path

BOARD = "qemu-mps2-an386"
MODEL, DATA = "models/resnet8_cifar_jpeg.keras", "data/cifar10_subset.npz"


def needed(model: Path, data: Path) -> tuple[int, int]:
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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("shared", type=Path)
    parser.add_argument("--trials", type=int, default=8)
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--final-steps", type=int)
    parser.add_argument("--time-budget-s", type=float)
    parser.add_argument("-o", "--out", type=Path, default=Path("fit_half_board"))
    given = parser.parse_args()
    from edgekit.verbs.fit import DoesNotFit, fit

    given.out.mkdir(parents=True, exist_ok=True)
    model, data = given.shared / MODEL, given.shared / DATA
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
            eval_samples=1500,
        )
    except DoesNotFit as error:
        record = error.record
    best = record.best
    told = {
        "needs": {"flash_bytes": flash_bytes, "ram_bytes": ram_bytes},
        "board": {"flash_bytes": flash_bytes // 2, "ram_bytes": ram_bytes // 2},
        "fits": record.fits,
        "base_accuracy": record.base.accuracy,
        "best": {
            "candidate": best.candidate,
            "accuracy": best.accuracy,
            "flash_bytes": best.flash_bytes,
            "ram_bytes": best.ram_bytes,
            "macs": best.macs,
            "instructions": best.latency,
        },
        "base_macs": record.base.macs,
        "trials": record.trials,
        "turned_down": record.turned_down,
        "steps_per_trial": given.steps,
        "final_steps": given.final_steps,
        "scored": record.scored,
        "wall_s": round(time.monotonic() - start),
    }
    sys.stdout.write(json.dumps(told) + "\n")


if __name__ == "__main__":
    main()
