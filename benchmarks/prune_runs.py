# SPDX-License-Identifier: Apache-2.0
"""What the pruning benchmarks share: the images, one pruned and converted model, a file of rows.

The base is resnet8_cifar_jpeg.keras. A run is `edgekit.prune` on the 50,000 training JPEGs,
mirrored and shifted, taught by the dense model, then `edgekit.convert`; accuracies are on the
1,500 test images, whose standard error is near 0.9 point.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from common import ROOT, conditions, shared_folder

BATCH = 128
Images = dict[str, np.ndarray]


def base_model() -> Path:
    return shared_folder() / "models" / "resnet8_cifar_jpeg.keras"


def load_images() -> Images:
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


def int8_accuracy(model: Path, data: Images) -> dict[str, float]:
    import edgekit

    with tempfile.TemporaryDirectory() as folder:
        record = edgekit.convert(
            model, data, out=folder, samples=200, eval_samples=len(data["y_test"]), force=True
        )
    assert record.accuracy is not None
    return dict(record.accuracy)


def measure(data: Images, options: dict[str, Any], *, seed: int, steps: int) -> dict[str, Any]:
    """One row: the base pruned with `options`, its int8 accuracy, MACs, and how it was made."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "pruned.keras"
        row = trained(path, data, options, seed=seed, steps=steps)
        return row | {"int8": int8_accuracy(path, data)["int8"]}


def trained(
    path: Path, data: Images, options: dict[str, Any], *, seed: int, steps: int
) -> dict[str, Any]:
    """A row without its int8 accuracy; the pruned model is written to `path`."""
    import edgekit

    started = time.perf_counter()
    record = edgekit.prune(
        base_model(),
        data,
        out=path,
        steps=steps,
        batch_size=BATCH,
        augment="flip_shift",
        seed=seed,
        **options,
    )
    return {
        "seed": seed,
        "steps": steps,
        "sparsity": record.sparsity,
        "float": record.accuracy["after"] if record.accuracy else None,
        "macs": record.macs,
        "best_epoch": record.fine_tuning and record.fine_tuning["best_epoch"],
        "batch_norm": record.batch_norm,
        "seconds": round(time.perf_counter() - started),
        "conditions": conditions(),
    }


def key(name: str, seed: int) -> str:
    return f"{name}, seed {seed}"


def seeds_of(done: dict[str, Any], name: str) -> list[dict[str, Any]]:
    """The rows of one choice, by seed."""
    return [done[each] for each in sorted(done) if each.startswith(key(name, 0)[:-1])]


def run_rows(
    about: str, file_name: str, choices: dict[str, dict[str, Any]], steps: int
) -> dict[str, Any]:
    """Do the rows that the command line asks for and benchmarks/results/<file_name> lacks.

    `choices` are names and arguments of prune. Each row is stored as it is done, so that a run
    may be broken off and taken up. Returns all rows there are.
    """
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("--rows", type=int, default=len(choices), help="at most so many")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--match", default="", help="only rows with this in their name")
    parser.add_argument("--list", action="store_true", help="only print what is there")
    given = parser.parse_args()
    path = ROOT / "benchmarks" / "results" / file_name
    done: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
    names = [name for name in choices if given.match in name]
    missing = [name for name in names if key(name, given.seed) not in done]
    todo = [] if given.list else missing[: given.rows]
    data = load_images() if todo else {}
    if todo and "dense" not in done:
        done["dense"] = int8_accuracy(base_model(), data) | {"conditions": conditions()}
    for name in todo:
        row = measure(data, choices[name], seed=given.seed, steps=steps)
        done[key(name, given.seed)] = row
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(done, indent=1, sort_keys=True) + "\n")
        print(f"done: {name}", flush=True)
    return done
