# SPDX-License-Identifier: Apache-2.0
"""The arena plan against TFLM itself: its interpreter on this host, figures of real devices."""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgekit.errors import EdgekitError
from edgekit.tflite.golden import TflmGolden
from edgekit.tflite.reader import read_graph
from edgekit.tflm.arena import ArenaPlan, plan_arena
from edgekit.tflm.arena.abi import PYTHON_PACKAGE
from edgekit.tflm.arena.allocate import allocate
from edgekit.tflm.arena.calls import Need, needs
from edgekit.tflm.arena.kernels import CMSIS_NN, HOST, REFERENCE, Target

ROOT = Path(__file__).resolve().parents[2]
WHEEL = Target(REFERENCE, HOST, PYTHON_PACKAGE)
CORES = {
    "m0plus": "cortex-m0plus",
    "m4": "cortex-m4",
    "m7": "cortex-m7",
    "m33": "cortex-m33",
    "m55": "cortex-m55",
}
KERNELS = {"ref": REFERENCE, "cmsis_nn": CMSIS_NN}


@dataclass(frozen=True, slots=True)
class Measured:
    """One row of the device figures: `least` is None where only the use was measured."""

    core: str
    kernels: str
    model: str
    used: int
    least: int | None
    plan: ArenaPlan

    @property
    def bar(self) -> int:
        """What the plan must not be below."""
        return self.least or self.used

    @property
    def above(self) -> int:
        return self.plan.arena_bytes - self.bar

    @property
    def holds(self) -> bool:
        return 0 <= self.above <= max(512, 0.05 * self.bar)


def measured_rows(shared: Path) -> Iterator[Measured]:
    """Every row of reference/tflm_baseline.json beside its plan."""
    results = json.loads((shared / "reference" / "tflm_baseline.json").read_text())["results"]
    for core, by_kernels in results.items():
        for kernels, by_model in by_kernels.items():
            for model, row in by_model.items():
                file = shared / "models" / "mlperf_tiny" / f"{model}.tflite"
                graph = read_graph(file, decode=False)
                plan = plan_arena(graph, kernels=KERNELS[kernels], core=CORES[core])
                least = row.get("arena_min")
                yield Measured(core, kernels, model, row["arena_used"], least, plan)


@dataclass(frozen=True, slots=True)
class Compared:
    """`planned` and `used` bytes after AllocateTensors; `least` is the smallest arena planned.

    `takes_least` and `takes_less` are whether the interpreter starts with `least` and with 16
    bytes less. `overlaps` where `least` is set by a persistent buffer: TFLM lets such a buffer
    run over its own temporary tensors, which the plan does not.
    """

    planned: int
    used: int
    least: int
    takes_least: bool
    takes_less: bool
    overlaps: bool
    ops: tuple[str, ...]

    @property
    def right(self) -> bool:
        refused = not self.takes_less or self.overlaps
        return self.planned == self.used and self.takes_least and refused


def compare_arenas(models: Sequence[bytes]) -> list[Compared]:
    """Plans of .tflite files beside TFLM's own figures; without those that TFLM refuses."""
    found = [(data, used, _need(data)) for data in models if (used := _used(data))]
    sizes = [need.least_bytes for _, _, (need, _) in found]
    most = accepted([(data, size) for (data, _, _), size in zip(found, sizes, strict=True)])
    less = accepted([(data, size - 16) for (data, _, _), size in zip(found, sizes, strict=True)])
    return [
        Compared(
            planned=need.used_bytes,
            used=used,
            least=need.least_bytes,
            takes_least=takes_least,
            takes_less=takes_less,
            overlaps=overlaps,
            ops=tuple(op.kind for op in read_graph(data, decode=False).ops),
        )
        for (data, used, (need, overlaps)), takes_least, takes_less in zip(
            found, most, less, strict=True
        )
    ]


def _used(data: bytes) -> int:
    try:
        return TflmGolden(data).arena_bytes()
    except EdgekitError:
        return 0


def _need(data: bytes) -> tuple[Need, bool]:
    calls = allocate(read_graph(data, decode=False), WHEEL).calls
    need = needs(calls)
    kinds = {call.kind for call in calls if call.part == need.least_part}
    return need, "persistent" in kinds


def accepted(cases: Sequence[tuple[bytes, int]]) -> list[bool]:
    """Whether AllocateTensors takes each model with an arena of so many bytes."""
    done = subprocess.run(
        [sys.executable, "-c", "from tests.support.tflm_arena import worker; worker()"],
        input=pickle.dumps(list(cases)),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd=ROOT,
        check=True,
    )
    answers: list[bool] = json.loads(done.stdout)
    return answers


def worker() -> None:
    """Answers `accepted` on standard output; a child per case, for TFLM may crash on too little."""
    from tflite_micro.python.tflite_micro import runtime  # here once, and not in every child

    answers = []
    for data, arena_bytes in pickle.load(sys.stdin.buffer):
        child = os.fork()
        if not child:
            _start(runtime, data, arena_bytes)
        _, status = os.waitpid(child, 0)
        answers.append(os.waitstatus_to_exitcode(status) == 0)
    print(json.dumps(answers))


def _start(runtime: Any, data: bytes, arena_bytes: int) -> None:
    """Ends this process with 0 if the interpreter starts."""
    code = 1
    try:
        kind = runtime.InterpreterConfig.kAllocationRecording
        runtime.Interpreter.from_bytes(data, arena_size=arena_bytes, intrepreter_config=kind)
        code = 0
    finally:
        os._exit(code)
