# SPDX-License-Identifier: Apache-2.0
"""Each file tests/boards/invalid_<reason>.toml breaks one rule; the error says where and which."""

from pathlib import Path

import pytest

from edgekit.boards import load_board
from edgekit.errors import EdgekitError

FOLDER = Path(__file__).parents[1] / "boards"

# reason -> (place and what is wrong, word of the hint)
SAID = {
    "unknown_key": ("[memory]: unknown key 'flash_byte'", "'flash_bytes'?"),
    "unknown_key_far": ("[serial]: unknown key 'zzz'", "known keys: baud"),
    "unknown_table": ("unknown key 'emulatr'", "'emulator'?"),
    "key_file": ("unknown key 'file'", ""),
    "missing_key": ("the key 'mcu' is missing", "README"),
    "missing_table": ("the key 'serial' is missing", "README"),
    "wrong_type": ("[serial]: 'baud' is '115200', and has to be a whole number", "without quotes"),
    "bool_for_number": ("[serial]: 'baud' is True, and has to be a whole number", ""),
    "float_for_number": ("'clock_hz' is 1000000.0, and has to be a whole number", ""),
    "quoted_hex": ("[memory.regions]: 'origin' is '0x20000000'", "0x2000_0000"),
    "bad_hex": ("not valid TOML", "0x2000_0000"),
    "not_toml": ("not valid TOML", ""),
    "list_for_text": ("'name' is ['Test'], and has to be text", ""),
    "text_for_list": ("'sources' is 'made up', and has to be a list", ""),
    "number_in_list": ("'sources' is 1, and has to be text", ""),
    "text_for_table": ("'serial' is 'usb', and has to be a table", ""),
    "bad_define_value": ("[build]: 'defines.EK_UART_BASE' is [1]", ""),
    "bad_define_name": ("[build.defines]: 'uart-base' is no macro name", "capitals"),
    "bad_id": ("'id' is 'Test Board'", "lower-case"),
    "unknown_core": ("'core' is 'cortex-m4x', which is not known", "'cortex-m4'?"),
    "unknown_tried": ("'tried' is 'maybe', which is not known", "one of: hardware"),
    "unknown_toolchain": ("[build]: 'toolchain' is 'arm-none-eab'", "'arm-none-eabi'?"),
    "unknown_kind": ("[memory.regions]: 'kind' is 'rom'", ""),
    "unknown_program": ("[emulator]: 'program' is 'qemu'", "one of: qemu-system-arm"),
    "bad_port": ("[build]: 'port' is '../mps2'", "firmware/port"),
    "zero_clock": ("'clock_hz' is 0", "greater than 0"),
    "zero_baud": ("[serial]: 'baud' is 0", "greater than 0"),
    "zero_counter_clock": ("[time]: 'clock_hz' is 0", "greater than 0"),
    "zero_flash": ("[memory]: 'flash_bytes' is 0", "greater than 0"),
    "zero_region": ("[memory.regions]: 'length_bytes' is 0", "greater than 0"),
    "empty_sources": ("'sources' is empty", "manual"),
    "blank_sources": ("'sources' is empty", "manual"),
    "overlap": ("[memory]: regions 'FLASH' and 'RAM' overlap at 0x00008000", ""),
    "one_name": ("[memory]: two regions have one name", ""),
    "no_ram_region": ("[memory]: no region of kind 'ram'", "[[memory.regions]]"),
    "limit_above_regions": ("[memory]: 'ram_bytes' is 16385, and the ram regions hold 16384", ""),
    "region_beyond_32_bits": ("[memory.regions]: 'origin' is 0xfffff000", "32-bit"),
    "region_name": ("[memory.regions]: 'name' is 'my ram'", "capital"),
    "no_machine": ("[emulator]: the key 'machine' is missing", "-M help"),
    "unknown_owner": ("[usb]: 'owner' is 'chip', which is not known", "one of: probe"),
    "bad_usb_id": ("[usb]: '0x2341:0x805a' is no USB id", "2341:805a"),
    "no_running_id": ("[usb]: 'running' is empty", "leave the whole table out"),
    "unknown_entrance": ("[reset]: 'enter_bootloader' is 'touch-1000'", "'touch-1200'?"),
    "no_words_by_hand": ("[reset]: the key 'by_hand' is missing", "button"),
    "touch_without_bootloader": ("[reset]: 'touch-1200' needs the bootloader's USB id", "[usb]"),
    "unknown_flasher": ("[flash]: 'tool' is 'pyodc', which is not known", "'pyocd'?"),
    "flasher_lacks_key": ("[flash]: uf2 needs the key 'family'", "README"),
    "flasher_strange_key": (
        "[flash]: pyocd does not know the key 'chip'",
        "its keys: pack, target",
    ),
    "compiled_without_port": ("'tried' is 'compiled', and there is no chip port", "not built"),
    "emulated_without_emulator": ("'tried' is 'emulated', and there is no [emulator]", "compiled"),
    "bad_driver": ("[build]: 'drivers' is '../pl011'", "firmware/port"),
    "max_baud_below_baud": ("[serial]: 'max_baud' is below 'baud'", "leave it out"),
    "text_for_bool": ("'opening_resets' is 'yes', and has to be true or false", ""),
    "icount_shift": ("[emulator]: 'icount_shift' is 11", "0 to 10"),
}


def test_every_file_has_its_words() -> None:
    files = {path.stem.removeprefix("invalid_") for path in FOLDER.glob("invalid_*.toml")}
    assert files == set(SAID)


@pytest.mark.parametrize("reason", sorted(SAID))
def test_an_invalid_file_says_where_and_what(reason: str) -> None:
    path = FOLDER / f"invalid_{reason}.toml"
    message, hint = SAID[reason]
    with pytest.raises(EdgekitError) as caught:
        load_board(path)
    assert path.name in str(caught.value)
    assert message in str(caught.value)
    assert hint in caught.value.hint
    assert caught.value.hint
    assert caught.value.exit_code == 2
    assert "\n" not in str(caught.value)
