# SPDX-License-Identifier: Apache-2.0
"""Frames on the wire: COBS( version u8, kind u8, 00, request id u16 LE, session u32 LE, payload,
CRC-32 LE ) + 00.

CRC-32 is zlib's (reflected 0xEDB88320). COBS is Cheshire and Baker's consistent overhead byte
stuffing: a zero byte never occurs inside a frame, so a zero always ends one and a reader that
lost its place finds it again at the next zero. The zero in the header makes every frame begin
with the same byte, 03, which no text has: a line that also carries text is told from it by that.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

PROTOCOL_VERSION = 3
DELIMITER = b"\0"
FIRST_BYTE = 3
_HEADER = struct.Struct("<BBxHI")
_CRC = struct.Struct("<I")
# Of versions 1 and 2: such a frame is whole, and says by its first byte what it is.
_OLDEST_HEADER_BYTES = 4
_LONGEST_RUN = 254


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame whose CRC was right. `version` may still be another protocol's."""

    version: int
    kind: int
    request_id: int
    payload: bytes
    session: int = 0


def cobs_encode(data: bytes) -> bytes:
    """`data` without its zero bytes; at most one byte longer for each 254."""
    out = bytearray()
    blocks = data.split(b"\0")
    for number, block in enumerate(blocks):
        last = number == len(blocks) - 1
        while len(block) > _LONGEST_RUN or (len(block) == _LONGEST_RUN and not last):
            out.append(_LONGEST_RUN + 1)
            out += block[:_LONGEST_RUN]
            block = block[_LONGEST_RUN:]
        # a full run that ends the data needs no closing block: code 255 implies no zero
        out.append(len(block) + 1)
        out += block
    return bytes(out)


def cobs_decode(data: bytes) -> bytes | None:
    """The bytes that `cobs_encode` was given; None where `data` is no valid encoding."""
    out = bytearray()
    at = 0
    while at < len(data):
        code = data[at]
        block = data[at + 1 : at + code]
        if code == 0 or len(block) != code - 1 or 0 in block:
            return None
        out += block
        at += code
        if code <= _LONGEST_RUN and at < len(data):
            out.append(0)
    return bytes(out)


def encode_frame(
    kind: int,
    request_id: int,
    payload: bytes = b"",
    *,
    session: int = 0,
    version: int = PROTOCOL_VERSION,
) -> bytes:
    """The bytes to send, with the closing zero. `request_id` 0 means: belongs to no request."""
    body = _HEADER.pack(version, kind, request_id, session) + payload
    return cobs_encode(body + _CRC.pack(zlib.crc32(body))) + DELIMITER


def decode_frame(encoded: bytes) -> Frame | None:
    """The frame in `encoded` (without the closing zero); None where it is damaged.

    Of another protocol version's frame nothing but `version` and `kind` can be relied on.
    """
    raw = cobs_decode(encoded)
    if raw is None or len(raw) < _OLDEST_HEADER_BYTES + _CRC.size:
        return None
    body, (crc,) = raw[: -_CRC.size], _CRC.unpack(raw[-_CRC.size :])
    if zlib.crc32(body) != crc:
        return None
    if body[0] != PROTOCOL_VERSION:
        return Frame(body[0], body[1], 0, body[_OLDEST_HEADER_BYTES:])
    if len(body) < _HEADER.size:
        return None
    version, kind, request_id, session = _HEADER.unpack_from(body)
    return Frame(version, kind, request_id, body[_HEADER.size :], session)


class FrameReader:
    """Frames out of a byte stream cut anywhere. Counts what was thrown away in `damaged`.

    `limit_bytes` bounds what is kept while no zero arrives, so noise cannot fill the memory.
    """

    def __init__(self, limit_bytes: int = 1 << 17) -> None:
        self._pending = bytearray()
        self._limit_bytes = limit_bytes
        self.damaged = 0

    def feed(self, chunk: bytes) -> Iterator[Frame]:
        """Every whole frame that `chunk` completes, in order; damaged ones are skipped."""
        self._pending += chunk
        *whole, rest = self._pending.split(DELIMITER)
        self._pending = bytearray(rest[-self._limit_bytes :])
        for encoded in whole:
            if not encoded:
                continue
            frame = decode_frame(bytes(encoded))
            if frame is None:
                self.damaged += 1
            else:
                yield frame
