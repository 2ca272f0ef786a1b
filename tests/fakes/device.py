# SPDX-License-Identifier: Apache-2.0
"""A device on the far end of a pty that speaks the real protocol, and errs as it is told.

`plan` names what happens to each answer in turn; after its end every answer is good:
"good", "silence" (no answer), "half" (the first half of the frame), "noise" (garbage first),
"bad_crc", "twice", "slow" (after `slow_s`), "vanish" (the port goes away), "damaged" (says that
the request came damaged), "log" (words first), "stale" (another request's answer first),
"other_version".
"""

from __future__ import annotations

import os
import select
import threading
import time
from types import TracebackType

import serial

from edgekit.link import messages
from edgekit.link.frame import PROTOCOL_VERSION, Frame, FrameReader, encode_frame
from edgekit.link.messages import BY_NAME, ERROR, LOG, REPLY, Message

INPUT_BYTES = 3000
SESSION = 0x1234ABCD
HELLO = {
    "boot_id": 7,
    "max_baud": 115200,
    "protocol_version": PROTOCOL_VERSION,
    "max_payload": 200,
    "counter_hz": 1000,
    "counter_overhead_ticks": 1,
    "model_status": 0,
    "input_count": 1,
    "output_count": 1,
    "op_count": 60,
    "flags": 3,
    "arena_bytes": INPUT_BYTES,
    "build_id": "fake",
    "board": "fake-board",
    "counter": "fake-counter",
    "model_name": "fake",
    "runtime": "aot",
    "model_sha256": "ab" * 32,
    "runtime_version": "",
    "kernels": "",
}
TENSOR = {
    "dtype": 9,
    "rank": 2,
    "dims": (1, INPUT_BYTES, 0, 0, 0, 0),
    "scale": 0.5,
    "zero_point": -3,
    "bytes": INPUT_BYTES,
    "name": "Grüße",
}
NOISE = b"\x07boot: \xff\xfe\n" * 3


def _reply_frame(kind: int, request_id: int, payload: bytes) -> bytes:
    return encode_frame(kind | REPLY, request_id, payload, session=SESSION)


class FakeDevice:
    """`with FakeDevice(plan) as fake:` then talk to `fake.port`. `served` lists request names."""

    def __init__(self, plan: tuple[str, ...] = (), *, slow_s: float = 0.3, **hello: object) -> None:
        self.plan = list(plan)
        self.served: list[str] = []
        self.memory = bytearray(INPUT_BYTES)
        self._hello = {**HELLO, **hello}
        self._slow_s = slow_s
        self._last: tuple[int, bytes] = (0, b"")
        self._master, slave = os.openpty()
        self.path = os.ttyname(slave)
        self.port = serial.Serial(self.path, timeout=0.02, write_timeout=2, exclusive=True)
        os.close(slave)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self) -> FakeDevice:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop.set()
        self._thread.join(timeout=5)
        self.port.close()
        self._vanish()

    def _vanish(self) -> None:
        if self._master >= 0:
            os.close(self._master)
            self._master = -1

    def _serve(self) -> None:
        reader = FrameReader()
        while not self._stop.is_set() and self._master >= 0:
            if not select.select([self._master], [], [], 0.02)[0]:
                continue
            for frame in reader.feed(os.read(self._master, 4096)):
                self._answer(frame)
                if self._master < 0:
                    return

    def _answer(self, frame: Frame) -> None:
        kind, request_id = frame.kind, frame.request_id
        if self._last[0] != request_id:
            self._last = request_id, self._frame(kind, request_id, frame.payload)
        good = self._last[1]
        fault = self.plan.pop(0) if self.plan else "good"
        if fault == "slow":
            time.sleep(self._slow_s)
        if fault == "vanish":
            self._vanish()
        else:
            os.write(self._master, self._spoiled(fault, good, kind, request_id))

    def _spoiled(self, fault: str, good: bytes, kind: int, request_id: int) -> bytes:
        damaged = {"code": 1, "detail": 0, "text": ""}
        flipped = bytes([good[0], good[1] ^ 0x10 or 0x20]) + good[2:]
        return {
            "silence": b"",
            "half": good[: len(good) // 2],
            "noise": NOISE + b"\0" + good,
            "bad_crc": flipped,
            "twice": good + good,
            "damaged": encode_frame(ERROR.number, 0, messages.pack(ERROR.reply, damaged)),
            "log": encode_frame(LOG.number, 0, messages.pack(LOG.reply, {"text": "warm"})) + good,
            "stale": _reply_frame(kind, request_id ^ 0x55, b"other") + good,
            "other_version": encode_frame(kind | REPLY, request_id, b"", version=9),
        }.get(fault, good)

    def _frame(self, kind: int, request_id: int, payload: bytes) -> bytes:
        """The right answer; every request is served once, whatever becomes of its answer."""
        message = next(m for m in BY_NAME.values() if m.number == kind)
        self.served.append(message.name)
        values = messages.unpack(message.request, payload)
        try:
            return _reply_frame(kind, request_id, self._reply(message, values))
        except IndexError:
            error = {"code": 6, "detail": INPUT_BYTES, "text": ""}
            payload = messages.pack(ERROR.reply, error)
            return encode_frame(ERROR.number, request_id, payload, session=SESSION)

    def _reply(self, message: Message, values: dict) -> bytes:  # type: ignore[type-arg]
        answers: dict[str, dict[str, object]] = {
            "hello": {**self._hello, "nonce": values.get("nonce")},
            "tensor": TENSOR,
            "run": {"ticks": 1 << 40},
            "memory": {
                "arena_bytes": 4,
                "arena_used_bytes": 1,
                "stack_used_bytes": 2,
                "stack_reserved_bytes": 3,
            },
        }
        if message.name == "load":
            end = values["offset"] + len(values["data"])
            if end > INPUT_BYTES:
                raise IndexError
            self.memory[values["offset"] : end] = values["data"]
        if message.name == "read":
            part = self.memory[values["offset"] : values["offset"] + values["length"]]
            return bytes(part)
        if message.name == "profile":
            ops = range(values["first"], values["last"] + 1)
            return b"".join(op.to_bytes(4, "little") for op in ops)
        return messages.pack(message.reply, answers.get(message.name, {}))
