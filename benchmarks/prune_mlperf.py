# SPDX-License-Identifier: Apache-2.0
"""The four MLPerf Tiny Keras models pruned without data: are the zeros on the board the same?

    python benchmarks/prune_mlperf.py [--samples 10] [--sparsity 0.75]

Each .h5 is pruned by magnitude in one go, converted, and run on the emulated Cortex-M4 with
generated inputs, which are the calibration too. Prints the sparsity of the kernels that are
pruned, of float and of int8 weights, and how many outputs are equal to TFLite Micro's. The last
column of zeros is of the int8 model that was not pruned: of vww_96 more than three quarters of
the weights are near 1e-32 as it was trained, and zero in int8 whatever is done. Exits with 1
where int8 weights have fewer zeros than asked for, or more than that and than the model not
pruned has, by half a point, or where an output differs.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from common import ROOT, conditions, shared_folder, table

import edgekit
from edgekit.verbs.bench import OutputsDiffer
from edgekit.verbs.prune import PruneRecord

BOARD = "qemu-mps2-an386"
MODELS = ("ad01", "kws", "pretrainedResnet", "vww_96")
RESULTS = ROOT / "benchmarks" / "results" / "prune_mlperf.json"
TOLERANCE = 0.005


def int8_sparsity(pruned: PruneRecord, ops: Any) -> float:
    """Zeros over weights of the int8 kernels that pruning does not protect."""
    names = {row.name: row.weights for row in pruned.layers if not row.protected}
    found = {op.layer: op for op in ops if op.layer in names and op.weights}
    assert {name: op.weights for name, op in found.items()} == names, "kernels were not found again"
    return sum(op.zero_weights for op in found.values()) / sum(names.values())


def measure(model: Path, sparsity: float, samples: int, folder: Path) -> dict[str, Any]:
    started = time.perf_counter()
    pruned = edgekit.prune(model, out=folder / "pruned.keras", sparsity=sparsity)
    try:
        record = edgekit.deploy(
            folder / "pruned.keras", board=BOARD, out=folder / "out", eval_samples=samples
        )
    except OutputsDiffer as error:
        record = error.record
    dense = edgekit.convert(model, out=folder / "dense", eval_samples=samples)
    bench = record.bench
    return {
        "sparsity": pruned.sparsity,
        "sparsity_all": pruned.sparsity_all,
        "int8_sparsity": int8_sparsity(pruned, record.convert.ops),
        "int8_sparsity_dense": int8_sparsity(pruned, dense.ops),
        "samples": bench.samples,
        "bit_exact": bench.bit_exact,
        "golden": f"{bench.golden.by} {bench.golden.version}",
        "instructions": bench.latency.median,
        "tflite_bytes": record.convert.tflite_bytes,
        "seconds": round(time.perf_counter() - started),
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--samples", type=int, default=10)
    parser.add_argument("--sparsity", type=float, default=0.75)
    given = parser.parse_args()
    found, failed = {}, False
    for name in MODELS:
        path = shared_folder() / "models" / "mlperf_tiny" / f"{name}.h5"
        with tempfile.TemporaryDirectory() as folder:
            row = measure(path, given.sparsity, given.samples, Path(folder))
        found[name] = row
        most = max(given.sparsity, row["int8_sparsity_dense"]) + TOLERANCE
        failed |= not given.sparsity - TOLERANCE <= row["int8_sparsity"] <= most
        failed |= row["bit_exact"] != given.samples
        print(name, row, file=sys.stderr)
    told = {"board": BOARD, "conditions": conditions(), "models": found}
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(told, indent=1) + "\n")
    head = ("model", "float zeros %", "int8 zeros %", "int8, not pruned %", "bit-exact", "s")
    body = [
        (
            name,
            f"{100 * row['sparsity']:.2f}",
            f"{100 * row['int8_sparsity']:.2f}",
            f"{100 * row['int8_sparsity_dense']:.2f}",
            f"{row['bit_exact']}/{row['samples']}",
            row["seconds"],
        )
        for name, row in found.items()
    ]
    print(table(head, body))
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
