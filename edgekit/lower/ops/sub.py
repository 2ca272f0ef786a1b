# SPDX-License-Identifier: Apache-2.0
"""SUB on int8, with broadcasting: kernel ek_sub."""

from __future__ import annotations

from edgekit.lower.sums import Sum


class Sub(Sum):
    kind = "SUB"
    kernel = "sub"
