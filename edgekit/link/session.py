# SPDX-License-Identifier: Apache-2.0
"""Requests and answers: one outstanding, sent again with the same id until it is answered.

A HELLO opens the session under a number that the device chooses; without it the device serves
nothing. So a device that was reset, or that another program talked to, says so and is not asked
to run on inputs that it has forgotten. Ids count up within a session, and what comes late is not
served: docs/link.md has the rules and what they are for.
"""

from __future__ import annotations

import random
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from edgekit.errors import DeviceError, DeviceTimeout
from edgekit.link import messages
from edgekit.link.frame import DELIMITER, PROTOCOL_VERSION, Frame, FrameReader, encode_frame
from edgekit.link.messages import BY_NAME, ERROR, LOG, REPLY, Message
from edgekit.link.pace import Pace
from edgekit.link.transport import Line
from edgekit.wait import Deadline

ATTEMPTS = 3
# A long request (a run) is repeated this seldom in the end: the device may be busy, not deaf.
LONG_TRY_S = 5.0
# The first wait, where no answer of the kind has shown yet how long one takes, and the longest
# between two tries of a short request: parts of the timeout, besides the time on the wire.
FIRST_TRY_PART = 1 / 8
LAST_TRY_PART = 1 / 4
FIRST_LONG_TRY_S = 1.0
# A run that takes so much longer than any before it is not awaited to the end of all time.
LONG_SPARE_S = 10.0
LONG_TIMES = 10.0
# How often a request is sent again because the device said that a frame came damaged.
DAMAGE_LIMIT = 8
# Bits on the wire for a byte: start, eight, stop.
_BITS_PER_BYTE = 10
# Each try is so much longer than the one before, up to the first try's length.
_BACK_OFF = 2.0

REBUILD = "build and flash the firmware with this version of edgekit"
_HINTS = {
    "model_failed": "run the same input on the host (edgekit bench --board native) and compare",
    "model_not_ready": "the arena may be too small for the model: see edgekit inspect",
    "fault": "look the address up: arm-none-eabi-addr2line -e build/firmware.elf ADDRESS",
}


class SessionUnknown(DeviceError):
    """The device answers, but knows nothing of the session: it was reset, or asked by another."""


@dataclass(slots=True)
class LinkStats:
    """What the line did so far. `resent` requests had no answer in time or came damaged;
    `damaged` frames arrived broken here, `refused` there; `late` answers were passed over.
    `taken_up` counts what the device layer did about more than a lost frame.
    """

    sent: int = 0
    answered: int = 0
    resent: int = 0
    damaged: int = 0
    refused: int = 0
    late: int = 0
    taken_up: int = 0


