# SPDX-License-Identifier: Apache-2.0
"""What doctor says of one thing."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked for. `detail` is its version, or what is wrong with it."""

    name: str
    kind: str
    ok: bool
    needed: bool
    detail: str
    install: str
