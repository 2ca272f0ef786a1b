# SPDX-License-Identifier: Apache-2.0
"""One model through both runtimes: equal, different, or refused and by whom."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from edgekit.errors import EdgekitError
from edgekit.lower.build import lower_graph, refusals
from edgekit.lower.program import Target
from edgekit.tflite.golden import TflmGolden
from edgekit.tflite.graph import Graph
from edgekit.tflite.reader import read_graph
from tests.support.exact import host_model, random_inputs
from tests.support.sanitized import SanitizedModel

EQUAL = "equal"
DIFFERENT = "different"
BOTH_REFUSE = "refused by both"
ONLY_AOT_REFUSES = "refused by edgekit alone"
ONLY_TFLM_REFUSES = "refused by TFLM alone"
FAULTY = "generated C does not build or run"
BAD = (DIFFERENT, ONLY_TFLM_REFUSES, FAULTY)


class Runnable(Protocol):
    """A HostModel, or one with sanitizers."""

    def run(self, inputs: Sequence[np.ndarray]) -> list[np.ndarray]: ...


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of a model; `reason` where it was refused or differs."""

    outcome: str
    reason: str = ""
    ops: tuple[str, ...] = field(default=())

    @property
    def bad(self) -> bool:
        return self.outcome in BAD


def judge(
    data: bytes, *, inputs: int = 6, sanitize: bool = False, core: str = "generic"
) -> Verdict:
    """Runs `data` on both sides with `inputs` sets of inputs; ours as lowered for `core`."""
    graph = read_graph(data)
    ops = tuple(op.kind for op in graph.ops)
    ours = _our_reasons(graph)
    theirs = ""
    golden = None
    try:
        golden = TflmGolden(data)
        golden.run(next(random_inputs(graph, 1)))
    except EdgekitError as error:
        theirs = str(error)
    if golden is None or theirs or ours:
        return Verdict(_refused(ours, theirs), ours or theirs, ops)
    try:
        return _compare(golden, _runnable(data, sanitize, core), inputs, ops)
    except EdgekitError as error:
        return Verdict(FAULTY, str(error), ops)


def _our_reasons(graph: Graph) -> str:
    reasons = {f"{graph.ops[i].kind}: {_general(r)}" for i, r in refusals(graph).items()}
    if not reasons:
        with contextlib.suppress(EdgekitError):
            lower_graph(graph)
            return ""
        return "lowering fails though no op is refused"
    return "; ".join(sorted(reasons))


def judge_aborting(data: bytes) -> Verdict:
    """For a model that ended the process in TFLM or in the generated code: edgekit must refuse."""
    graph = read_graph(data)
    ops = tuple(op.kind for op in graph.ops)
    try:
        lower_graph(graph)
    except EdgekitError as error:
        return Verdict(BOTH_REFUSE, f"TFLM aborts, {_general(str(error))}", ops)
    return Verdict(ONLY_TFLM_REFUSES, "the process ended; edgekit does not refuse", ops)


def _refused(ours: str, theirs: str) -> str:
    if ours and theirs:
        return BOTH_REFUSE
    return ONLY_AOT_REFUSES if ours else ONLY_TFLM_REFUSES


def _general(reason: str) -> str:
    """A reason without the names in it, so that equal ones can be counted."""
    return re.sub(r"(?<!\w)'[^']*'(?!\w)", "'...'", reason)


def _runnable(data: bytes, sanitize: bool, core: str) -> Runnable:
    target = Target(core=core, optimize="speed")
    if sanitize:
        return SanitizedModel(lower_graph(read_graph(data), target))
    return host_model(data, optimize="-O0", target=target)


def _compare(golden: TflmGolden, host: Runnable, inputs: int, ops: tuple[str, ...]) -> Verdict:
    for position, values in enumerate(random_inputs(golden.graph, inputs)):
        pairs = zip(golden.run(values), host.run(values), strict=True)
        for output, (expected, got) in enumerate(pairs):
            if expected.tobytes() != got.tobytes():
                return Verdict(DIFFERENT, f"output {output} on inputs {position}", ops)
    return Verdict(EQUAL, "", ops)
