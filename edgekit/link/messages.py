# SPDX-License-Identifier: Apache-2.0
"""The one table of messages: Python packs by it, the firmware's ek_messages.h is made of it.

Every payload is little-endian and unpadded. A text is one length byte and that many bytes of
UTF-8 (at most MAX_TEXT); `rest` is whatever remains of the payload. A reply has the kind of its
request with REPLY set. What a session, a nonce and a boot id are stands in docs/link.md.
`python -m edgekit.link.messages` writes the header anew.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from edgekit.errors import DeviceError

MAX_PAYLOAD = 1024
MAX_TEXT = 120
MAX_RANK = 6
REPLY = 0x80

INPUT, OUTPUT, ARENA, OP_OUTPUT = 0, 1, 2, 3
HAS_INVOKE_OP, HAS_ARENA, HAS_OP_OUTPUT = 1, 2, 4

NUMBERS = {"u8": "B", "u16": "H", "u32": "I", "u64": "Q", "i32": "i", "f32": "f", "dims": "6i"}


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a payload: `kind` is a key of NUMBERS, "text" or (last only) "rest"."""

    name: str
    kind: str


@dataclass(frozen=True, slots=True)
class Message:
    """One request and its reply. `meaning` goes into the header as a comment."""

    name: str
    number: int
    meaning: str
    request: tuple[Field, ...] = ()
    reply: tuple[Field, ...] = ()


def _fields(text: str) -> tuple[Field, ...]:
    pairs = (part.split(":") for part in text.split())
    return tuple(Field(name, kind) for name, kind in pairs)


MESSAGES = (
    Message(
        "hello",
        1,
        "opens a session; who is there; the counter was seen moving or counter_hz is 0",
        request=_fields("nonce:u32"),
        reply=_fields(
            "nonce:u32 boot_id:u32 max_baud:u32"
            " protocol_version:u16 max_payload:u16 counter_hz:u32 counter_overhead_ticks:u32"
            " model_status:i32 input_count:u16 output_count:u16 op_count:u16 flags:u8"
            " arena_bytes:u32 build_id:text board:text counter:text model_name:text"
            " runtime:text model_sha256:text runtime_version:text kernels:text"
        ),
    ),
    Message(
        "tensor",
        2,
        "shape and quantization of one input or output",
        request=_fields("space:u8 index:u16"),
        reply=_fields("dtype:u8 rank:u8 dims:dims scale:f32 zero_point:i32 bytes:u32 name:text"),
    ),
    Message("load", 3, "bytes into an input", _fields("index:u16 offset:u32 data:rest")),
    Message("run", 4, "one invoke; ticks from its entry to its return", reply=_fields("ticks:u64")),
    Message(
        "profile",
        5,
        "ops first..last, each timed; ticks are u32 each",
        request=_fields("first:u16 last:u16"),
        reply=_fields("ticks:rest"),
    ),
    Message("run_ops", 6, "ops first..last, both included", _fields("first:u16 last:u16")),
    Message(
        "read",
        7,
        "bytes of an input, an output, the arena, or what the op that ran last gave",
        request=_fields("space:u8 index:u16 offset:u32 length:u32"),
        reply=_fields("data:rest"),
    ),
    Message(
        "memory",
        8,
        "RAM as used; the stack's mark is the deepest since the start",
        reply=_fields(
            "arena_bytes:u32 arena_used_bytes:u32 stack_used_bytes:u32 stack_reserved_bytes:u32"
        ),
    ),
    Message("reset", 9, "answers, then starts anew"),
    Message("bootloader", 10, "answers, then enters the chip's loader"),
    Message("baud", 11, "answers, then goes on at another rate", _fields("baud:u32")),
    Message(
        "sample",
        12,
        "the last bytes of an input, one invoke, and the first bytes of the outputs in a row",
        request=_fields("index:u16 offset:u32 data:rest"),
        reply=_fields("ticks:u64 data:rest"),
    ),
)
# Sent by the device alone, at any time.
LOG = Message("log", 0xFE, "words for a person", reply=_fields("text:text"))
ERROR = Message(
    "error",
    0xFF,
    "why a request was not served; request id 0: belongs to none",
    reply=_fields("code:u16 detail:i32 text:text"),
)

BY_NAME: Mapping[str, Message] = {message.name: message for message in MESSAGES}

FAULT = 10
# Code -> (C name, words for a person; {} is the detail).
ERRORS = {
    1: ("bad_frame", "a frame arrived damaged"),
    2: ("version", "the firmware speaks protocol version {}"),
    3: ("unknown_kind", "the firmware does not know message {}"),
    4: ("bad_length", "the message has a wrong length, {} bytes"),
    5: ("bad_index", "there is no tensor or op with index {}"),
    6: ("out_of_range", "offset and length go beyond the {} bytes that are there"),
    7: ("not_supported", "this firmware cannot do that"),
    8: ("model_failed", "the model returned status {}"),
    9: ("model_not_ready", "the model's init returned status {}"),
    FAULT: ("fault", "the processor stopped on a fault at {:#x}"),
    11: ("no_session", "the device knows nothing of this session"),
}


def pack(fields: tuple[Field, ...], values: Mapping[str, Any]) -> bytes:
    """The payload of `fields`; texts are str, `rest` is bytes, `dims` six integers."""
    out = b""
    for field in fields:
        value = values[field.name]
        if field.kind == "rest":
            out += value
        elif field.kind == "text":
            text = value.encode()[:MAX_TEXT]
            out += bytes([len(text)]) + text
        else:
            many = value if field.kind == "dims" else (value,)
            out += struct.pack("<" + NUMBERS[field.kind], *many)
    return out


def unpack(fields: tuple[Field, ...], payload: bytes) -> dict[str, Any]:
    """Values of `fields` out of `payload`; DeviceError where it is too short or too long."""
    values: dict[str, Any] = {}
    at = 0
    try:
        for field in fields:
            if field.kind == "rest":
                values[field.name], at = payload[at:], len(payload)
            elif field.kind == "text":
                end = at + 1 + payload[at]
                _check_end(payload, end)
                values[field.name], at = payload[at + 1 : end].decode(errors="replace"), end
            else:
                numbers = struct.unpack_from("<" + NUMBERS[field.kind], payload, at)
                values[field.name] = numbers if field.kind == "dims" else numbers[0]
                at += struct.calcsize("<" + NUMBERS[field.kind])
        _check_end(payload, at, exact=True)
    except (struct.error, IndexError):
        raise _wrong_length(payload) from None
    return values


def _check_end(payload: bytes, end: int, *, exact: bool = False) -> None:
    if end > len(payload) or (exact and end != len(payload)):
        raise IndexError


def _wrong_length(payload: bytes) -> DeviceError:
    return DeviceError(
        f"the device answered with a payload of {len(payload)} bytes, which fits no such message",
        hint="build and flash the firmware with this version of edgekit",
    )


def error_words(code: int, detail: int, text: str) -> str:
    """What an ERROR frame says, in words."""
    _, words = ERRORS.get(code, ("", f"error {code} (detail {{}})"))
    said = words.format(detail & 0xFFFFFFFF if code == FAULT else detail)
    return f"{said}: {text}" if text else said


def main() -> None:
    from edgekit.link.messages_header import header_text
    from edgekit.resources import resource_dir

    (resource_dir("firmware") / "app" / "ek_messages.h").write_text(header_text())


if __name__ == "__main__":
    main()
