# SPDX-License-Identifier: Apache-2.0
"""REDUCE_MAX on int8: kernel ek_reduce_max."""

from __future__ import annotations

from edgekit.lower.extreme import Extreme


class ReduceMax(Extreme):
    kind = "REDUCE_MAX"
    kernel = "reduce_max"
