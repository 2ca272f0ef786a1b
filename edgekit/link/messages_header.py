# SPDX-License-Identifier: Apache-2.0
"""firmware/app/ek_messages.h out of the message table."""

from __future__ import annotations

from collections.abc import Mapping

from edgekit.link import messages
from edgekit.link.frame import PROTOCOL_VERSION
from edgekit.link.messages import ERROR, ERRORS, LOG, MESSAGES, Field, Message

_C_TYPE = {
    "u8": "uint8_t ",
    "u16": "uint16_t ",
    "u32": "uint32_t ",
    "u64": "uint64_t ",
    "i32": "int32_t ",
    "f32": "float ",
    "dims": "const int32_t *",
    "text": "const char *",
}
_BYTES = {"u8": 1, "u16": 2, "u32": 4, "i32": 4}

_TOP = """/* SPDX-License-Identifier: Apache-2.0 */
/* Messages between host and device. Written by `python -m edgekit.link.messages`: edit there. */
#ifndef EK_MESSAGES_H
#define EK_MESSAGES_H

#include <stddef.h>
#include <stdint.h>

#include "ek_bytes.h"
"""


def header_text() -> str:
    """The whole header; equal tables give equal bytes."""
    parts = [_TOP, _constants()]
    for message in (*MESSAGES, ERROR, LOG):
        if message.request:
            parts.append(_struct(message, "request", message.request))
            parts.append(_unpack(message))
        numbers = tuple(f for f in message.reply if f.kind != "rest")
        if numbers:
            parts.append(_struct(message, "reply", numbers))
            parts.append(_pack(message, numbers))
    return "\n".join(parts) + "\n#endif\n"


def _constants() -> str:
    lines = [
        f"#define EK_PROTOCOL_VERSION {PROTOCOL_VERSION}u",
        f"#define EK_MAX_PAYLOAD {messages.MAX_PAYLOAD}u",
        f"#define EK_MAX_TEXT {messages.MAX_TEXT}u",
        f"#define EK_REPLY 0x{messages.REPLY:02X}u",
        "",
        "enum {",
    ]
    for message in (*MESSAGES, LOG, ERROR):
        lines.append(f"  /* {message.meaning} */")
        lines.append(f"  EK_MSG_{message.name.upper()} = {message.number},")
    lines[-1] = lines[-1].rstrip(",")
    spaces = ("INPUT", "OUTPUT", "ARENA", "OP_OUTPUT")
    flags = ("INVOKE_OP", "ARENA", "OP_OUTPUT")
    lines += ["};", "", _enum("SPACE", {name: getattr(messages, name) for name in spaces})]
    lines += ["", _enum("HAS", {name: getattr(messages, f"HAS_{name}") for name in flags})]
    lines += ["", "enum {"]
    lines += [f"  EK_ERR_{name.upper()} = {code}," for code, (name, _) in ERRORS.items()]
    lines[-1] = lines[-1].rstrip(",")
    return "\n".join([*lines, "};", ""])


def _enum(group: str, numbers: Mapping[str, int]) -> str:
    """An enum on one line, or where that is too long, one line a name."""
    parts = [f"EK_{group}_{name} = {number}" for name, number in numbers.items()]
    line = f"enum {{ {', '.join(parts)} }};"
    return line if len(line) <= 100 else "enum {\n  " + ",\n  ".join(parts) + "\n};"


def _struct(message: Message, side: str, fields: tuple[Field, ...]) -> str:
    lines = ["typedef struct {"]
    for field in fields:
        if field.kind == "rest":
            lines += [f"  const uint8_t *{field.name};", f"  uint32_t {field.name}_bytes;"]
        else:
            lines.append(f"  {_C_TYPE[field.kind]}{field.name};")
    return "\n".join([*lines, f"}} ek_{message.name}_{side};", ""])


def _unpack(message: Message) -> str:
    """0 where the length is wrong, else 1."""
    fixed = sum(_BYTES[f.kind] for f in message.request if f.kind != "rest")
    rest = [f for f in message.request if f.kind == "rest"]
    name = f"ek_{message.name}_request"
    lines = [
        f"static inline int ek_get_{message.name}({name} *m, const uint8_t *at, uint32_t n) {{",
        f"  if (n {'<' if rest else '!='} {fixed}u) return 0;",
    ]
    offset = 0
    for field in message.request:
        if field.kind == "rest":
            lines.append(f"  m->{field.name} = at + {fixed};")
            lines.append(f"  m->{field.name}_bytes = n - {fixed}u;")
            continue
        size = _BYTES[field.kind]
        c_type = _C_TYPE[field.kind].strip()
        cast = "" if c_type == "uint32_t" else f"({c_type})"
        lines.append(f"  m->{field.name} = {cast}ek_get_uint(at + {offset}, {size});")
        offset += size
    return "\n".join([*lines, "  return 1;", "}", ""])


def _pack(message: Message, fields: tuple[Field, ...]) -> str:
    """Returns the end of what was written."""
    name = f"ek_{message.name}_reply"
    lines = [f"static inline uint8_t *ek_put_{message.name}(uint8_t *at, const {name} *m) {{"]
    for field in fields:
        lines.append(f"  at = {_put(field)};")
    return "\n".join([*lines, "  return at;", "}", ""])


def _put(field: Field) -> str:
    value = f"m->{field.name}"
    if field.kind in ("text", "u64", "f32", "dims"):
        return f"ek_put_{field.kind}(at, {value})"
    cast = "(uint32_t)" if field.kind == "i32" else ""
    return f"ek_put_uint(at, {cast}{value}, {_BYTES[field.kind]})"
