# SPDX-License-Identifier: Apache-2.0
"""The stability estimator against the literal measure, on ResNet8 and CIFAR images.

    python benchmarks/prune_stability.py [--weights 400] [--samples 256]

The literal measure moves one weight at a time by half of itself, both ways, and computes all
outputs; the estimator takes one backward pass for all weights. Prints the rank correlation over
seeded weights and the time of both.
"""

from __future__ import annotations

import argparse
import json
import time

import numpy as np
from common import ROOT, conditions, shared_folder
from scipy.stats import spearmanr

from edgekit.model.load import load_model
from edgekit.prune.criteria.stability import literal_stability, stability
from edgekit.prune.evidence import make_evidence
from edgekit.prune.targets import find_kernels

RESULTS = ROOT / "benchmarks" / "results" / "prune_stability.json"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--weights", type=int, default=400)
    parser.add_argument("--samples", type=int, default=256)
    arguments = parser.parse_args()
    model = load_model(shared_folder() / "models" / "resnet8_cifar_jpeg.keras").keras
    with np.load(shared_folder() / "data" / "cifar10_subset.npz") as file:
        images = file["x_train"]
    kernels = [kernel for kernel in find_kernels(model) if not kernel.protected]
    literal_samples = make_evidence(model, [images], samples=arguments.samples)
    started = time.perf_counter()
    scores = stability(kernels, make_evidence(model, [images]))
    estimator_s = time.perf_counter() - started
    started = time.perf_counter()
    places, literal = literal_stability(kernels, literal_samples, arguments.weights)
    literal_s = time.perf_counter() - started
    estimate = [scores[kernel].flat[index] for kernel, index in places]
    result = {
        "spearman": round(float(spearmanr(literal, estimate).statistic), 4),
        "weights": len(places),
        "literal_samples": arguments.samples,
        "estimator_s_all_weights": round(estimator_s, 2),
        "literal_s": round(literal_s, 1),
        "conditions": conditions(),
    }
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
