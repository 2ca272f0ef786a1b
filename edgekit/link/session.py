# SPDX-License-Identifier: Apache-2.0
"""Requests and answers: one outstanding, sent again with the same id until it is answered."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from typing import Any

from edgekit.errors import DeviceError, DeviceTimeout
from edgekit.link import messages
from edgekit.link.frame import DELIMITER, PROTOCOL_VERSION, Frame, FrameReader, encode_frame
from edgekit.link.messages import ERROR, LOG, REPLY, Message
from edgekit.link.transport import Line
from edgekit.wait import Deadline

ATTEMPTS = 3
# A long request (a run) is repeated this seldom: the device may be busy, not deaf.
LONG_TRY_S = 5.0
# How often a request is sent again because the device said that a frame came damaged.
DAMAGE_LIMIT = 8
# Bits on the wire for a byte: start, eight, stop.
_BITS_PER_BYTE = 10

REBUILD = "build and flash the firmware with this version of edgekit"
_HINTS = {
    "model_failed": "run the same input on the host (edgekit bench --board native) and compare",
    "model_not_ready": "the arena may be too small for the model: see edgekit inspect",
    "fault": "look the address up: arm-none-eabi-addr2line -e build/firmware.elf ADDRESS",
}


class Session:
    """The protocol on one line. Log texts of the device gather in `logs`."""

    def __init__(self, line: Line, *, timeout_s: float, long_timeout_s: float, baud: int) -> None:
        self.line = line
        self.logs: list[str] = []
        self._reader = FrameReader()
        self._frames: list[Frame] = []
        self._timeout_s = timeout_s
        self._long_timeout_s = long_timeout_s
        self._bytes_per_s = baud / _BITS_PER_BYTE
        # a random start, so that an answer left over from another session fits no request
        self._request_id = random.randrange(1, 1 << 16)

    def ask(
        self, message: Message, values: Mapping[str, Any] | None = None, *, long: bool = False
    ) -> dict[str, Any]:
        """The answer's fields. Raises DeviceError (refused) or DeviceTimeout (silence)."""
        # twice the time that both ways take on the wire
        wire_s = 2 * 2 * messages.MAX_PAYLOAD / self._bytes_per_s
        try_s = max(self._timeout_s + wire_s, LONG_TRY_S if long else 0.0)
        total_s = self._long_timeout_s if long else ATTEMPTS * try_s
        return self.ask_within(message, values or {}, total_s=total_s, try_s=try_s)

    def ask_within(
        self, message: Message, values: Mapping[str, Any], *, total_s: float, try_s: float
    ) -> dict[str, Any]:
        """Like `ask`, giving up after `total_s` and repeating the request every `try_s`."""
        self._request_id = self._request_id % 0xFFFF + 1
        payload = messages.pack(message.request, values)
        sent = encode_frame(message.number, self._request_id, payload)
        wait = Deadline(total_s, f"answer to '{message.name}' from {self.line.name}")
        damaged = 0
        self.line.send(sent)
        while True:
            reply = self._wait_for(message, wait, try_s)
            if isinstance(reply, Frame):
                return messages.unpack(message.reply, reply.payload)
            damaged += reply
            if damaged > DAMAGE_LIMIT:
                raise DeviceError(
                    f"{self.line.name} damages what is sent: '{message.name}' does not get through",
                    hint="use a shorter cable or a lower baud rate, and check the ground wire",
                )
            # first close what may have been left open, then the same id again
            self.line.send(DELIMITER + sent)

    def _wait_for(self, message: Message, wait: Deadline, try_s: float) -> Frame | int:
        """The answer; else why to send again: 0 after `try_s` of silence, 1 damaged frame."""
        slot = Deadline(min(try_s, wait.left_s()), "answer")
        try:
            for frame in self._received(slot):
                if self._is_answer(frame, message):
                    return frame
                if _is_damage(frame):
                    return 1
        except DeviceTimeout:
            wait.left_s()
        return 0

    def _received(self, wait: Deadline) -> Iterator[Frame]:
        """Frames in order until `wait` runs out; what is left unread stays for the next call."""
        while True:
            while self._frames:
                yield self._frames.pop(0)
            wait.left_s()
            self._frames += self._reader.feed(self.line.receive())

    def _is_answer(self, frame: Frame, message: Message) -> bool:
        """Keeps logs, raises what the device refuses, passes over what is stale."""
        ours = frame.request_id == self._request_id
        if frame.kind == ERROR.number:
            if ours or (frame.request_id == 0 and not _is_damage(frame)):
                raise _refusal(frame)
            return False
        if frame.version != PROTOCOL_VERSION:
            raise other_version(frame.version)
        if frame.kind == LOG.number:
            self.logs.append(messages.unpack(LOG.reply, frame.payload)["text"])
        return ours and frame.kind == message.number | REPLY


def _is_damage(frame: Frame) -> bool:
    if frame.kind != ERROR.number or frame.request_id != 0:
        return False
    error = messages.unpack(ERROR.reply, frame.payload)
    return messages.ERRORS.get(error["code"], ("",))[0] == "bad_frame"


def _refusal(frame: Frame) -> DeviceError:
    error = messages.unpack(ERROR.reply, frame.payload)
    name = messages.ERRORS.get(error["code"], ("",))[0]
    if name == "version":
        return other_version(error["detail"])
    words = messages.error_words(error["code"], error["detail"], error["text"])
    return DeviceError(f"the device answered: {words}", hint=_HINTS.get(name, REBUILD))


def other_version(version: int) -> DeviceError:
    """The error for a device that speaks protocol `version`."""
    return DeviceError(
        f"the firmware speaks protocol version {version}, this edgekit {PROTOCOL_VERSION}",
        hint=REBUILD,
    )
