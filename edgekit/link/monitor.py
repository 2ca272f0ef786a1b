# SPDX-License-Identifier: Apache-2.0
"""What a line carries, for a person: frames told from plain text, both in the order they came.

A frame ends with a zero byte and its CRC fits; what ends with a line feed, or stops for a moment,
and is printable is text. Anything else is shown as its bytes: another baud rate looks like that.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from edgekit.link.frame import Frame, decode_frame
from edgekit.link.messages import ERROR, LOG, MESSAGES, REPLY, error_words, unpack

# More without any end is shown as it is.
LONGEST_BYTES = 1 << 15
_NAMES = {message.number: message.name for message in MESSAGES}


@dataclass(frozen=True, slots=True)
class Said:
    """`kind` is "log", "error", "frame", "text" or "noise"."""

    kind: str
    text: str


class Listener:
    """Takes bytes as they come; gives what they mean."""

    def __init__(self) -> None:
        self._held = bytearray()
        self._silent = 0

    def feed(self, chunk: bytes) -> Iterator[Said]:
        """What `chunk` completes."""
        self._silent = 0
        for byte in chunk:
            if byte == 0:
                yield from self._close_frame()
                continue
            self._held.append(byte)
            if (byte == ord("\n") and _is_text(self._held)) or len(self._held) > LONGEST_BYTES:
                yield from self.end()

    def quiet(self) -> Iterator[Said]:
        """Nothing came for a moment: text without a line feed, such as a prompt, is whole."""
        self._silent += 1
        if self._silent > 1 and self._held and _is_text(self._held):
            yield from self.end()

    def end(self) -> Iterator[Said]:
        """What is left, as text or as bytes."""
        held, self._held = bytes(self._held), bytearray()
        if held:
            yield _plain(held)

    def _close_frame(self) -> Iterator[Said]:
        held, self._held = bytes(self._held), bytearray()
        if not held:
            return
        # text may stand before the frame: the frame is the shortest tail whose CRC fits
        for start in (0, *(i + 1 for i, byte in enumerate(held) if byte == ord("\n"))):
            frame = decode_frame(held[start:])
            if frame is not None:
                yield from (_plain(part) for part in held[:start].splitlines(keepends=True))
                yield _said(frame)
                return
        yield _plain(held)


def _is_text(data: bytes | bytearray) -> bool:
    return all(byte in b"\r\n\t\x1b" or 32 <= byte < 127 or byte >= 128 for byte in data) and (
        _decodes(bytes(data))
    )


def _decodes(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def _plain(data: bytes) -> Said:
    if _is_text(data):
        return Said("text", data.decode().rstrip("\r\n"))
    return Said("noise", data.hex(" "))


def _said(frame: Frame) -> Said:
    if frame.kind == LOG.number:
        return Said("log", str(unpack(LOG.reply, frame.payload)["text"]))
    if frame.kind == ERROR.number:
        values = unpack(ERROR.reply, frame.payload)
        return Said("error", error_words(values["code"], values["detail"], values["text"]))
    number = frame.kind & ~REPLY
    name = _NAMES.get(number, f"message {number}")
    way = "answer" if frame.kind & REPLY else "request"
    return Said("frame", f"{name}, {way} {frame.request_id}, {len(frame.payload)} bytes")
