# SPDX-License-Identifier: Apache-2.0
"""What a check looks at, what it finds, and what becomes of that."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from edgekit.quantize.observe import Seen
from edgekit.tflite.graph import Graph

PASSED, WARNED, FAILED, ALLOWED, NOT_RUN = "passed", "warned", "failed", "allowed", "not run"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is not as it should be. `wrong` ones fail the check, others are remarks."""

    layer: str
    text: str
    remedy: str
    wrong: bool = True


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """What is known of a quantized model; None for what nobody has looked at.

    `converted` says that edgekit made the file, which `where` names. `seen` holds what each
    activation was on `samples` samples of the calibration set (`generated`: not real), `floats`
    and `integers` the outputs on them as real numbers, float model's and int8 model's. `clipped`
    is the share of an activation's float values outside of its range, where that was measured.
    `lost_zeros` is what counting the zeros of pruned kernels found.
    """

    graph: Graph
    where: str
    converted: bool = True
    seen: Mapping[int, Seen] | None = None
    samples: int = 0
    generated: bool = False
    floats: Sequence[np.ndarray] | None = None
    integers: Sequence[np.ndarray] | None = None
    lost_zeros: tuple[Finding, ...] | None = None
    clipped: Mapping[int, float] | None = None


@dataclass(frozen=True, slots=True)
class Check:
    """`look` gives the findings; `needs` names the field of Evidence without which it cannot."""

    name: str
    title: str
    look: Callable[[Evidence], Iterable[Finding]]
    needs: str = ""


@dataclass(frozen=True, slots=True)
class CheckResult:
    """What came of a check: `status` is passed, warned, failed, allowed or not run.

    `found` holds a line for each finding, the gravest first.
    """

    check: str
    title: str
    status: str
    found: tuple[str, ...] = ()
    layers: tuple[str, ...] = ()
    remedy: str = ""
