# SPDX-License-Identifier: Apache-2.0
"""Every way of finding ranges, on a ResNet: what int8 costs in accuracy, image by image.

    python benchmarks/quant_ranges.py                 # all rows, into results/quant_ranges.json
    python benchmarks/quant_ranges.py --methods mse --samples 200

The model is resnet8_cifar_jpeg.keras. Calibrated on training JPEGs, scored on the 1,500 test
images and on 10,000 other training JPEGs, where the float model's mistakes are known: the
difference int8 - float is taken per image, and its standard error with it. int8 outputs are those
of the ahead-of-time code on this host, checked against TFLite Micro on the first images.
"""

from __future__ import annotations

import argparse
import json
import time
from typing import Any

import numpy as np
from common import ROOT, conditions, table
from prune_runs import base_model, load_images

RESULTS = ROOT / "benchmarks" / "results" / "quant_ranges.json"
METHODS = ("converter", "minmax", "percentile", "percentile:99.99", "percentile:99.9", "mse", "kl")
SCORED, CHECKED = 10_000, 20
BAR = 0.15  # points that the default may lose, besides two standard errors


def main() -> None:
    options = _options()
    images = load_images()
    judge = Judge(images)
    rows: dict[str, Any] = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    for samples in options.samples:
        for method in options.methods:
            rows[f"{method}, {samples}"] = judge.row(method, samples, options.draw)
            RESULTS.parent.mkdir(exist_ok=True)
            RESULTS.write_text(json.dumps(rows, indent=1, sort_keys=True) + "\n")
            print(f"done: {method}, {samples} samples", flush=True)
    show(rows)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--methods", nargs="+", default=METHODS)
    parser.add_argument("--samples", nargs="+", type=int, default=(100, 500))
    parser.add_argument("--draw", type=int, default=0, help="which samples calibrate")
    return parser.parse_args()


class Judge:
    """The float model's answers, and rows that compare int8 files with them."""

    def __init__(self, images: dict[str, np.ndarray]) -> None:
        from edgekit.model.load import load_model

        order = np.random.default_rng(7).permutation(len(images["x_train"]))
        self.pool = images["x_train"][order[SCORED:]]
        seen = images["x_train"][order[:SCORED]]
        self.x = np.concatenate([images["x_test"], seen]).astype(np.float32)
        self.y = np.concatenate([images["y_test"], images["y_train"][order[:SCORED]]])
        self.test = len(images["x_test"])
        self.loaded = load_model(base_model())
        self.floats = self.loaded([self.x])[0]

    def row(self, method: str, samples: int, draw: int) -> dict[str, Any]:
        from edgekit.quantize.convert import convert_int8

        chosen = np.random.default_rng(draw).permutation(len(self.pool))[:samples]
        started = time.perf_counter()
        data = convert_int8(self.loaded, self.loaded.inputs, [self.pool[chosen]], method=method)
        seconds = time.perf_counter() - started
        outputs = int8_outputs(data.tflite, self.x)
        head = {"method": method, "samples": samples, "draw": draw, "seconds": round(seconds, 2)}
        return head | self._scores(outputs) | {"conditions": conditions()}

    def _scores(self, outputs: np.ndarray) -> dict[str, Any]:
        said, right = outputs.argmax(axis=1), self.floats.argmax(axis=1)
        change = (said == self.y).astype(float) - (right == self.y).astype(float)
        parts = {"test": slice(0, self.test), "train": slice(self.test, None), "all": slice(None)}
        found: dict[str, Any] = {}
        for name, part in parts.items():
            count = len(change[part])
            found[name] = {
                "images": count,
                "float": 100 * float(np.mean(right[part] == self.y[part])),
                "int8": 100 * float(np.mean(said[part] == self.y[part])),
                "change": 100 * float(change[part].mean()),
                "standard_error": 100 * float(change[part].std(ddof=1) / np.sqrt(count)),
                "agreement": 100 * float(np.mean(said[part] == right[part])),
            }
        return found


def int8_outputs(tflite: bytes, x: np.ndarray) -> np.ndarray:
    """Real outputs of the int8 file by the code that runs on boards, compiled for this host."""
    from edgekit.build.host import HostModel
    from edgekit.emit.aot import aot_sources
    from edgekit.lower.build import lower_graph
    from edgekit.lower.program import Target
    from edgekit.quantize.agree import real_outputs
    from edgekit.tflite.golden import TflmGolden
    from edgekit.tflite.reader import read_graph

    graph = read_graph(tflite)
    program = lower_graph(graph, Target(optimize="speed"))
    sources = aot_sources(program, "ranges", "ranges")
    host = HostModel(program, sources, "ranges", optimize="-O3 -march=native")
    outputs = real_outputs(host, graph, [x])[0]
    golden = real_outputs(TflmGolden(tflite), graph, [x[:CHECKED]])[0]
    assert np.array_equal(golden, outputs[:CHECKED]), "the host's code differs from TFLite Micro"
    return outputs


def show(rows: dict[str, Any]) -> None:
    lines = []
    for row in sorted(rows.values(), key=lambda r: (r["samples"], METHODS.index(r["method"]))):
        both = row["all"]
        lines.append(
            [
                row["method"],
                row["samples"],
                f"{row['test']['int8']:.2f}",
                f"{row['test']['change']:+.2f} ± {row['test']['standard_error']:.2f}",
                f"{row['train']['change']:+.2f} ± {row['train']['standard_error']:.2f}",
                f"{both['change']:+.3f} ± {both['standard_error']:.3f}",
                f"{both['agreement']:.2f}",
                "yes" if -both["change"] <= BAR + 2 * both["standard_error"] else "no",
            ]
        )
    head = ["ranges", "samples", "int8, test", "change, test", "change, train", "change, all"]
    print(table([*head, "same class", f"loses at most {BAR} + 2 s.e."], lines))


if __name__ == "__main__":
    main()
