# SPDX-License-Identifier: Apache-2.0
"""Asks the TFLite Micro wheel what it runs and writes edgekit/tflm/ops.json.

Every operator that TFLM's resolver can add is tried with small models, one for each data type,
in a process of its own that is started again where TFLM aborts it. A type counts as run when
preparing and invoking succeed.

    python scripts/tflm_ops.py            # writes the file
    python scripts/tflm_ops.py --check    # exit 1 where the committed file differs
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "scripts")]

from tflm_probes import INT4, PER_CHANNEL, PROBES, kinds  # noqa: E402

FILE = ROOT / "edgekit" / "tflm" / "ops.json"
DTYPES = ("bool", "float32", "int16", "int32", "int64", "int8", "uint8")
CASTS = ("CAST", "QUANTIZE", "DEQUANTIZE")
# Their kernels take everything for a bool without looking.
LOGICAL = ("LOGICAL_AND", "LOGICAL_NOT", "LOGICAL_OR")
# Operators with a kernel of their own in kernels/cmsis_nn of tflite-micro (2026-08, listed by
# file; add, mul, pad, pooling, maximum_minimum, softmax hold several). The others are portable
# C++ there too.
CMSIS_NN = kinds(
    "ADD AVERAGE_POOL_2D BATCH_MATMUL CONV_2D DEPTHWISE_CONV_2D FULLY_CONNECTED MAXIMUM MAX_POOL_2D"
    " MINIMUM MUL PAD PADV2 SOFTMAX SVDF TRANSPOSE TRANSPOSE_CONV UNIDIRECTIONAL_SEQUENCE_LSTM"
)
NOT_PROBED = {
    "ASSIGN_VARIABLE": "resource variables, which edgekit does not read",
    "CALL_ONCE": "several subgraphs, which edgekit does not read",
    "IF": "several subgraphs, which edgekit does not read",
    "READ_VARIABLE": "resource variables, which edgekit does not read",
    "VAR_HANDLE": "resource variables, which edgekit does not read",
    "WHILE": "several subgraphs, which edgekit does not read",
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="compare with the committed file")
    parser.add_argument("--probe-from", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.probe_from is not None:
        return _probe_from(options.probe_from)
    text = _text(_answers())
    if not options.check:
        FILE.write_text(text)
        return 0
    if text != FILE.read_text():
        print(f"{FILE.relative_to(ROOT)} is not what this wheel gives", file=sys.stderr)
        return 1
    return 0


def questions() -> list[tuple[str, str, str]]:
    """(operator, what is asked, data type)."""
    asked = []
    for kind in sorted(PROBES):
        pairs = [f"{a} to {b}" for a in DTYPES for b in DTYPES]
        dtypes = pairs if kind in CASTS else ["bool"] if kind in LOGICAL else DTYPES
        asked += [(kind, "dtypes", dtype) for dtype in dtypes]
        for what, probes in (("per_channel", PER_CHANNEL), ("int4_weights", INT4)):
            asked += [(kind, what, dtype) for dtype in ("int16", "int8") if kind in probes]
    return asked


def _answers() -> dict[tuple[str, str, str], bool]:
    """What the interpreter runs. A question that kills the process is answered by no."""
    asked, answers = questions(), {}
    while len(answers) < len(asked):
        command = [sys.executable, __file__, "--probe-from", str(len(answers))]
        done = subprocess.run(command, capture_output=True, text=True, timeout=600)
        told = [line == "run" for line in done.stdout.splitlines() if line in ("run", "refused")]
        for question, answer in zip(asked[len(answers) :], told, strict=False):
            answers[question] = answer
        if done.returncode and len(answers) < len(asked):
            if done.returncode > 0:
                raise SystemExit(done.stderr)
            answers[asked[len(answers)]] = False
    return answers


def _probe_from(first: int) -> int:
    for kind, what, dtype in questions()[first:]:
        print("run" if _runs(kind, what, dtype) else "refused", flush=True)
    return 0


def _runs(kind: str, what: str, dtype: str) -> bool:
    import numpy as np

    from edgekit.errors import EdgekitError
    from edgekit.tflite.golden import TflmGolden
    from edgekit.tflite.reader import read_graph
    from tests.support.tflite_builder import ModelBuilder

    builder = ModelBuilder()
    probe = {"dtypes": PROBES, "per_channel": PER_CHANNEL, "int4_weights": INT4}[what][kind]
    data = _with_variables(builder.finish(probe(builder, dtype)))
    graph = read_graph(data)
    inputs = [graph.tensor(index) for index in graph.inputs]
    try:
        TflmGolden(data, graph=graph).run([np.ones(t.shape, t.dtype) for t in inputs])
    except EdgekitError:
        return False
    return True


def _with_variables(data: bytes) -> bytes:
    """Tensors called "variable" keep their values between runs, as states of layers do."""
    from edgekit.quantize.flatbuffer import pack, unpack

    model = unpack(data)
    states = [t for t in model.subgraphs[0].tensors if t.name == b"variable"]
    for tensor in states:
        tensor.isVariable = True
    return pack(model) if states else data


def _text(answers: dict[tuple[str, str, str], bool]) -> str:
    """The file: a line for every operator."""
    from edgekit.emit.tflm_methods import BUILTIN_METHODS, CUSTOM_METHODS
    from edgekit.tflite.golden import tflm_version

    ops = {kind: _row(kind, method, answers) for kind, method in BUILTIN_METHODS.items()}
    for kind, method in CUSTOM_METHODS.items():
        row = {"method": method, "dtypes": [], "not_probed": "a custom operator"}
        ops[f"CUSTOM:{kind}"] = row
    lines = [f"  {json.dumps(kind)}: {json.dumps(row)}" for kind, row in sorted(ops.items())]
    version = json.dumps(tflm_version())
    return f'{{\n "version": {version},\n "ops": {{\n' + ",\n".join(lines) + "\n }\n}\n"


def _row(kind: str, method: str, answers: dict[tuple[str, str, str], bool]) -> dict[str, object]:
    from edgekit.quantize.compress.inputs import DECODABLE

    row: dict[str, object] = {"method": method, "dtypes": list(_run(kind, "dtypes", answers))}
    if kind in NOT_PROBED:
        row["not_probed"] = NOT_PROBED[kind]
    for what in ("per_channel", "int4_weights"):
        if any(question[:2] == (kind, what) for question in answers):
            row[what] = list(_run(kind, what, answers))
    if kind in CMSIS_NN:
        row["cmsis_nn"] = True
    if kind in DECODABLE:
        row["decoded_inputs"] = sorted(DECODABLE[kind])
    return row


def _run(kind: str, what: str, answers: dict[tuple[str, str, str], bool]) -> Iterator[str]:
    return (dtype for (k, w, dtype), yes in answers.items() if (k, w) == (kind, what) and yes)


if __name__ == "__main__":
    sys.exit(main())
