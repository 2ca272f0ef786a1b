# SPDX-License-Identifier: Apache-2.0
"""sparsity: the zeros of a pruned model are all in the file."""

from __future__ import annotations

from collections.abc import Iterable

from edgekit.quantize.checks.finding import Check, Evidence, Finding


def _look(evidence: Evidence) -> Iterable[Finding]:
    return evidence.lost_zeros or ()


SPARSITY = Check("sparsity", "no zero of a pruned kernel lost", _look, needs="lost_zeros")
