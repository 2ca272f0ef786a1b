# SPDX-License-Identifier: Apache-2.0
"""The message table: one truth for host and firmware."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgekit.errors import DeviceError
from edgekit.link import messages
from edgekit.link.messages import ERROR, LOG, MESSAGES, Field, pack, unpack
from edgekit.link.messages_header import header_text

VALUES = {
    "u8": st.integers(0, 2**8 - 1),
    "u16": st.integers(0, 2**16 - 1),
    "u32": st.integers(0, 2**32 - 1),
    "u64": st.integers(0, 2**64 - 1),
    "i32": st.integers(-(2**31), 2**31 - 1),
    "f32": st.floats(width=32, allow_nan=False),
    "dims": st.tuples(*[st.integers(-1, 2**31 - 1)] * 6),
    "text": st.text(max_size=20),
    "rest": st.binary(max_size=50),
}
LAYOUTS = [fields for m in (*MESSAGES, ERROR, LOG) for fields in (m.request, m.reply) if fields]


def test_the_firmware_header_is_the_table(root: Path) -> None:
    written = (root / "firmware" / "app" / "ek_messages.h").read_text()
    assert written == header_text(), "run: python -m edgekit.link.messages"


@given(st.sampled_from(LAYOUTS), st.data())
def test_what_is_packed_comes_back(fields: tuple[Field, ...], data: st.DataObject) -> None:
    values = {field.name: data.draw(VALUES[field.kind]) for field in fields}
    assert unpack(fields, pack(fields, values)) == values


@given(st.sampled_from(LAYOUTS), st.binary(max_size=80))
def test_any_payload_is_read_or_refused_in_words(fields: tuple[Field, ...], payload: bytes) -> None:
    try:
        unpack(fields, payload)
    except DeviceError as error:
        assert str(len(payload)) in str(error)


def test_too_short_and_too_long_are_refused() -> None:
    run = messages.BY_NAME["run"].reply
    for length in (7, 9):
        with pytest.raises(DeviceError, match=f"{length} bytes"):
            unpack(run, bytes(length))


def test_hello_fits_the_smallest_payload() -> None:
    fields = messages.BY_NAME["hello"].reply
    longest = {f.name: "x" * 500 if f.kind == "text" else 0 for f in fields}
    assert len(pack(fields, longest)) <= messages.MAX_PAYLOAD


def test_numbers_are_unique_and_leave_room_for_replies() -> None:
    numbers = [m.number for m in MESSAGES]
    assert len(set(numbers)) == len(numbers)
    assert all(0 < n < messages.REPLY for n in numbers)


def test_error_words() -> None:
    assert messages.error_words(8, -7, "invoke") == "the model returned status -7: invoke"
    assert "0x8000000c" in messages.error_words(messages.FAULT, -(2**31) + 12, "bus fault")
    assert "error 99" in messages.error_words(99, 3, "")
