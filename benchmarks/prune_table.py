# SPDX-License-Identifier: Apache-2.0
"""What criteria, scopes and structures cost in accuracy: one row per choice, the same budget.

    python benchmarks/prune_table.py [--rows N] [--seed 0] [--match WORD] [--list]

Each row is a run of 500 steps of 128 images as prune_runs.py describes it, the dense model as
teacher unless the row says otherwise. Rows that benchmarks/results/prune_table.json holds are not
done again, so a run can be broken off and taken up; --rows N does at most N rows, --match WORD
those with the word in their name. Prints the table, means over the seeds that are there.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from common import table
from prune_runs import run_rows, seeds_of

STEPS = 500
METHODS = ("magnitude", "gradient", "activation", "stability", "l1", "random")
SPARSITIES = (0.5, 0.75, 0.9)
BLOCKS = ("2x2", "8x2", "1x4")


def rows() -> dict[str, dict[str, Any]]:
    """Name -> arguments of prune; those that comparisons need come first."""
    first: list[dict[str, Any]] = [
        {"sparsity": 0.75},
        {"sparsity": 0.75, "scope": "per_layer"},
        {"sparsity": 0.75, "teacher": "none"},
    ]
    criteria = [{"method": m, "sparsity": s} for s in SPARSITIES for m in METHODS]
    structures = [{"structure": b, "sparsity": s} for b in BLOCKS for s in (0.5, 0.75)]
    patterns = [{"structure": "2:4", "sparsity": 0.5}, {"structure": "1:4", "sparsity": 0.75}]
    scopes = [{"sparsity": 0.75, "scope": "adaptive"}, {"sparsity": 0.75, "objective": "macs"}]
    channels = [{"structure": "channels", "sparsity": s} for s in (0.5, 0.75)]
    asked = [*first, *structures, *patterns, *channels, *criteria, *scopes]
    return {label(options): options for options in asked}


def label(options: dict[str, Any]) -> str:
    words = [options.get("method", "magnitude"), options.get("scope", "global")]
    words.append(options.get("structure", "unstructured"))
    words += [f"{key} {options[key]}" for key in ("objective", "teacher") if key in options]
    return f"{', '.join(words)}, {100 * options['sparsity']:.0f} %"


def show(results: dict[str, Any]) -> str:
    base = results["dense"]["int8"]
    body = []
    for name in rows():
        if found := seeds_of(results, name):
            row = found[0]
            mean = float(np.mean([each["int8"] for each in found]))
            cells = [name, f"{100 * row['sparsity']:.1f}", f"{100 * mean:.1f}"]
            cells += [f"{100 * (mean - base):+.1f}", str(len(found))]
            left = row["macs"]["nonzero"] / row["macs"]["before"] if row["macs"] else None
            body.append([*cells, "-" if left is None else f"{100 * left:.0f}", row["seconds"]])
    head = ("choice", "zeros %", "int8 %", "to base", "seeds", "MACs not 0 %", "s")
    return f"base, int8: {100 * base:.1f} %\n\n{table(head, body)}"


def main() -> None:
    print(show(run_rows(__doc__.splitlines()[0], "prune_table.json", rows(), STEPS)))


if __name__ == "__main__":
    main()
