# SPDX-License-Identifier: Apache-2.0
"""What all encodings have in common: two byte strings, and the 16 bytes that head the second.

Format: kernels/decode_state.h of tflite-micro (2026-08): byte 0 the type, byte 1 version 1,
bytes 4 to 15 the type's own, of which byte 4 is a version again.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgekit.tflite.graph import Tensor

HEADER_BYTES = 16
LUT, PRUNE = 0, 2
_VERSION = 1


@dataclass(frozen=True, slots=True)
class Encoding:
    """A constant tensor for DECODE: `stored` bits of every element, `ancillary` header and values.

    `mode` is "prune" or "lut", `bits` how many bits an element takes in `stored`.
    """

    mode: str
    bits: int
    stored: bytes
    ancillary: bytes

    @property
    def bytes(self) -> int:
        return len(self.stored) + len(self.ancillary)


def header(kind: int, *own: int) -> bytes:
    """The first 16 bytes of an ancillary tensor; `own` are the type's bytes from number 5."""
    return bytes([kind, _VERSION, 0, 0, _VERSION, *own]).ljust(HEADER_BYTES, b"\0")


def values_of(tensor: Tensor) -> np.ndarray:
    """The values of a constant in memory order, [elements]."""
    if tensor.data is None:
        raise ValueError(f"tensor '{tensor.name}' is no constant")
    return np.ascontiguousarray(tensor.data).ravel()
