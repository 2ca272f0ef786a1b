# SPDX-License-Identifier: Apache-2.0
"""DECODE's look-up-table mode: each element is an index into a table of the values that occur.

The kernel (decode_state_lut.cc of tflite-micro) takes indices of 1 to 7 bits and, for a tensor
quantized per channel, one table per channel, `stride` values apart. A stride of 0 makes all
channels share the first table.
"""

from __future__ import annotations

import numpy as np

from edgekit.quantize.compress.encoding import LUT, Encoding, header, values_of
from edgekit.tflite.graph import Tensor

MAX_BITS = 7


def table_encoding(tensor: Tensor) -> Encoding | None:
    """The smaller of one table for all and one per channel; None for too many values."""
    values, channels = values_of(tensor), tensor.channels()
    forms = [_encoding(values, np.zeros_like(channels), stride=0)]
    if channels.any():
        forms.append(_encoding(values, channels, stride=None))
    found = [form for form in forms if form is not None]
    return min(found, key=lambda form: form.bytes, default=None)


def _encoding(values: np.ndarray, channels: np.ndarray, stride: int | None) -> Encoding | None:
    """Tables of the channels one after the other; `stride` None takes that of the longest."""
    count = int(channels.max(initial=0)) + 1
    distinct = [np.unique(values[channels == channel]) for channel in range(count)]
    length = max(len(table) for table in distinct)
    bits = max(1, (length - 1).bit_length())
    if bits > MAX_BITS:
        return None
    tables = np.zeros((count, length), values.dtype)
    indices = np.zeros(len(values), np.int64)
    for channel, table in enumerate(distinct):
        tables[channel, : len(table)] = table
        here = channels == channel
        indices[here] = np.searchsorted(table, values[here])
    head = header(LUT, bits, length if stride is None else stride)
    return Encoding("lut", bits, _packed(indices, bits), head + tables.tobytes())


def _packed(indices: np.ndarray, bits: int) -> bytes:
    """Indices one after the other, the most significant bit of each first."""
    shifts = np.arange(bits)[::-1]
    return np.packbits((indices[:, None] >> shifts & 1).astype(np.uint8).ravel()).tobytes()
