# SPDX-License-Identifier: Apache-2.0
"""Sizes of a pruned or clustered ResNet with its weights encoded for TFLite Micro's DECODE.

Weights of the CIFAR ResNet are pruned by magnitude at once (no fine-tuning: sizes do not depend
on it) or clustered; the model is converted plain and with --compress, both with --strip, and both
files run on 100 test images in TFLite Micro's interpreter: every output has to be equal.

    python benchmarks/decode_sizes.py [--images 100] [--clusters 16 4]
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from common import conditions, shared_folder, table

import edgekit
from edgekit.quantize.agree import quantized_inputs
from edgekit.tflite.golden import TflmGolden

WEIGHTS_LIMIT, FILE_LIMIT = 0.40, 0.54  # of the plain file, at 75 % sparsity


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=100)
    parser.add_argument("--sparsity", type=float, nargs="*", default=[0.75, 0.9])
    parser.add_argument("--clusters", type=int, nargs="*", default=[16, 4])
    options = parser.parse_args()
    shared = shared_folder()
    with np.load(shared / "data" / "cifar10_subset.npz") as file:
        calibration = file["x_train"][:200].astype(np.float32)
        images = file["x_test"][: options.images].astype(np.float32)
    rows, failed = [], False
    with tempfile.TemporaryDirectory() as name:
        for label, model in _models(shared, Path(name), options):
            row, good = _measured(label, model, Path(name), calibration, images)
            rows.append(row)
            failed |= not good
    print(conditions(), f"{len(images)} images", sep="; ")
    print(table(HEAD, rows))
    return int(failed)


HEAD = (
    "model",
    "mode",
    "plain .tflite",
    "compressed",
    "of plain",
    "plain .c",
    "compressed .c",
    "weights",
    "compressed",
    "of plain",
    "decoded values",
    "more arena",
    "equal images",
)


def _models(shared: Path, folder: Path, options: argparse.Namespace):
    source = shared / "models" / "resnet8_cifar_jpeg.keras"
    for sparsity in options.sparsity:
        out = folder / f"pruned{sparsity}.keras"
        edgekit.prune(source, out=out, sparsity=sparsity, schedule="one_shot", of_all=True)
        yield f"{100 * sparsity:.0f} % zeros", out
    if find_spec("tensorflow_model_optimization") is None:
        print("no tensorflow-model-optimization: nothing is clustered", file=sys.stderr)
        return
    for clusters in options.clusters:
        out = folder / f"clusters{clusters}.keras"
        edgekit.cluster(source, out=out, clusters=clusters)
        yield f"{clusters} clusters", out


def _measured(
    label: str, model: Path, folder: Path, calibration: np.ndarray, images: np.ndarray
) -> tuple[tuple[object, ...], bool]:
    """A row of the table, and whether outputs are equal and the limits at 75 % hold."""
    outs = [folder / f"{model.stem}_{kind}" for kind in ("plain", "auto")]
    data = {"x": calibration}
    plain = edgekit.convert(model, data, out=outs[0], strip=True)
    packed = edgekit.convert(model, data, out=outs[1], strip=True, compress="auto")
    equal = _equal_images(plain.tflite, packed.tflite, images)
    done = packed.packing.compression
    weights = done.weight_bytes
    shares = (packed.tflite_bytes / plain.tflite_bytes, weights["after"] / weights["before"])
    arrays = [len(next(o.glob("*_model.c")).read_bytes()) for o in outs]
    good = equal == len(images)
    if label.startswith("75 %"):
        good &= shares[0] <= FILE_LIMIT and shares[1] <= WEIGHTS_LIMIT
    modes = sorted({row.mode for row in done.tensors if row.mode != "plain"})
    row = (
        label,
        " ".join(modes),
        plain.tflite_bytes,
        packed.tflite_bytes,
        f"{shares[0]:.3f}",
        *arrays,
        weights["before"],
        weights["after"],
        f"{shares[1]:.3f}",
        done.decoded_elements,
        done.arena_extra_bytes,
        f"{equal}/{len(images)}",
    )
    return row, good


def _equal_images(plain: Path, packed: Path, images: np.ndarray) -> int:
    ours, theirs = TflmGolden(packed), TflmGolden(plain)
    [stored] = quantized_inputs(theirs.graph, [images])
    return sum(
        all(
            np.array_equal(a, b)
            for a, b in zip(ours.run([image[None]]), theirs.run([image[None]]), strict=True)
        )
        for image in stored
    )


if __name__ == "__main__":
    sys.exit(main())
