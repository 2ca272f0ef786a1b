# SPDX-License-Identifier: Apache-2.0
"""Which runtimes take a .tflite, what they need, and the one that gives golden outputs here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from edgekit.boards import Board
from edgekit.errors import EdgekitError
from edgekit.progress import Progress
from edgekit.tflite.reader import read_graph
from edgekit.verbs._arena import TflmArena, tflm_arena
from edgekit.verbs.golden import NOT_CHECKED, try_tflm

if TYPE_CHECKING:
    from edgekit.lower.program import Program
    from edgekit.verbs._conversion import Conversion


@dataclass(frozen=True, slots=True, eq=False)
class Hosted:
    """`refusals` maps each runtime to why it cannot run the model, "" where it can.

    `golden` is TFLM's interpreter, or the aot model built for this host where that wheel does
    not exist; None where nothing was to be compared.
    """

    name: str
    refusals: dict[str, str]
    aot_refusals: dict[int, str]
    arena_bytes: dict[str, int | None]
    tflm_arena: TflmArena | None
    program: Program | None
    golden: Any

    @property
    def runs(self) -> tuple[str, ...]:
        return tuple(name for name, reason in self.refusals.items() if not reason)

    def aot_texts(self, provenance: str) -> dict[str, str]:
        """`<name>_aot.h` and `<name>_aot.c`; the app's glue is written with the firmware."""
        if self.program is None:
            return {}
        from edgekit.emit.aot import aot_sources

        texts = aot_sources(self.program, self.name, provenance)
        return {file: text for file, text in texts.items() if file.startswith(f"{self.name}_aot.")}

    def golden_words(self) -> dict[str, str] | None:
        return {"by": self.golden.by, "version": self.golden.version} if self.golden else None

    def warnings(self) -> list[str]:
        return [
            f"the {runtime} runtime cannot run this model: {reason}"
            for runtime, reason in self.refusals.items()
            if reason and reason != NOT_CHECKED
        ]


def host_runtimes(done: Conversion, name: str, board: Board | None, progress: Progress) -> Hosted:
    """Try each runtime on `done`; EdgekitError naming op and layer where none can run it."""
    from edgekit.lower.build import lower_graph, refusals
    from edgekit.lower.program import Target

    aot = refusals(done.graph)
    program = None
    if not aot:
        program = lower_graph(done.graph, Target(core=board.core) if board else None)
    tflm, tflm_reason = try_tflm(done.tflite, done.graph)
    if program is None and tflm is None:
        _check_tflm_ops(done, aot)
        lower_graph(done.graph)  # raises, with the op, its layer and the reason
    golden = tflm
    if golden is None and done.floats is not None and program is not None:
        golden = _aot_on_host(program, name)
    first = next(iter(aot.values()), "")
    arena = None
    if tflm is not None or tflm_reason == NOT_CHECKED:
        arena = tflm_arena(read_graph(done.tflite, decode=False), board, tflm)
    return Hosted(
        name=name,
        refusals={"aot": _op_words(done, aot) if first else "", "tflm": tflm_reason},
        aot_refusals=aot,
        arena_bytes={
            "tflm": arena.arena_bytes if arena else None,
            "aot": program.plan.arena_bytes if program else None,
        },
        tflm_arena=arena,
        program=program,
        golden=golden if done.floats is not None else None,
    )


def _check_tflm_ops(done: Conversion, aot: dict[int, str]) -> None:
    """EdgekitError with a remedy for an op that is known to run in neither runtime."""
    from edgekit.tflm.ops import unsupported_ops

    for index, why in unsupported_ops(done.graph).items():
        if index in aot:
            op = done.graph.ops[index]
            raise EdgekitError(
                f"no runtime runs {op.kind} of layer '{op.layer}': {why.reason}, and for aot "
                f"{aot[index]}",
                hint=why.remedy,
            )


def _op_words(done: Conversion, aot: dict[int, str]) -> str:
    index, reason = next(iter(aot.items()))
    op = done.graph.ops[index]
    return f"{op.kind} of layer '{op.layer}': {reason}"


def _aot_on_host(program: Program, name: str) -> Any:
    from edgekit.build.host import HostModel
    from edgekit.emit.aot import aot_sources

    return HostModel(program, aot_sources(program, name, "host"), name)
