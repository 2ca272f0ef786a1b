# SPDX-License-Identifier: Apache-2.0
"""Tries every Keras layer and writes docs/layers.md: converts, TFLM runs, aot runs.

Each is a small model through `edgekit.convert()`, with random weights and data. "Runs" means that
TFLite Micro's interpreter gave outputs, and that the ahead-of-time C compiled for this machine
gave the same to the byte. The models are tried in a process of its own that is started again
where one kills it.

    python scripts/layer_table.py            # writes the file, in some minutes
    python scripts/layer_table.py --check    # exit 1 where the committed file differs
    python scripts/layer_table.py --only LSTM    # tries the rows with that word again
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "scripts")]

from layer_cases import LAYERS, Case  # noqa: E402
from layer_graphs import GRAPHS  # noqa: E402

FILE = ROOT / "docs" / "layers.md"
CASES: dict[str, dict[str, Case]] = {**LAYERS, "Together": GRAPHS}
SAMPLES, COMPARED = 24, 4


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one model. A runtime is "yes", or why it does not run it."""

    group: str
    name: str
    converts: bool = False
    tflm: str = ""
    aot: str = ""
    remark: str = ""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="compare with the committed file")
    parser.add_argument("--only", metavar="WORD", help="try rows with this word alone")
    parser.add_argument("--try-from", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    rows = [row for row in _rows() if options.only is None or options.only in row[1]]
    if options.try_from is not None:
        return _try_from(rows[options.try_from :])
    from layer_page import page, updated

    outcomes = []
    for outcome in _outcomes(rows, options.only):
        outcomes.append(asdict(outcome))
        print(_line(outcome), file=sys.stderr, flush=True)
    text = page(outcomes) if options.only is None else updated(FILE.read_text(), outcomes)
    if not options.check:
        FILE.write_text(text)
        return 0
    if text != FILE.read_text():
        print(f"{FILE.relative_to(ROOT)} is not what edgekit does now", file=sys.stderr)
        return 1
    return 0


def _line(outcome: Outcome) -> str:
    found = [outcome.name, "converts" if outcome.converts else "-", outcome.tflm, outcome.aot]
    return " | ".join([*found, outcome.remark])


def _rows() -> list[tuple[str, str]]:
    return [(group, name) for group, cases in CASES.items() for name in cases]


def _outcomes(rows: list[tuple[str, str]], only: str | None) -> Iterator[Outcome]:
    """One for each row; that of a model that kills its process says so."""
    done = 0
    while done < len(rows):
        command = [sys.executable, __file__, "--try-from", str(done)]
        command += ["--only", only] if only is not None else []
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as worker:
            for line in worker.stdout or ():
                if line.startswith("{"):
                    yield Outcome(**json.loads(line))
                    done += 1
        if done < len(rows):
            if worker.returncode >= 0:
                raise SystemExit(f"stopped at {rows[done]}")
            yield Outcome(*rows[done], remark="the process is killed")
            done += 1


def _try_from(rows: list[tuple[str, str]]) -> int:
    for group, name in rows:
        print(json.dumps(asdict(try_case(group, name))), flush=True)
    return 0


def try_case(group: str, name: str) -> Outcome:
    """Build the model, convert it, and run it in both runtimes."""
    from edgekit.errors import EdgekitError
    from edgekit.verbs.convert import convert

    try:
        model, data = build_model(CASES[group][name])
    except Exception as error:
        return Outcome(group, name, remark=f"this Keras does not build it: {error!r}"[:200])
    with tempfile.TemporaryDirectory() as folder:
        try:
            record = convert(model, data, out=Path(folder) / "out", name="m", samples=SAMPLES)
        except EdgekitError as error:
            return Outcome(group, name, remark=f"{error}; {error.hint}")
        aot = record.runtimes["aot"] or _bit_exact(record.tflite, data)
        return Outcome(
            group,
            name,
            converts=True,
            tflm=record.runtimes["tflm"] or "yes",
            aot=aot,
            remark=_remark(record.warnings),
        )


def _remark(warnings: tuple[str, ...]) -> str:
    return "; ".join(text for text in warnings if "runtime cannot run" not in text)


def build_model(case: Case) -> tuple[Any, list[Any]]:
    """The case as a Keras model with seeded weights, and data for it."""
    import numpy as np

    from edgekit.model.tf import keras, quiet

    module = keras()
    with quiet():
        module.utils.set_random_seed(1)
        module.backend.clear_session()
        inputs, outputs = case(module.layers)
        model = module.Model(inputs, outputs, name="net")
    rng = np.random.default_rng(0)
    for variable in model.weights:
        if "moving_variance" in variable.path:
            variable.assign(rng.uniform(0.3, 2.0, variable.shape))
    data = [_samples(tensor, rng) for tensor in model.inputs]
    return model, data[0] if len(data) == 1 else dict(zip(_names(model), data, strict=True))


def _names(model: Any) -> list[str]:
    return [tensor.name for tensor in model.inputs]


def _samples(tensor: Any, rng: Any) -> Any:
    shape = (SAMPLES, *tensor.shape[1:])
    if tensor.dtype == "int32":
        return rng.integers(0, 20, shape).astype("int32")
    return rng.normal(0.0, 1.0, shape).astype("float32")


def _bit_exact(tflite: Path, data: Any) -> str:
    """ "yes" where the ahead-of-time C gives the interpreter's outputs, byte for byte.

    Integers that are looked up (an embedding's) are those of the data, other inputs the extremes
    and random ones.
    """
    import numpy as np

    from edgekit.tflite.golden import TflmGolden
    from tests.support.exact import host_model, random_inputs

    model = tflite.read_bytes()
    golden, ours = TflmGolden(model), host_model(model, optimize="-O0")
    for position, inputs in enumerate(random_inputs(golden.graph, COMPARED)):
        if inputs[0].dtype == np.int32:
            inputs = [data[position : position + 1]]
        pairs = zip(golden.run(inputs), ours.run(inputs), strict=True)
        if not all(np.array_equal(a, b) for a, b in pairs):
            return "gives other bytes than TFLM"
    return "yes"


if __name__ == "__main__":
    raise SystemExit(main())
