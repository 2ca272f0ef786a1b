# SPDX-License-Identifier: Apache-2.0
"""What the masks cost in each training step: masked and plain steps, side by side.

    python benchmarks/prune_step_cost.py [--pairs 300] [--batch 128]

Two copies of resnet8_cifar_jpeg.keras take the same batches in turn in one process, one with all
its masks on at 75 %, the other plain; who goes first changes from pair to pair. The figure is the
median over the pairs of the ratio of two neighbouring steps, in wall time and in time of the
process on its cores (which other programs disturb less), with a 95 % interval of the median from
the order of the pairs (binomial). Prints and stores it.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from common import ROOT, conditions
from prune_runs import base_model

RESULTS = ROOT / "benchmarks" / "results" / "prune_step_cost.json"
SPARSITY = 0.75
WARM_UP = 5
SIDES = ("plain", "masked")


def compiled(masked: bool) -> tuple[Any, Callable[[np.ndarray, np.ndarray], Any]]:
    """A model and its training step, as fine-tuning compiles them."""
    from edgekit.model.load import load_model
    from edgekit.model.tf import keras
    from edgekit.prune.masks import Choice, Masks

    model = load_model(base_model()).keras
    model.compile(
        optimizer=keras().optimizers.Adam(1e-4),
        loss="sparse_categorical_crossentropy",
        jit_compile=False,
    )
    if masked:
        masks = Masks(model, Choice())
        masks.install()
        masks.update(SPARSITY)
    return model, model.train_on_batch


def spent(step: Callable[[np.ndarray, np.ndarray], Any], x: Any, y: Any) -> tuple[float, float]:
    """Seconds of one step: by the clock, and of this process on all cores."""
    wall, cpu = time.perf_counter(), time.process_time()
    step(x, y)
    return time.perf_counter() - wall, time.process_time() - cpu


def pairs(count: int, batch: int) -> np.ndarray:
    """Seconds [pair, plain or masked, wall or process]."""
    from edgekit.prune.fused import fused_batch_norm

    rng = np.random.default_rng(0)
    x = rng.integers(0, 256, (batch, 32, 32, 3)).astype(np.float32)
    y = rng.integers(0, 10, batch)
    models, steps = zip(*(compiled(side == "masked") for side in SIDES), strict=True)
    times = np.zeros((count, 2, 2))
    with fused_batch_norm(models[0]), fused_batch_norm(models[1]):
        for _ in range(WARM_UP):
            for step in steps:
                step(x, y)
        for pair in range(count):
            for side in (0, 1) if pair % 2 else (1, 0):
                times[pair, side] = spent(steps[side], x, y)
    return times


def median_of(ratios: np.ndarray) -> dict[str, float]:
    ordered, half = np.sort(ratios), 1.96 * np.sqrt(len(ratios)) / 2
    low, high = (round(len(ratios) / 2 + sign * half) for sign in (-1, 1))
    return {
        "median": round(float(np.median(ordered)), 4),
        "low": round(float(ordered[max(low, 0)]), 4),
        "high": round(float(ordered[min(high, len(ordered) - 1)]), 4),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pairs", type=int, default=300)
    parser.add_argument("--batch", type=int, default=128)
    given = parser.parse_args()
    times = pairs(given.pairs, given.batch)
    told: dict[str, Any] = {"pairs": given.pairs, "batch": given.batch, "sparsity": SPARSITY}
    for index, kind in enumerate(("wall", "process")):
        told[kind] = median_of(times[:, 1, index] / times[:, 0, index])
        for side, name in enumerate(SIDES):
            told[kind][f"{name}_ms"] = round(1000 * float(np.median(times[:, side, index])), 2)
    told["conditions"] = conditions()
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(told, indent=1) + "\n")
    print(json.dumps(told, indent=1))


if __name__ == "__main__":
    main()
