# SPDX-License-Identifier: Apache-2.0
"""What criteria, scopes and structures cost in accuracy: one row per choice, the same budget.

    python benchmarks/prune_table.py [--rows N] [--seed 0] [--list]

The base is resnet8_cifar_jpeg.keras. Each row is `edgekit.prune` with 500 steps of 128 of the
50,000 training JPEGs (mirrored and shifted), the dense model as teacher unless the row says
otherwise, then `edgekit.convert`; accuracies are on the 1,500 test images, whose standard error
is near 0.9 point. Rows that benchmarks/results/prune_table.json holds are not done again, so a
run can be broken off and taken up; --rows N does at most N rows. Prints the table.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from common import ROOT, conditions, shared_folder, table

RESULTS = ROOT / "benchmarks" / "results" / "prune_table.json"
STEPS, BATCH = 500, 128
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
    criteria = [{"method": m, "sparsity": s} for m in METHODS for s in SPARSITIES]
    structures = [{"structure": b, "sparsity": s} for b in BLOCKS for s in (0.5, 0.75)]
    patterns = [{"structure": "2:4", "sparsity": 0.5}, {"structure": "1:4", "sparsity": 0.75}]
    scopes = [{"sparsity": 0.75, "scope": "adaptive"}, {"sparsity": 0.75, "objective": "macs"}]
    channels = [{"structure": "channels", "sparsity": s} for s in (0.5, 0.75)]
    asked = [*first, *criteria, *structures, *patterns, *channels, *scopes]
    return {label(options): options for options in asked}


def label(options: dict[str, Any]) -> str:
    words = [options.get("method", "magnitude"), options.get("scope", "global")]
    words.append(options.get("structure", "unstructured"))
    words += [f"{key} {options[key]}" for key in ("objective", "teacher") if key in options]
    return f"{', '.join(words)}, {100 * options['sparsity']:.0f} %"


def load_images() -> dict[str, np.ndarray]:
    from edgekit.model.data import load_data
    from edgekit.model.info import InputSpec

    folder = shared_folder() / "data"
    spec = InputSpec("image", (32, 32, 3), "float32")
    train = load_data(folder / "cifar10_train_jpeg.zip", [spec]).train
    with np.load(folder / "cifar10_subset.npz") as file:
        test = {"x_test": file["x_test"], "y_test": file["y_test"]}
    assert train.y is not None
    images = train.arrays()[0]
    return {"x_train": images.astype(np.uint8), "y_train": train.y} | test


def int8_accuracy(model: Path, data: dict[str, np.ndarray], folder: Path) -> dict[str, float]:
    import edgekit

    record = edgekit.convert(
        model, data, out=folder / "int8", samples=200, eval_samples=len(data["y_test"]), force=True
    )
    assert record.accuracy is not None
    return dict(record.accuracy)


def measure(
    base: Path, data: dict[str, np.ndarray], options: dict[str, Any], seed: int
) -> dict[str, Any]:
    import edgekit

    started = time.perf_counter()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        record = edgekit.prune(
            base,
            data,
            out=folder / "pruned.keras",
            steps=STEPS,
            batch_size=BATCH,
            augment="flip_shift",
            seed=seed,
            **options,
        )
        seconds = time.perf_counter() - started
        accuracy = int8_accuracy(folder / "pruned.keras", data, folder)
    return {
        "seed": seed,
        "sparsity": record.sparsity,
        "float": record.accuracy["after"] if record.accuracy else None,
        "int8": accuracy["int8"],
        "macs": record.macs,
        "seconds": round(seconds),
        "conditions": conditions(),
    }


def save(results: dict[str, Any]) -> None:
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(results, indent=1, sort_keys=True) + "\n")


def show(results: dict[str, Any], seed: int) -> str:
    base = results["dense"]["int8"]
    body = []
    for name in rows():
        if row := results.get(key(name, seed)):
            cells = [name, f"{100 * row['sparsity']:.1f}"]
            cells += [f"{100 * row['int8']:.1f}", f"{100 * (row['int8'] - base):+.1f}"]
            left = row["macs"]["nonzero"] / row["macs"]["before"] if row["macs"] else None
            body.append([*cells, "-" if left is None else f"{100 * left:.0f}", row["seconds"]])
    head = ("choice", "zeros %", "int8 %", "to base", "MACs not 0 %", "s")
    return f"base, int8: {100 * base:.1f} %\n\n{table(head, body)}"


def key(name: str, seed: int) -> str:
    return f"{name}, seed {seed}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=len(rows()))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--list", action="store_true", help="only print what is there")
    arguments = parser.parse_args()
    results = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    base = shared_folder() / "models" / "resnet8_cifar_jpeg.keras"
    missing = [name for name in rows() if key(name, arguments.seed) not in results]
    todo = [] if arguments.list else missing[: arguments.rows]
    data = load_images() if todo else {}
    if todo and "dense" not in results:
        with tempfile.TemporaryDirectory() as name:
            results["dense"] = int8_accuracy(base, data, Path(name))
        save(results)
    for name in todo:
        results[key(name, arguments.seed)] = measure(base, data, rows()[name], arguments.seed)
        save(results)
        print(f"done: {name}", flush=True)
    print(show(results, arguments.seed))


if __name__ == "__main__":
    main()
