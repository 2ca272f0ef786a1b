# SPDX-License-Identifier: Apache-2.0
"""How near to the dense model pruned ones come within 2,000 steps of fine-tuning.

    python benchmarks/prune_bars.py [--rows N] [--seed 0] [--match WORD] [--list]

Each row is a run of 2,000 steps of 128 images as prune_runs.py describes it, with three times the
learning rate that is the default, which a run as long as this makes use of. Rows that
benchmarks/results/prune_bars.json holds are not done again. Prints, over the seeds that are
there, the mean of the int8 accuracy and its distance to the unpruned model's, beside the distance
that is allowed.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from common import table
from prune_runs import run_rows, seeds_of

STEPS = 2000
LEARNING_RATE = 3e-3
# Name -> (arguments of prune, points below the unpruned int8 model that are allowed).
BARS: dict[str, tuple[dict[str, Any], float]] = {
    "half the MACs by channels": ({"structure": "channels", "sparsity": 0.5}, 8.0),
    "2x2 blocks, 75 %": ({"structure": "2x2", "sparsity": 0.75}, 6.5),
    "unstructured, 75 %": ({"sparsity": 0.75}, 3.0),
    "2x2 blocks, 50 %": ({"structure": "2x2", "sparsity": 0.5}, 3.0),
    "unstructured, 50 %": ({"sparsity": 0.5}, 1.5),
}


def show(results: dict[str, Any]) -> str:
    base = results["dense"]["int8"]
    body = []
    for name, (_, allowed) in BARS.items():
        if found := seeds_of(results, name):
            mean = float(np.mean([row["int8"] for row in found]))
            each = " ".join(f"{100 * row['int8']:.1f}" for row in found)
            cells = [name, f"{100 * mean:.2f}", f"{100 * (mean - base):+.2f}", f"-{allowed}"]
            body.append([*cells, each, found[0]["seconds"]])
    head = ("choice", "int8 %", "to base", "allowed", "seeds", "s")
    return f"base, int8: {100 * base:.2f} %\n\n{table(head, body)}"


def main() -> None:
    rate = {"learning_rate": LEARNING_RATE}
    choices = {name: options | rate for name, (options, _) in BARS.items()}
    print(show(run_rows(__doc__.splitlines()[0], "prune_bars.json", choices, STEPS)))


if __name__ == "__main__":
    main()
