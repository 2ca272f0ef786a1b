# SPDX-License-Identifier: Apache-2.0
"""REDUCE_MIN on int8: kernel ek_reduce_min."""

from __future__ import annotations

from edgekit.lower.extreme import Extreme


class ReduceMin(Extreme):
    kind = "REDUCE_MIN"
    kernel = "reduce_min"
