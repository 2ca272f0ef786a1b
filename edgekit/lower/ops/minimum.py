# SPDX-License-Identifier: Apache-2.0
"""MINIMUM of two int8 tensors, with broadcasting: kernel ek_minimum. TFLM compares raw integers."""

from __future__ import annotations

from edgekit.lower.binary import Binary


class Minimum(Binary):
    kind = "MINIMUM"
    kernel = "minimum"
