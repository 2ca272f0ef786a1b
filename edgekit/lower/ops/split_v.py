# SPDX-License-Identifier: Apache-2.0
"""SPLIT_V of any type, parts of given sizes: kernel ek_split."""

from __future__ import annotations

from edgekit.lower.ops.split import Split


class SplitV(Split):
    """The sizes, operand 1, are those of the outputs' shapes; the axis is operand 2."""

    kind = "SPLIT_V"
    source_at, axis_at = 0, 2
