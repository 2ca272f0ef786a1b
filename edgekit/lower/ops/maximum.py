# SPDX-License-Identifier: Apache-2.0
"""MAXIMUM of two int8 tensors, with broadcasting: kernel ek_maximum. TFLM compares raw integers."""

from __future__ import annotations

from edgekit.lower.binary import Binary


class Maximum(Binary):
    kind = "MAXIMUM"
    kernel = "maximum"
