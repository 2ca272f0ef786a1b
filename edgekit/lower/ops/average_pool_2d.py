# SPDX-License-Identifier: Apache-2.0
"""AVERAGE_POOL_2D on int8: kernel ek_average_pool_2d."""

from __future__ import annotations

from edgekit.lower.pool import Pool


class AveragePool2D(Pool):
    kind = "AVERAGE_POOL_2D"
    kernel = "average_pool_2d"
