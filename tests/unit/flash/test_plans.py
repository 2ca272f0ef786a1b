# SPDX-License-Identifier: Apache-2.0
"""The exact command line of each flasher, and what is used where several are there."""

from pathlib import Path

import pytest

from edgekit.board_rules import FLASHER_KEYS
from edgekit.boards import all_boards, load_board
from edgekit.errors import EdgekitError, ToolMissing
from edgekit.flash.steps import KINDS, Job, Step
from edgekit.flash.table import TOOLS, choose_flasher, make_plan
from edgekit.flash.tools import bossac

FW = Path("/w/fw")


def _job(board: str, tool: str, **more: str) -> Job:
    known = load_board(board)
    flasher = next(each for each in known.flash if each.tool == tool)
    images = {kind: FW / "build" / f"firmware.{kind}" for kind in ("bin", "hex", "uf2")}
    return Job(known, flasher, FW, FW / "build" / "firmware.elf", **images, **more)


def _shell(job: Job) -> list[str]:
    return [step.shell or f"({step.kind})" for step in make_plan(job).steps]


PROBE = {"port": "/dev/ttyACM0", "role": "probe", "serial_number": "066F"}
TARGET = {"port": "/dev/ttyACM1", "role": "target", "serial_number": "A1B2"}
LOADER = {"port": "/dev/ttyACM1", "role": "bootloader", "serial_number": "A1B2"}
CABLE = {"port": "/dev/ttyUSB0", "role": "cable"}


