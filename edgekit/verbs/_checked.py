# SPDX-License-Identifier: Apache-2.0
"""The checks of a quantized model as `convert` runs them, with what TFLM's interpreter shows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from edgekit.quantize.checks import CheckResult, Evidence, refuse_failed, run_checks

if TYPE_CHECKING:
    from edgekit.quantize.observe import Watcher
    from edgekit.tflite.graph import Graph


def checked(evidence: Evidence, allow: Sequence[str]) -> tuple[CheckResult, ...]:
    """All checks for which there is evidence; EdgekitError for one that failed unallowed."""
    results = run_checks(evidence, allow)
    refuse_failed(results)
    return results


def allow_words(allow: Sequence[str]) -> list[str]:
    """`--allow` for each name, as on the command line."""
    return [word for name in allow for word in ("--allow", name)]


def watched_outputs(
    tflite: bytes,
    graph: Graph,
    golden: object,
    x: Sequence[np.ndarray],
    each: Callable[[], None],
) -> tuple[list[np.ndarray], Watcher | None]:
    """Real outputs for the samples `x`, and what every activation was on them.

    TFLite Micro's interpreter alone shows activations; without it there is None, and `golden`
    gives the outputs.
    """
    from edgekit.quantize.agree import real_outputs
    from edgekit.quantize.observe import Watcher
    from edgekit.tflite.golden import TflmGolden

    if not isinstance(golden, TflmGolden):
        return real_outputs(golden, graph, x, each), None  # type: ignore[arg-type]
    open_golden = TflmGolden(tflite, preserve=True, graph=graph)
    watcher = Watcher(graph, open_golden.tensor)

    def look() -> None:
        watcher.look()
        each()

    return real_outputs(open_golden, graph, x, look), watcher


def full_evidence(
    evidence: Evidence,
    graph: Graph,
    floats: Sequence[np.ndarray],
    integers: Sequence[np.ndarray],
    watcher: Watcher | None,
) -> Evidence:
    """`evidence` with what running `graph` has shown."""
    return replace(
        evidence,
        graph=graph,
        seen=watcher.seen() if watcher else None,
        samples=len(floats[0]),
        floats=floats,
        integers=integers,
    )
