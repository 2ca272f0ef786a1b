# SPDX-License-Identifier: Apache-2.0
"""Checks of a quantized model: did the converter write what it should have?

A check is one file with a `Check`, listed here. `run_checks` runs those for which there is
evidence; `refuse_failed` makes an error of a failed one, unless the user allows it by name.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence

from edgekit.errors import EdgekitError
from edgekit.quantize.checks.agreement import AGREEMENT
from edgekit.quantize.checks.bias_scale import BIAS_SCALE, check_bias_scales
from edgekit.quantize.checks.dead_channels import DEAD_CHANNELS
from edgekit.quantize.checks.equal_scales import EQUAL_SCALES
from edgekit.quantize.checks.finding import (
    ALLOWED,
    FAILED,
    NOT_RUN,
    PASSED,
    WARNED,
    Check,
    CheckResult,
    Evidence,
    Finding,
)
from edgekit.quantize.checks.float_ops import FLOAT_OPS, check_closed, check_full_integer
from edgekit.quantize.checks.ranges import RANGES
from edgekit.quantize.checks.saturation import SATURATION
from edgekit.quantize.checks.sparsity import SPARSITY
from edgekit.quantize.checks.zero_points import ZERO_POINTS

__all__ = [
    "CHECKS",
    "Check",
    "CheckResult",
    "Evidence",
    "Finding",
    "check_allowed",
    "check_bias_scales",
    "check_closed",
    "check_full_integer",
    "refuse_failed",
    "remarks",
    "run_checks",
]
CHECKS: dict[str, Check] = {
    check.name: check
    for check in (
        FLOAT_OPS,
        BIAS_SCALE,
        EQUAL_SCALES,
        ZERO_POINTS,
        DEAD_CHANNELS,
        SPARSITY,
        SATURATION,
        RANGES,
        AGREEMENT,
    )
}
SHOWN = 4  # findings of one check that a record keeps


def check_allowed(allow: Iterable[str]) -> None:
    """EdgekitError for a name in `allow` that no check has."""
    for name in allow:
        if name not in CHECKS:
            near = difflib.get_close_matches(name, CHECKS, n=1)
            raise EdgekitError(
                f"there is no check '{name}' to allow" + (f"; '{near[0]}'?" if near else ""),
                hint=f"checks are {', '.join(CHECKS)}",
            )


def run_checks(
    evidence: Evidence, allow: Iterable[str] = (), *, only: Iterable[str] = ()
) -> tuple[CheckResult, ...]:
    """Every check (or `only` those named) on `evidence`, in the order of CHECKS."""
    names = tuple(only) or tuple(CHECKS)
    allowed = frozenset(allow)
    return tuple(_result(check, evidence, allowed) for n, check in CHECKS.items() if n in names)


def _result(check: Check, evidence: Evidence, allowed: frozenset[str]) -> CheckResult:
    if check.needs and getattr(evidence, check.needs) is None:
        return CheckResult(check.name, check.title, NOT_RUN)
    found = sorted(check.look(evidence), key=lambda finding: not finding.wrong)
    status = PASSED
    if found:
        status = (ALLOWED if check.name in allowed else FAILED) if found[0].wrong else WARNED
    texts = tuple(finding.text for finding in found[:SHOWN])
    if len(found) > SHOWN:
        texts = (*texts, f"and {len(found) - SHOWN} more")
    layers = tuple(dict.fromkeys(finding.layer for finding in found))
    remedy = found[0].remedy if found else ""
    return CheckResult(check.name, check.title, status, texts, layers, remedy)


def refuse_failed(results: Sequence[CheckResult]) -> None:
    """EdgekitError naming layer and remedy for the first check that failed."""
    failed = [result for result in results if result.status == FAILED]
    if not failed:
        return
    first = failed[0]
    others = [result.check for result in failed[1:]]
    more = f" (also failed: {', '.join(others)})" if others else ""
    raise EdgekitError(
        f"{first.found[0]}{more}",
        hint=f"{first.remedy}; --allow {first.check} converts all the same",
    )


def remarks(results: Sequence[CheckResult]) -> tuple[str, ...]:
    """A line for each finding that was no error, or was allowed."""
    lines = []
    for result in results:
        if result.status in (WARNED, ALLOWED):
            lead = f"allowed ({result.check}): " if result.status == ALLOWED else ""
            lines += [f"{lead}{text}" for text in result.found]
    return tuple(lines)
