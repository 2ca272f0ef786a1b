# SPDX-License-Identifier: Apache-2.0
"""DECODE's prune mode: one bit an element says whether its value is stored.

Where the bit is 0 the kernel puts the zero point of the element's channel
(decode_state_prune.cc of tflite-micro), so only what differs from it is kept.
"""

from __future__ import annotations

import numpy as np

from edgekit.quantize.compress.encoding import PRUNE, Encoding, header, values_of
from edgekit.tflite.graph import Tensor


def mask_encoding(tensor: Tensor) -> Encoding | None:
    """Bit mask and non-zero values of a constant; None where the kernel has no such form.

    For int16 and int32 the kernel asks for zero points of 0.
    """
    values = values_of(tensor)
    zero_points = np.array(tensor.quant.zero_points if tensor.quant else (0,))
    if tensor.dtype != "int8" and zero_points.any():
        return None
    mask = values != zero_points[tensor.channels()]
    stored = np.packbits(mask).tobytes()
    return Encoding("prune", 1, stored, header(PRUNE) + values[mask].tobytes())
