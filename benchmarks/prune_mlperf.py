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
        "board": BOARD,
        "seconds": round(time.perf_counter() - started),
        "conditions": conditions(),
    }


def failed(row: dict[str, Any], sparsity: float) -> bool:
    most = max(sparsity, row["int8_sparsity_dense"]) + TOLERANCE
    intact = sparsity - TOLERANCE <= row["int8_sparsity"] <= most
    return not intact or row["bit_exact"] != row["samples"]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--samples", type=int, default=10)
    parser.add_argument("--sparsity", type=float, default=0.75)
    given = parser.parse_args()
    found = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    for name in (name for name in MODELS if name not in found):
        path = shared_folder() / "models" / "mlperf_tiny" / f"{name}.h5"
        with tempfile.TemporaryDirectory() as folder:
            found[name] = measure(path, given.sparsity, given.samples, Path(folder))
        RESULTS.parent.mkdir(exist_ok=True)
        RESULTS.write_text(json.dumps(found, indent=1, sort_keys=True) + "\n")
        print(name, found[name], file=sys.stderr)
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
    return int(any(failed(row, given.sparsity) for row in found.values()))


if __name__ == "__main__":
    sys.exit(main())
