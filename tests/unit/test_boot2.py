# SPDX-License-Identifier: Apache-2.0
"""The RP2040's second stage and the RP2350's image block, where their boot ROMs look for them."""

import re
import struct
from pathlib import Path

import pytest

from edgekit.boards import load_board
from edgekit.build.boot2 import assemble, boot2_image, crc32_mpeg2, header
from edgekit.build.firmware import build_firmware
from edgekit.emit.project import write_project
from edgekit.errors import EdgekitError
from edgekit.resources import resource_dir
from tests.fakes.app_build import TINY_MODEL

RP2 = resource_dir("firmware") / "port" / "rp2"
FACTS = {"name": "tiny", "runtime": "aot", "provenance": "a test"}


def test_the_checksum_is_the_one_that_catalogues_list() -> None:
    """CRC-32/MPEG-2: check value of the nine digits."""
    assert crc32_mpeg2(b"123456789") == 0x0376E6E7


def test_the_image_is_256_bytes_whose_checksum_comes_out_as_zero() -> None:
    image = boot2_image(bytes(range(200)))
    assert len(image) == 256
    assert crc32_mpeg2(image[:252]) == struct.unpack("<I", image[252:])[0]
    # so does the whole, with the checksum in the order that the CRC runs
    assert crc32_mpeg2(image[:252] + image[:251:-1]) == 0


def test_more_than_252_bytes_are_refused() -> None:
    with pytest.raises(EdgekitError, match="the second stage has 253 bytes"):
        boot2_image(bytes(253))


@pytest.mark.needs_gcc
def test_the_header_is_what_the_source_assembles_to() -> None:
    made = header(boot2_image(assemble(RP2 / "ek_boot2.S")))
    assert (RP2 / "ek_boot2_image.h").read_text() == made
    words = re.findall(r"0x([0-9A-F]{8})u", made)
    assert len(words) == 64


def _binary(board_id: str, folder: Path) -> bytes:
    board = load_board(board_id)
    write_project(folder, board, {"tiny.c": TINY_MODEL.read_text()}, **FACTS)
    result = build_firmware(folder, board)
    assert result.bin is not None
    return result.bin.read_bytes()


@pytest.mark.needs_gcc
def test_an_rp2040_image_begins_with_the_second_stage_and_then_the_vectors(tmp_path: Path) -> None:
    image = _binary("pico", tmp_path / "fw")
    assert crc32_mpeg2(image[:252]) == struct.unpack_from("<I", image, 252)[0]
    stack, entry = struct.unpack_from("<2I", image, 256)
    assert 0x2000_0000 < stack <= 0x2004_2000
    assert entry & 1 and 0x1000_0100 < entry < 0x1000_0000 + len(image)


@pytest.mark.needs_gcc
def test_an_rp2350_image_has_its_block_in_the_first_4_kib(tmp_path: Path) -> None:
    image = _binary("pico-2", tmp_path / "fw")
    at = image.index(struct.pack("<I", 0xFFFFDED3))
    assert at % 4 == 0 and at + 20 <= 4096
    block = struct.unpack_from("<5I", image, at)
    item = block[1]
    assert (item & 0xFF, item >> 8 & 0xFF) == (0x42, 1)  # IMAGE_TYPE, one word
    assert item >> 16 == 0x1021  # executable, secure, Arm, RP2350
    assert block[2:] == (0x000001FF, 0, 0xAB123579)
    stack, entry = struct.unpack_from("<2I", image, 0)
    assert 0x2000_0000 < stack <= 0x2008_2000
    assert entry & 1 and 0x1000_0000 < entry < 0x1000_0000 + len(image)
