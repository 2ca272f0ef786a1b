# SPDX-License-Identifier: Apache-2.0
"""ADD on int8, with broadcasting: kernel ek_add."""

from __future__ import annotations

from edgekit.lower.sums import Sum


class Add(Sum):
    kind = "ADD"
    kernel = "add"
