# SPDX-License-Identifier: Apache-2.0
"""The codec against a second implementation, cut anywhere, and amid noise."""

from __future__ import annotations

import zlib
from itertools import pairwise

from cobs import cobs
from hypothesis import given
from hypothesis import strategies as st

from edgekit.link.frame import (
    FIRST_BYTE,
    PROTOCOL_VERSION,
    Frame,
    FrameReader,
    cobs_decode,
    cobs_encode,
    decode_frame,
    encode_frame,
)

# long runs without a zero are where COBS has its edges (254, 255, 508)
runs = st.builds(lambda n, byte: bytes([byte]) * n, st.integers(0, 600), st.integers(0, 255))
payloads = st.one_of(st.binary(max_size=700), st.lists(runs, max_size=4).map(b"".join))


@given(payloads)
def test_cobs_is_what_the_cobs_package_makes(data: bytes) -> None:
    encoded = cobs_encode(data)
    assert cobs.decode(encoded) == data
    assert cobs_decode(cobs.encode(data)) == data
    assert len(encoded) <= len(cobs.encode(data))
    assert 0 not in encoded


@given(st.binary(max_size=40))
def test_cobs_refuses_what_the_cobs_package_refuses(data: bytes) -> None:
    try:
        expected: bytes | None = cobs.decode(data)
    except cobs.DecodeError:
        expected = None
    assert cobs_decode(data) == expected


def test_a_frame_byte_by_byte() -> None:
    # version 3, kind 2, 00, id 0x0304 and session 0x0A0B0C0D little-endian, payload 00 05, CRC-32
    body = bytes([3, 2, 0, 4, 3, 0x0D, 0x0C, 0x0B, 0x0A, 0, 5])
    crc = zlib.crc32(body).to_bytes(4, "little")
    frame = encode_frame(2, 0x0304, b"\0\5", session=0x0A0B0C0D)
    assert frame == cobs.encode(body + crc) + b"\0"
    assert frame[0] == FIRST_BYTE


@given(st.integers(0, 255), st.integers(0, 65535), st.integers(0, 2**32 - 1), payloads)
def test_every_frame_begins_with_the_same_byte(
    kind: int, request_id: int, session: int, payload: bytes
) -> None:
    frame = encode_frame(kind, request_id, payload, session=session)
    if kind:
        assert frame[0] == FIRST_BYTE and not chr(FIRST_BYTE).isprintable()
    assert decode_frame(frame[:-1]) == Frame(PROTOCOL_VERSION, kind, request_id, payload, session)


def test_a_frame_of_version_2_is_known_by_its_version() -> None:
    body = bytes([2, 1, 7, 0])  # HELLO, request 7
    encoded = cobs.encode(body + zlib.crc32(body).to_bytes(4, "little"))
    frame = decode_frame(encoded)
    assert frame is not None and frame.version == 2


def test_a_frame_that_is_too_short_for_its_version_is_damaged() -> None:
    body = bytes([PROTOCOL_VERSION, 1, 0, 7])
    assert decode_frame(cobs.encode(body + zlib.crc32(body).to_bytes(4, "little"))) is None


@given(
    st.lists(st.tuples(st.integers(0, 255), st.integers(0, 65535), payloads), max_size=4), st.data()
)
def test_frames_come_out_whole_however_the_stream_is_cut(
    wanted: list[tuple[int, int, bytes]], data: st.DataObject
) -> None:
    stream = b"".join(encode_frame(*one) for one in wanted)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=8)))
    reader = FrameReader()
    got = [
        frame
        for start, end in pairwise([0, *cuts, len(stream)])
        for frame in reader.feed(stream[start:end])
    ]
    assert got == [Frame(PROTOCOL_VERSION, *one) for one in wanted]
    assert reader.damaged == 0


@given(st.binary(max_size=60), payloads, st.binary(max_size=60))
def test_noise_costs_at_most_the_frames_it_touches(
    before: bytes, payload: bytes, after: bytes
) -> None:
    reader = FrameReader()
    good = encode_frame(7, 8, payload)
    got = list(reader.feed(before + b"\0" + good + after + b"\0" + good))
    assert got[-1] == Frame(PROTOCOL_VERSION, 7, 8, payload)
    assert got.count(Frame(PROTOCOL_VERSION, 7, 8, payload)) >= 2


@given(payloads, st.data())
def test_one_changed_bit_is_noticed(payload: bytes, data: st.DataObject) -> None:
    encoded = bytearray(encode_frame(7, 8, payload)[:-1])
    bit = data.draw(st.integers(0, 8 * len(encoded) - 1))
    encoded[bit // 8] ^= 1 << bit % 8
    assert decode_frame(bytes(encoded)) is None


def test_endless_noise_does_not_fill_the_memory() -> None:
    reader = FrameReader(limit_bytes=100)
    for _ in range(50):
        assert list(reader.feed(b"\xaa" * 1000)) == []
    assert len(reader._pending) <= 100
    assert list(reader.feed(b"\0" + encode_frame(1, 2))) == [Frame(PROTOCOL_VERSION, 1, 2, b"")]
    assert reader.damaged == 1
