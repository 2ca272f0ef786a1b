# SPDX-License-Identifier: Apache-2.0
"""UF2 files block by block, and the disk that takes them."""

import struct
import threading
import time
from pathlib import Path

import pytest

from edgekit.boards import all_boards, load_board
from edgekit.errors import DeviceTimeout, EdgekitError
from edgekit.flash.disks import MARK, copy_to_disk, find_disk
from edgekit.flash.uf2 import uf2_image

IMAGE = bytes(i * 7 % 251 for i in range(1000))
# microsoft/uf2 utils/uf2families.json; RP2350's are in its datasheet
FAMILIES = {"pico": 0xE48BFF56, "pico-2": 0xE48BFF59, "xiao-nrf52840": 0xADA52840}


def test_every_block_is_as_the_format_says() -> None:
    image = uf2_image(IMAGE, 0x1000_0000, 0xE48BFF56)
    assert len(image) == 4 * 512
    for number in range(4):
        block = image[512 * number : 512 * (number + 1)]
        first, second, flags, address, size, index, count, family = struct.unpack_from("<8I", block)
        assert block[:4] == b"UF2\n"
        assert (first, second) == (0x0A324655, 0x9E5D5157)
        assert struct.unpack_from("<I", block, 508) == (0x0AB16F30,)
        assert flags == 0x00002000
        assert address == 0x1000_0000 + 256 * number
        assert (size, index, count, family) == (256, number, 4, 0xE48BFF56)
        part = IMAGE[256 * number : 256 * (number + 1)]
        assert block[32 : 32 + 256] == part.ljust(256, b"\0")
        assert block[288:508] == bytes(220)


def test_a_whole_number_of_blocks_gets_no_empty_one() -> None:
    assert len(uf2_image(bytes(512), 0x27000, 1)) == 2 * 512


@pytest.mark.parametrize(("binary", "address"), [(b"", 0), (b"x", 0x1000_0001)])
def test_what_cannot_be_a_uf2_file(binary: bytes, address: int) -> None:
    with pytest.raises(EdgekitError, match="cannot be a UF2 file"):
        uf2_image(binary, address, 1)


def test_the_board_files_have_the_right_families() -> None:
    found = {
        board.id: flasher.family
        for board in all_boards()
        for flasher in board.flash
        if flasher.tool == "uf2"
    }
    assert found == FAMILIES


def test_an_image_begins_where_the_application_may() -> None:
    assert load_board("xiao-nrf52840").memory.first("flash").origin == 0x27000


def _disk(folder: Path) -> Path:
    disk = folder / "RPI-RP2"
    disk.mkdir()
    (disk / MARK).write_text("UF2 Bootloader v3.0\nModel: Raspberry Pi RP2\n")
    return disk


def test_a_disk_is_known_by_its_name_and_its_file(tmp_path: Path) -> None:
    mounts = (f"{tmp_path}/*",)
    assert find_disk("RPI-RP2", mounts) is None
    disk = _disk(tmp_path)
    assert find_disk("RPI-RP2", mounts) == disk
    assert find_disk("RP2350", mounts) is None
    (disk / MARK).unlink()
    assert find_disk("RPI-RP2", mounts) is None


def test_copying_ends_when_the_disk_is_gone(tmp_path: Path) -> None:
    """A thread plays the bootloader: it shows the disk, takes the file, and takes the disk away."""
    source = tmp_path / "firmware.uf2"
    source.write_bytes(uf2_image(IMAGE, 0x1000_0000, FAMILIES["pico"]))
    mounts = tmp_path / "media"
    mounts.mkdir()
    taken: list[bytes] = []

    def bootloader() -> None:
        time.sleep(0.1)
        disk = _disk(mounts)
        target = disk / "firmware.uf2"
        while not target.exists() or target.stat().st_size < source.stat().st_size:
            time.sleep(0.02)
        taken.append(target.read_bytes())
        (disk / MARK).unlink()

    player = threading.Thread(target=bootloader)
    player.start()
    copy_to_disk(source, "RPI-RP2", mounts=(f"{mounts}/*",), appear_s=5.0, vanish_s=5.0)
    player.join()
    assert taken == [source.read_bytes()]


def test_a_disk_that_does_not_come_and_one_that_does_not_go(tmp_path: Path) -> None:
    source = tmp_path / "firmware.uf2"
    source.write_bytes(b"x")
    mounts = (f"{tmp_path}/*",)
    with pytest.raises(DeviceTimeout, match=r"no disk RPI-RP2 within 0\.2 s"):
        copy_to_disk(source, "RPI-RP2", mounts=mounts, appear_s=0.2)
    _disk(tmp_path)
    with pytest.raises(DeviceTimeout, match="no vanishing of the disk RPI-RP2") as caught:
        copy_to_disk(source, "RPI-RP2", mounts=mounts, vanish_s=0.2)
    assert MARK in caught.value.hint
