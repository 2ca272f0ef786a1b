# SPDX-License-Identifier: Apache-2.0
"""What training quantized is worth on ResNet8: 8 and 4 bits, dense and at 75 % sparsity.

    python benchmarks/quant_qat.py                # 500 steps of 128 images each
    python benchmarks/quant_qat.py --steps 300 --pruned pruned.keras --only "dense 4" "pruned 4"

Each row is a model, rounded after training (nearest, and GPTQ with bias correction) and trained
quantized; accuracies are those of full-integer files that `convert` runs on the 1,500 test images
(standard error near 0.9 point). The pruned model is the one given, or is made here from the same
base with as many steps. Rows are written as they are done; those of other runs stay in the file.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from common import ROOT, conditions, table
from prune_runs import BATCH, base_model, load_images

RESULT = ROOT / "benchmarks" / "results" / "quant_qat.json"
SPARSITY = 0.75
ROUNDED = (
    ("nearest", {}),
    ("gptq + bias correction", {"rounding": "gptq", "bias_correction": True}),
)


def rounded(
    model: Path, images: dict[str, np.ndarray], layers: tuple[str, ...]
) -> dict[str, float]:
    """Accuracies of the converted file over all test images, by TFLite Micro's interpreter."""
    import edgekit

    found = {}
    for name, options in ROUNDED:
        with tempfile.TemporaryDirectory() as folder:
            record = edgekit.convert(
                model,
                images,
                out=folder,
                eval_samples=len(images["y_test"]),
                layers=layers,
                force=True,
                **options,
            )
        assert record.accuracy is not None
        found[name] = float(record.accuracy["int8"])
    return found


def trained(
    model: Path, images: dict[str, np.ndarray], layers: tuple[str, ...], steps: int, rate: float
) -> dict[str, Any]:
    import edgekit

    with tempfile.TemporaryDirectory() as folder:
        started = time.perf_counter()
        record = edgekit.train_quantized(
            model,
            images,
            out=Path(folder) / "trained.keras",
            layers=layers,
            steps=steps,
            batch_size=BATCH,
            augment="flip_shift",
            learning_rate=rate,
        )
        seconds = time.perf_counter() - started
        done = edgekit.convert(
            record.model, images, out=Path(folder) / "int8", eval_samples=len(images["y_test"])
        )
    assert record.accuracy is not None and done.accuracy is not None
    zeros = [(kernel.sparsity, kernel.weights) for kernel in record.kernels]
    total = sum(weights for _, weights in zeros)
    return {
        "float": record.accuracy["before"],
        "fake_quant": record.accuracy["after"],
        "trained": float(done.accuracy["int8"]),
        "zeros_before": sum(z["before"] * n for z, n in zeros) / total,
        "zeros_after": sum(z["after"] * n for z, n in zeros) / total,
        "seconds": round(seconds),
    }


def pruned_model(folder: Path, images: dict[str, np.ndarray], steps: int) -> Path:
    import edgekit

    path = folder / "pruned.keras"
    options: dict[str, Any] = {"steps": steps, "batch_size": BATCH, "augment": "flip_shift"}
    edgekit.prune(base_model(), images, out=path, sparsity=SPARSITY, **options)
    return path


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=500)
    parser.add_argument("--rate", type=float, default=5e-4)
    parser.add_argument("--pruned", type=Path, help="a pruned model, instead of making one")
    parser.add_argument("--only", nargs="*", default=["dense 8", "dense 4", "pruned 8", "pruned 4"])
    parser.add_argument("--out", type=Path, default=RESULT)
    asked = parser.parse_args()
    images = load_images()
    rows = json.loads(asked.out.read_text())["rows"] if asked.out.exists() else []
    result: dict[str, Any] = {"test images": len(images["y_test"]), "rows": rows}
    with tempfile.TemporaryDirectory() as folder:
        for name in asked.only:
            kind, bits = name.split()
            model = base_model()
            if kind == "pruned":
                model = asked.pruned or pruned_model(Path(folder), images, asked.steps)
                asked.pruned = model
            layers = (".*=int4",) if bits == "4" else ()
            row: dict[str, Any] = {"model": kind, "bits": int(bits), "source": model.name}
            row |= trained(model, images, layers, asked.steps, asked.rate)
            row |= rounded(model, images, layers)
            row |= {"steps": asked.steps, "rate": asked.rate, "conditions": conditions()}
            print(row, flush=True)
            rows[:] = [each for each in rows if _key(each) != _key(row)] + [row]
            asked.out.write_text(json.dumps(result, indent=1) + "\n")
    print(shown(rows))


def _key(row: dict[str, Any]) -> tuple[Any, ...]:
    """Rows of one run; a new one takes the place of the old, and others stay in the file."""
    return tuple(row[name] for name in ("model", "bits", "steps", "rate"))


def shown(rows: list[dict[str, Any]]) -> str:
    cells = [
        (
            f"{row['model']}, {row['bits']} bits",
            f"{row['steps']} at {row['rate']:g}",
            *(
                f"{100 * row[key]:.1f}"
                for key in ("float", "nearest", "gptq + bias correction", "trained")
            ),
            f"{100 * (row['trained'] - row['nearest']):+.1f}",
        )
        for row in rows
    ]
    return table(("model", "steps", "float", "nearest", "gptq", "trained", "gain"), cells)


if __name__ == "__main__":
    main()
