# SPDX-License-Identifier: Apache-2.0
"""BATCH_TO_SPACE_ND: kernel ek_space_batch."""

from __future__ import annotations

from edgekit.lower.ops.space_to_batch_nd import SpaceToBatchND


class BatchToSpaceND(SpaceToBatchND):
    """SPACE_TO_BATCH_ND backwards; crops take the place of pads."""

    kind = "BATCH_TO_SPACE_ND"
    to_batch = False
