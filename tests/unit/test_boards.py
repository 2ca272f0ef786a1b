# SPDX-License-Identifier: Apache-2.0
"""Board files: the ones that come with edgekit, a user's own, and where boards are looked up."""

import importlib
import re
import subprocess
import sys
from dataclasses import FrozenInstanceError
from pathlib import Path

import pytest

import edgekit
from edgekit.boards import DEFAULT_BOARD, Platforms, all_boards, board_ids, load_board
from edgekit.errors import EdgekitError
from edgekit.resources import resource_dir

REAL = {
    "arduino-nano-33-ble",
    "arduino-portenta-h7",
    "ek-ra6m4",
    "esp32-c3-devkitm",
    "esp32-devkitc",
    "esp32-s3-devkitc",
    "frdm-mcxn947",
    "nrf52840-dk",
    "nrf5340-dk",
    "nucleo-f446re",
    "nucleo-h743zi2",
    "nucleo-l4r5zi",
    "nucleo-u575zi-q",
    "pico",
    "pico-2",
    "sparkfun-edge",
    "stm32f746g-disco",
    "teensy-4-1",
    "xg24-dk2601b",
    "xiao-nrf52840",
}
EMULATED = {
    "qemu-lm3s6965evb",
    "qemu-microbit",
    "qemu-mps2-an385",
    "qemu-mps2-an385-m0plus",
    "qemu-mps2-an386",
    "qemu-mps2-an500",
    "qemu-mps2-an505",
    "qemu-mps3-an547",
    "qemu-netduinoplus2",
    "qemu-stm32vldiscovery",
    "qemu-virt-rv32",
}
VALID = Path(__file__).parents[1] / "boards" / "valid.toml"


def test_the_boards_are_there_and_sorted() -> None:
    ids = [board.id for board in all_boards()]
    assert ids == sorted(ids) == board_ids()
    assert set(ids) >= REAL | EMULATED | {"native"}
    assert DEFAULT_BOARD in ids


@pytest.mark.parametrize("name", board_ids())
def test_a_board_file_is_named_after_its_id_and_its_port_exists(name: str) -> None:
    board = load_board(name)
    assert board.id == name
    assert board.file is not None and board.file.stem == name
    assert board.buildable == (board.tried != "not built")
    if not board.buildable:
        return
    for folder in (board.build.port, *board.build.drivers):
        assert (resource_dir("firmware") / "port" / folder).is_dir()
    assert int(board.build.defines["EK_STACK_BYTES"]) > 0


@pytest.mark.parametrize("name", sorted(REAL))
def test_a_real_board_says_how_it_is_found_and_flashed(name: str) -> None:
    board = load_board(name)
    assert board.emulator is None
    assert board.usb is not None and board.reset is not None
    assert board.flash and board.platforms != Platforms()
    assert board.tried in ("compiled", "not built")  # nobody has held one: the files say so
    assert len(board.sources) >= 2
    if board.reset.enter_bootloader == "touch-1200":
        assert board.usb.owner == "target"


def test_what_is_measured_and_what_is_emulated() -> None:
    kinds = {board.id: board.kind for board in all_boards()}
    assert kinds["native"] == "measured"
    assert kinds["qemu-mps2-an386"] == "emulated"


def test_every_value_of_a_file_arrives() -> None:
    board = load_board(VALID)
    assert (board.id, board.core, board.clock_hz) == ("test", "cortex-m4", 1_000_000)
    assert board.sources == ("made up",)
    assert board.memory.first("ram").origin == 0x2000_0000
    assert board.memory.first("flash").end == 0x1_0000
    assert board.build.cpu_flags == ()
    assert board.build.defines == {"EK_UART_BASE": 0x4000_4000}
    assert board.emulator is not None and board.emulator.icount_shift == 7
    assert board.build.drivers == ("pl011",)
    assert (board.serial.max_baud, board.serial.opening_resets) == (921_600, True)
    assert board.usb is not None and board.usb.running == ("2341:805a", "1366:*")
    assert [flasher.tool for flasher in board.flash] == ["uf2", "pyocd"]
    assert board.flash[0].family == 0xADA5_2840
    assert board.platforms.zephyr == "test"
    assert board.file == VALID.resolve()


def test_a_real_board_has_no_emulator(tmp_path: Path) -> None:
    text = VALID.read_text()
    own = tmp_path / "own.toml"
    own.write_text(text[: text.index("[emulator]")] + text[text.index("[usb]") :])
    board = load_board(str(own))
    assert board.emulator is None
    assert board.kind == "measured"


def test_boards_cannot_be_changed() -> None:
    with pytest.raises(FrozenInstanceError):
        load_board("native").id = "other"  # type: ignore[misc]


@pytest.mark.parametrize(
    ("asked", "offered"),
    [
        ("qemu-mps2-an387", "qemu-mps2-an386"),
        ("an505", "qemu-mps2-an505"),
        ("QEMU-MPS3-AN547", "qemu-mps3-an547"),
        ("nativ", "native"),
        ("zzz", "known boards: arduino-nano-33-ble, "),
        ("nucleo-l4r5zj", "nucleo-l4r5zi"),
    ],
)
def test_an_unknown_board_offers_near_names(asked: str, offered: str) -> None:
    with pytest.raises(EdgekitError, match=f"unknown board '{asked}'") as caught:
        load_board(asked)
    assert offered in caught.value.hint


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(EdgekitError, match=r"cannot read board file .*No such file"):
        load_board(tmp_path / "none.toml")


def test_a_file_that_is_not_text(tmp_path: Path) -> None:
    (tmp_path / "odd.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(EdgekitError, match="not valid TOML"):
        load_board(tmp_path / "odd.toml")


def test_the_field_list_in_the_readme_is_complete() -> None:
    readme = (resource_dir("boards") / "README.md").read_text()
    keys = set(re.findall(r"^(\w+) =", VALID.read_text(), flags=re.M)) - {"EK_UART_BASE"}
    assert {key for key in keys if f"`{key}`" not in readme} == set()


def test_module_and_verb_of_one_name_live_together() -> None:
    verb = importlib.import_module("edgekit.verbs.boards")
    assert edgekit.boards() == verb.boards()
    assert edgekit.boards.load_board("native").id == "native"
    size = importlib.import_module("edgekit.build.size")
    assert edgekit.build.size is size
    with pytest.raises(EdgekitError, match="there is no record"):
        edgekit.build("no-such-folder")


@pytest.mark.parametrize(
    "order",
    [
        "import edgekit; edgekit.boards(); from edgekit.boards import load_board",
        "from edgekit.boards import load_board; import edgekit; edgekit.boards()",
        "import edgekit.verbs.boards; import edgekit; edgekit.boards(); edgekit.build",
        "import edgekit.build.size; import edgekit; edgekit.build.__call__",
        "import edgekit; edgekit.build; import edgekit.build.size; edgekit.build.__call__",
    ],
)
def test_any_order_of_imports_and_nothing_heavy(order: str) -> None:
    heavy = "{'numpy', 'tensorflow', 'jinja2', 'serial', 'elftools'}"
    code = f"{order}\nimport sys\nprint(*sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
