# SPDX-License-Identifier: Apache-2.0
"""MAX_POOL_2D on int8: kernel ek_max_pool_2d."""

from __future__ import annotations

from edgekit.lower.pool import Pool


class MaxPool2D(Pool):
    kind = "MAX_POOL_2D"
    kernel = "max_pool_2d"
