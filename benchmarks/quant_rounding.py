# SPDX-License-Identifier: Apache-2.0
"""Weights of ResNet8 at 8 and 4 bits under every rounding: accuracy with activations left float.

    python benchmarks/quant_rounding.py                      # 1,500 test and 10,000 training JPEGs
    python benchmarks/quant_rounding.py --train-images 2500  # quicker

Batch norms are folded, all ten kernels are rounded, one scale per output channel. Means and
second moments (GPTQ, bias correction) come from 200 training images that are not scored. All
rows score the same images, so differences between rows are paired; `error` is the standard error
of a row's difference to nearest rounding with the same bits and scale. The network was trained on
the JPEGs and errs less on them, with coarse weights too: `test` has the test images alone.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from common import ROOT, conditions, table
from prune_runs import base_model, load_images

RESULT = ROOT / "benchmarks" / "results" / "quant_rounding.json"
CALIBRATION = 200
WAYS = (
    ("nearest", False),
    ("nearest", True),
    ("mean", False),
    ("mean", True),
    ("stochastic", False),
    ("gptq", False),
    ("gptq", True),
)


def right(float_file: bytes, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Which images the float file classifies right, bool [images]."""
    from edgekit.model.tf import quiet, tensorflow

    with quiet():
        interpreter = tensorflow().lite.Interpreter(model_content=float_file, num_threads=1)
        interpreter.allocate_tensors()
    taken = interpreter.get_input_details()[0]["index"]
    given = interpreter.get_output_details()[0]["index"]
    found = np.zeros(len(x), bool)
    for place in range(len(x)):
        interpreter.set_tensor(taken, x[place : place + 1].astype(np.float32))
        interpreter.invoke()
        found[place] = interpreter.get_tensor(given).argmax() == y[place]
    return found


def rows(
    float_file: bytes, calibration: np.ndarray, x: np.ndarray, y: np.ndarray, tests: int
) -> Iterator[dict[str, Any]]:
    """A row for each rounding; the first `tests` images are those of the test set."""
    from edgekit.quantize.rounding.apply import WeightOptions, prepare_weights
    from edgekit.quantize.rounding.collect import collect_inputs
    from edgekit.quantize.rounding.sites import find_sites
    from edgekit.quantize.weights import runner
    from edgekit.tflite.reader import read_graph

    graph = read_graph(float_file)
    samples = ([calibration[i : i + 1].astype(np.float32)] for i in range(len(calibration)))
    started = time.perf_counter()
    inputs = collect_inputs(graph, find_sites(graph), samples, runner(float_file))
    yield {"what": "moments", "seconds": time.perf_counter() - started}
    hits = right(float_file, x, y)
    yield {"what": "float", "accuracy": float(hits.mean()), "test": float(hits[:tests].mean())}
    for bits, scale in ((8, "max"), (4, "max"), (4, "mse")):
        first: np.ndarray | None = None
        for way, corrected in WAYS:
            options = WeightOptions(way, scale, corrected)
            started = time.perf_counter()
            done = prepare_weights(
                float_file, graph, options, inputs=inputs, bits_of=lambda _, bits=bits: bits
            )
            seconds = time.perf_counter() - started
            hits = right(done.tflite, x, y)
            first = hits if first is None else first
            yield {
                "bits": bits,
                "scale": scale,
                "rounding": way + (" + bias correction" if corrected else ""),
                **paired(hits, first),
                "test": paired(hits[:tests], first[:tests]),
                "seconds": round(seconds, 2),
            }


def paired(hits: np.ndarray, first: np.ndarray) -> dict[str, float]:
    """Accuracy of `hits` (bool [images]), its difference to that of `first`, and how far to trust
    the difference (its standard error)."""
    change = hits.astype(float) - first
    return {
        "accuracy": float(hits.mean()),
        "to_nearest": float(change.mean()),
        "error": float(change.std() / np.sqrt(len(change))),
    }


def main() -> None:
    from edgekit.model.load import load_model
    from edgekit.quantize.convert import convert_int8

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--train-images", type=int, default=10000)
    parser.add_argument("--out", type=Path, default=RESULT)
    asked = parser.parse_args()
    images = load_images()
    # the folders of JPEGs come class by class
    order = np.random.default_rng(7).permutation(len(images["x_train"]))
    calibration = images["x_train"][order[:CALIBRATION]]
    part = order[CALIBRATION : CALIBRATION + asked.train_images]
    x = np.concatenate([images["x_test"].reshape(-1, 32, 32, 3), images["x_train"][part]])
    y = np.concatenate([images["y_test"].ravel(), images["y_train"].ravel()[part]])
    loaded = load_model(base_model())
    float_file = convert_int8(loaded, loaded.inputs, [calibration[:4]]).float_file
    assert float_file is not None
    result: dict[str, Any] = {"conditions": conditions(), "images": len(y), "rows": []}
    for row in rows(float_file, calibration, x, y, len(images["x_test"])):
        print(row, flush=True)
        result["rows"].append(row)
    asked.out.write_text(json.dumps(result, indent=1) + "\n")
    print(shown(result["rows"]))


def shown(found: list[dict[str, Any]]) -> str:
    cells = [
        (
            f"{row['bits']} bits, {row['scale']}",
            row["rounding"],
            *_said(row),
            *_said(row["test"]),
            f"{row['seconds']:.2f}",
        )
        for row in found
        if "bits" in row
    ]
    both = ("all images %", "to nearest", "test images %", "to nearest")
    return table(("weights", "rounding", *both, "seconds"), cells)


def _said(found: dict[str, float]) -> tuple[str, str]:
    change = f"{100 * found['to_nearest']:+.2f} +- {100 * found['error']:.2f}"
    return f"{100 * found['accuracy']:.2f}", change


if __name__ == "__main__":
    main()