@pytest.mark.parametrize(
    ("board", "tool", "more", "lines"),
    [
        (
            "nucleo-l4r5zi",
            "openocd",
            PROBE,
            [
                "openocd -f board/st_nucleo_l4.cfg -c 'adapter serial 066F'"
                " -c 'program {/w/fw/build/firmware.elf} verify reset exit'"
            ],
        ),
        (
            "nucleo-u575zi-q",
            "openocd",
            {},
            [
                "openocd -f interface/stlink.cfg -f target/stm32u5x.cfg"
                " -c 'program {/w/fw/build/firmware.elf} verify reset exit'"
            ],
        ),
        (
            "nrf52840-dk",
            "pyocd",
            PROBE,
            [
                "pyocd load --no-wait --target nrf52840 --uid 066F"
                " --format hex /w/fw/build/firmware.hex",
                "pyocd reset --no-wait --target nrf52840 --uid 066F",
            ],
        ),
        (
            "nucleo-f446re",
            "st-flash",
            PROBE,
            ["st-flash --serial 066F --reset write /w/fw/build/firmware.bin 0x08000000"],
        ),
        (
            "arduino-portenta-h7",
            "dfu-util",
            TARGET,
            [
                "stty -F /dev/ttyACM1 1200",
                "dfu-util -w -d 2341:035b -a 0 -s 0x08040000:leave -D /w/fw/build/firmware.bin",
            ],
        ),
        (
            "arduino-portenta-h7",
            "dfu-util",
            LOADER,
            [
                "dfu-util -w -d 2341:035b -S A1B2 -a 0 -s 0x08040000:leave"
                " -D /w/fw/build/firmware.bin"
            ],
        ),
        (
            "arduino-nano-33-ble",
            "bossac",
            TARGET,
            [
                "stty -F /dev/ttyACM1 1200",
                "(wait)",
                "bossac --port=PORT -U -i -e -w /w/fw/build/firmware.bin -R",
            ],
        ),
        (
            "esp32-s3-devkitc",
            "esptool",
            CABLE,
            [
                "cd /w/fw/build && esptool --chip esp32s3 --port /dev/ttyUSB0 --baud 460800"
                " --before default-reset --after hard-reset write-flash @flash_args"
            ],
        ),
        (
            "teensy-4-1",
            "teensy-loader-cli",
            {},
            ["teensy_loader_cli --mcu=TEENSY41 -w -s -v /w/fw/build/firmware.hex"],
        ),
        (
            "ek-ra6m4",
            "jlink",
            PROBE,
            [
                "printf '%s' 'r\nh\nloadfile /w/fw/build/firmware.hex\nr\ng\nexit\n'"
                " > /w/fw/build/flash.jlink",
                "JLinkExe -USB 066F -device R7FA6M4AF -if SWD -speed 4000 -autoconnect 1"
                " -ExitOnError 1 -NoGui 1 -CommandFile /w/fw/build/flash.jlink",
            ],
        ),
        (
            "xiao-nrf52840",
            "adafruit-nrfutil",
            TARGET,
            [
                "adafruit-nrfutil dfu genpkg --dev-type 0x0052 --sd-req 0x0123"
                " --application /w/fw/build/firmware.hex /w/fw/build/firmware.zip",
                "stty -F /dev/ttyACM1 1200",
                "(wait)",
                "adafruit-nrfutil dfu serial --package /w/fw/build/firmware.zip -p PORT"
                " -b 115200 --singlebank",
            ],
        ),
        (
            "pico",
            "uf2",
            TARGET,
            [
                "stty -F /dev/ttyACM1 1200",
                "cp /w/fw/build/firmware.uf2 /media/$USER/RPI-RP2*/",
            ],
        ),
        ("pico-2", "uf2", CABLE, ["(ask)", "cp /w/fw/build/firmware.uf2 /media/$USER/RP2350*/"]),
        ("pico", "uf2", {}, ["(by-hand)", "cp /w/fw/build/firmware.uf2 /media/$USER/RPI-RP2*/"]),
    ],
)
def test_what_a_person_would_type(
    board: str,
    tool: str,
    more: dict[str, str],
    lines: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    assert _shell(_job(board, tool, **more)) == lines


def test_every_flasher_of_every_board_has_a_plan() -> None:
    assert set(TOOLS) == set(FLASHER_KEYS)
    for board in all_boards():
        for flasher in board.flash:
            steps = make_plan(_job(board.id, flasher.tool, **PROBE)).steps
            assert steps and {step.kind for step in steps} <= set(KINDS)


def test_words_for_a_board_whose_program_is_dead() -> None:
    (step, _) = make_plan(_job("xiao-nrf52840", "uf2")).steps
    assert (step.kind, step.words[:12]) == ("by-hand", "press RESET ")


def test_an_image_that_is_not_there_is_named() -> None:
    job = _job("pico", "uf2")
    lacking = Job(job.board, job.flasher, FW, job.elf)
    with pytest.raises(EdgekitError, match=r"the build in '/w/fw' has no \.uf2 file for uf2"):
        make_plan(lacking)


def _program(folder: Path, name: str, text: str = "#!/bin/sh\n") -> Path:
    path = folder / name
    path.write_text(text)
    path.chmod(0o755)
    return path


@pytest.fixture
def only_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A computer that has no program but those put into this folder."""
    (tmp_path / "bin").mkdir()
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path / "bin"


def test_the_first_flasher_that_is_there_is_taken(only_here: Path) -> None:
    board = load_board("nucleo-l4r5zi")
    _program(only_here, "st-flash")
    assert choose_flasher(board).tool == "st-flash"
    _program(only_here, "openocd")
    assert choose_flasher(board).tool == "openocd"
    assert choose_flasher(board, "st-flash").tool == "st-flash"


def test_none_is_there(only_here: Path) -> None:
    with pytest.raises(ToolMissing, match=r"installed: openocd, st-flash, pyocd, jlink, dfu-util$"):
        choose_flasher(load_board("nucleo-l4r5zi"))
    with pytest.raises(ToolMissing, match="'teensy_loader_cli' is not installed") as caught:
        choose_flasher(load_board("teensy-4-1"))
    assert caught.value.hint.endswith("teensy-loader-cli")
    with pytest.raises(EdgekitError, match="names no flasher 'esptool'") as asked:
        choose_flasher(load_board("teensy-4-1"), "esptool")
    assert "teensy-loader-cli" in asked.value.hint


def test_uf2_needs_no_program(only_here: Path) -> None:
    assert choose_flasher(load_board("pico")).tool == "uf2"


def test_the_mainline_bossac_is_not_taken_for_a_nordic_chip(only_here: Path) -> None:
    board = load_board("arduino-nano-33-ble")
    _program(only_here, "bossac", "#!/bin/sh\necho 'BOSSA Version 1.9.1-17-g89f3556'\nexit 1\n")
    with pytest.raises(ToolMissing, match="is the mainline bossac") as caught:
        choose_flasher(board, "bossac")
    assert "arduino-cli" in caught.value.hint
    _program(only_here, "pyocd")
    assert choose_flasher(board).tool == "pyocd"
    _program(only_here, "bossac", "#!/bin/sh\necho 'BOSSA Version 1.9.1-arduino2'\nexit 1\n")
    assert choose_flasher(board).tool == "bossac"


def test_arduinos_own_bossac_is_found(only_here: Path) -> None:
    folder = only_here.parent / bossac.ARDUINO_TOOLS / "1.9.1-arduino2"
    folder.mkdir(parents=True)
    own = _program(folder, "bossac")
    assert bossac.arduino_bossac() == own
    assert _shell(_job("arduino-nano-33-ble", "bossac", **LOADER))[-1].startswith(str(own))


def test_a_step_without_a_command_shows_none() -> None:
    assert Step("hello", "ask").shell == ""
