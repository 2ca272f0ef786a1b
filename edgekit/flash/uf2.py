# SPDX-License-Identifier: Apache-2.0
"""UF2 files: firmware in blocks of 512 bytes, each of which says where it goes and for which chip.

Format: microsoft/uf2 README, "File format". A bootloader passes over blocks of other families.
"""

from __future__ import annotations

import struct

from edgekit.errors import EdgekitError

BLOCK_BYTES = 512
PAYLOAD_BYTES = 256
FIRST_MAGIC, SECOND_MAGIC, LAST_MAGIC = 0x0A324655, 0x9E5D5157, 0x0AB16F30
HAS_FAMILY = 0x2000
_HEADER = struct.Struct("<8I")


def uf2_image(binary: bytes, address: int, family: int) -> bytes:
    """`binary`, which lies at `address`, as a UF2 file for chips of `family`.

    The last block is filled up with zeros. Raises EdgekitError where there is nothing to write or
    `address` is not a multiple of a block's 256 bytes.
    """
    if not binary or address % PAYLOAD_BYTES:
        raise EdgekitError(
            f"an image of {len(binary)} bytes at {address:#x} cannot be a UF2 file",
            hint=f"its address has to be a multiple of {PAYLOAD_BYTES}",
        )
    count = -(-len(binary) // PAYLOAD_BYTES)
    return b"".join(_block(binary, address, family, number, count) for number in range(count))


def _block(binary: bytes, address: int, family: int, number: int, count: int) -> bytes:
    start = number * PAYLOAD_BYTES
    payload = binary[start : start + PAYLOAD_BYTES].ljust(PAYLOAD_BYTES, b"\0")
    header = _HEADER.pack(
        FIRST_MAGIC,
        SECOND_MAGIC,
        HAS_FAMILY,
        address + start,
        PAYLOAD_BYTES,
        number,
        count,
        family,
    )
    body = (header + payload).ljust(BLOCK_BYTES - 4, b"\0")
    return body + LAST_MAGIC.to_bytes(4, "little")