class Session:
    """The protocol on one line. Log texts of the device gather in `logs`."""

    def __init__(self, line: Line, *, timeout_s: float, long_timeout_s: float, baud: int) -> None:
        self.line = line
        self.logs: list[str] = []
        self.stats = LinkStats()
        self.number = 0
        self._nonce = 0
        self._reader = FrameReader()
        self._frames: list[Frame] = []
        self._pace = Pace()
        self._deaf_to_damage = False
        self._timeout_s = timeout_s
        self._long_timeout_s = long_timeout_s
        self._bytes_per_s = baud / _BITS_PER_BYTE
        # a random start, so that an answer left over from another session fits no request
        self._request_id = random.randrange(1, 1 << 16)

    def set_baud(self, baud: int) -> None:
        """The line's rate is another now."""
        self._bytes_per_s = baud / _BITS_PER_BYTE
        self._pace.forget()

    def forget(self) -> None:
        """What was received before is of no use: the line is a new one."""
        self._reader, self._frames = FrameReader(), []

    def open(self, *, total_s: float = 0.0, try_s: float = 0.0) -> dict[str, Any]:
        """HELLO: a new session, and the answer's fields. 0 takes the usual times; with others,
        complaints of damage are passed over: they may be about what came before.
        """
        self.number = 0
        self._nonce = random.randrange(1, 1 << 32)
        # a lone zero closes whatever the line held
        self.line.send(DELIMITER)
        hello, values = BY_NAME["hello"], {"nonce": self._nonce}
        if total_s:
            self._deaf_to_damage = True
            try:
                return self._ask_within(hello, values, total_s=total_s, try_s=try_s, first_s=try_s)
            finally:
                self._deaf_to_damage = False
        return self.ask(hello, values)

    def ask(
        self, message: Message, values: Mapping[str, Any] | None = None, *, long: bool = False
    ) -> dict[str, Any]:
        """The answer's fields. Raises DeviceError (refused), SessionUnknown, DeviceTimeout
        (silence) or PortGone."""
        values = values or {}
        # twice the time that both ways take on the wire
        wire_s = 2 * 2 * messages.MAX_PAYLOAD / self._bytes_per_s
        first_s = wire_s + FIRST_TRY_PART * self._timeout_s
        try_s = wire_s + LAST_TRY_PART * self._timeout_s
        total_s = ATTEMPTS * (self._timeout_s + wire_s)
        if long:
            longest_s = self._pace.longest_s(_kind(message, values))
            first_s, total_s = wire_s + FIRST_LONG_TRY_S, self._long_timeout_s
            try_s = LONG_TRY_S if longest_s is None else min(LONG_TRY_S, try_s + 4 * longest_s)
            if longest_s is not None:
                total_s = min(total_s, LONG_SPARE_S + LONG_TIMES * longest_s)
        return self._ask_within(message, values, total_s=total_s, try_s=try_s, first_s=first_s)

    def _ask_within(
        self,
        message: Message,
        values: Mapping[str, Any],
        *,
        total_s: float,
        try_s: float,
        first_s: float,
    ) -> dict[str, Any]:
        """Like `ask`, giving up after `total_s` and repeating the request at least every
        `try_s`."""
        self._request_id = self._request_id % 0xFFFF + 1
        payload = messages.pack(message.request, values)
        sent = encode_frame(message.number, self._request_id, payload, session=self.number)
        wait = Deadline(total_s, f"answer to '{message.name}' from {self.line.name}")
        kind = _kind(message, values)
        pause_s = self._pace.wait_s(kind, first_s, try_s)
        began, tries, damaged = time.monotonic(), 1, 0
        self.stats.sent += 1
        self.line.send(sent)
        while True:
            reply = self._wait_for(message, wait, pause_s)
            if isinstance(reply, Frame):
                self.stats.answered += 1
                took_s = time.monotonic() - began
                self._pace.note(kind, took_s, tried_again_s=pause_s if tries > 1 else 0.0)
                return messages.unpack(message.reply, reply.payload)
            damaged += reply
            if damaged > DAMAGE_LIMIT:
                raise DeviceError(
                    f"{self.line.name} damages what is sent: '{message.name}' does not get through",
                    hint="use a shorter cable or a lower baud rate, and check the ground wire",
                )
            tries += 1
            pause_s = min(try_s, pause_s * _BACK_OFF)
            self.stats.resent += 1
            # first close what may have been left open, then the same id again
            self.line.send(DELIMITER + sent)

    def _wait_for(self, message: Message, wait: Deadline, try_s: float) -> Frame | int:
        """The answer; else why to send again: 0 after `try_s` of silence, 1 damaged frame."""
        slot = Deadline(min(try_s, wait.left_s()), "answer")
        try:
            for frame in self._received(slot):
                if self._is_answer(frame, message):
                    return frame
                if _is_damage(frame) and not self._deaf_to_damage:
                    self.stats.refused += 1
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
            before = self._reader.damaged
            self._frames += self._reader.feed(self.line.receive())
            self.stats.damaged += self._reader.damaged - before

    def _is_answer(self, frame: Frame, message: Message) -> bool:
        """Keeps logs, raises what the device refuses, passes over what is late."""
        if frame.version != PROTOCOL_VERSION:
            raise other_version(frame.version)
        if frame.kind == LOG.number:
            self.logs.append(messages.unpack(LOG.reply, frame.payload)["text"])
            return False
        ours = frame.request_id == self._request_id
        if frame.kind == ERROR.number:
            self._raise_refusal(frame, ours=ours)
            return False
        opening = message.name == "hello"
        if ours and frame.kind == message.number | REPLY:
            if opening and self._opens(frame):
                return True
            if not opening and frame.session == self.number:
                return True
        self.stats.late += 1
        return False

    def _opens(self, frame: Frame) -> bool:
        """Whether `frame` answers the HELLO that was sent last; its session is then ours."""
        values = messages.unpack(BY_NAME["hello"].reply, frame.payload)
        if values["nonce"] != self._nonce:
            return False
        self.number = frame.session
        return True

    def _raise_refusal(self, frame: Frame, *, ours: bool) -> None:
        """Raises what an ERROR frame says, where it is about our request or about the device."""
        error = messages.unpack(ERROR.reply, frame.payload)
        name = messages.ERRORS.get(error["code"], ("",))[0]
        about_us = ours and frame.session == self.number
        if name == "no_session" and about_us:
            raise SessionUnknown(
                f"the device at {self.line.name} knows nothing of this session: it was reset, or"
                " another program talks to it",
                hint="let one program at a time use the board",
            )
        if name == "version" and error["detail"] != PROTOCOL_VERSION:
            raise other_version(error["detail"])
        if name == "fault" or (about_us and name != "no_session"):
            words = messages.error_words(error["code"], error["detail"], error["text"])
            raise DeviceError(f"the device answered: {words}", hint=_HINTS.get(name, REBUILD))


def _kind(message: Message, values: Mapping[str, Any]) -> tuple[Any, ...]:
    """Requests that take about as long: of one name and about one size."""
    size = len(values.get("data", b"")) + int(values.get("length", 0))
    return message.name, size >> 6, values.get("first"), values.get("last")


def _is_damage(frame: Frame) -> bool:
    if frame.kind != ERROR.number or frame.request_id != 0:
        return False
    error = messages.unpack(ERROR.reply, frame.payload)
    return messages.ERRORS.get(error["code"], ("",))[0] == "bad_frame"


def other_version(version: int) -> DeviceError:
    """The error for a device that speaks protocol `version`."""
    return DeviceError(
        f"the firmware speaks protocol version {version}, this edgekit {PROTOCOL_VERSION}",
        hint=REBUILD,
    )
