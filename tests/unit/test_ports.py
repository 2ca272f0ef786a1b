# SPDX-License-Identifier: Apache-2.0
"""What is plugged in, which boards that may be, and a port as the user names it."""

import os
import re
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from edgekit.boards import all_boards, load_board
from edgekit.errors import DeviceError, DeviceTimeout
from edgekit.link.ports import Match, SerialPort, matches, plugged_ports
from edgekit.link.reenumerate import touch, wait_for_port, wait_for_return
from edgekit.link.selectors import Candidate, choose, find_candidates

NUCLEO = SerialPort("/dev/ttyACM0", 0x0483, 0x374B, "066FFF34", "STM32 STLink", location="1-1:1.2")
NANO = SerialPort("/dev/ttyACM1", 0x2341, 0x805A, "A1B2", "Nano 33 BLE", location="1-2")
NANO_LOADER = SerialPort("/dev/ttyACM1", 0x2341, 0x005A, "A1B2", location="1-2")
BRIDGE = SerialPort("/dev/ttyUSB0", 0x10C4, 0xEA60, "0001", "CP2102N")
PROBE = SerialPort("/dev/ttyACM2", 0x2E8A, 0x000C, "E660", "Debug Probe (CMSIS-DAP)")
JLINK = SerialPort("/dev/ttyACM3", 0x1366, 0x1061, "0010501", "J-Link")
BUILT_IN = SerialPort("/dev/ttyS0")
ALL = [NUCLEO, NANO, BRIDGE, PROBE, JLINK, BUILT_IN]
BOARDS = all_boards()


def _names(port: SerialPort) -> dict[str, str]:
    return {match.board: match.role for match in matches(port, BOARDS)}


def test_an_id_gives_candidates_and_their_role() -> None:
    assert _names(NUCLEO) == dict.fromkeys(
        ["nucleo-f446re", "nucleo-l4r5zi", "stm32f746g-disco"], "probe"
    )
    assert _names(NANO) == {"arduino-nano-33-ble": "target"}
    assert _names(NANO_LOADER) == {"arduino-nano-33-ble": "bootloader"}
    assert _names(PROBE) == {"pico": "probe", "pico-2": "probe"}
    assert set(_names(JLINK)) == {"ek-ra6m4", "nrf52840-dk", "nrf5340-dk", "xg24-dk2601b"}
    assert _names(BRIDGE)["esp32-devkitc"] == "bridge"
    assert _names(BUILT_IN) == {}


def test_the_computers_own_list_can_be_read() -> None:
    for port in plugged_ports():
        assert port.device
        assert re.fullmatch(r"([0-9a-f]{4}:[0-9a-f]{4})?", port.usb_id)


@pytest.mark.parametrize(
    ("selector", "devices"),
    [
        ("", [port.device for port in ALL]),
        ("auto", [port.device for port in ALL[:5]]),
        ("id:066fff34", ["/dev/ttyACM0"]),
        ("id:nobody", []),
        ("port:/dev/ttyUSB0", ["/dev/ttyUSB0"]),
        ("/dev/ttyACM1", ["/dev/ttyACM1"]),
        ("/dev/ttyACM[01]", ["/dev/ttyACM0", "/dev/ttyACM1"]),
        ("/dev/nothing*", []),
        ("/dev/ttyNEW", ["/dev/ttyNEW"]),
        ("socket://host:1234", ["socket://host:1234"]),
        ("rfc2217://host:1?logging=debug", ["rfc2217://host:1?logging=debug"]),
    ],
)
def test_selectors(selector: str, devices: list[str]) -> None:
    found = find_candidates(selector, ALL, BOARDS)
    assert [each.port.device for each in found] == devices


def test_a_glob_finds_names_that_udev_made(tmp_path: Path) -> None:
    link = tmp_path / "usb-STM_0483-if02"
    link.symlink_to("/dev/null")
    (found,) = find_candidates(str(tmp_path / "usb-*"), ALL, BOARDS)
    assert found.port.device == str(link)


def test_auto_for_one_board_takes_the_one_port_that_fits() -> None:
    assert choose("auto", ALL, [load_board("arduino-nano-33-ble")]).port == NANO


def test_a_bootloader_is_no_second_candidate() -> None:
    board = load_board("arduino-nano-33-ble")
    other = SerialPort("/dev/ttyACM7", 0x2341, 0x005A, "FFFF")
    assert choose("auto", [other, NANO], [board]).port == NANO
    assert choose("auto", [other], [board]).port == other


def test_several_are_listed_and_none_is_guessed() -> None:
    twin = SerialPort("/dev/ttyACM9", 0x0483, 0x374B, "0A0B")
    board = load_board("nucleo-l4r5zi")
    with pytest.raises(DeviceError, match="'auto' fits 2 ports") as caught:
        choose("auto", [NUCLEO, twin], [board])
    assert "/dev/ttyACM0 0483:374b 066FFF34 (nucleo-l4r5zi)" in str(caught.value)
    assert "/dev/ttyACM9" in str(caught.value)
    assert "--port id:<serial number>" in caught.value.hint


def test_hello_settles_between_several() -> None:
    twin = SerialPort("/dev/ttyACM9", 0x0483, 0x374B, "0A0B")
    boards = [load_board("nucleo-l4r5zi"), load_board("nucleo-f446re")]
    says = {"/dev/ttyACM0": "", "/dev/ttyACM9": "nucleo-f446re"}
    asked = []

    def ask(found: Candidate) -> str:
        asked.append(found.port.device)
        return says[found.port.device]

    assert choose("auto", [NUCLEO, twin], boards, ask=ask).port == twin
    assert asked == ["/dev/ttyACM0", "/dev/ttyACM9"]
    says["/dev/ttyACM0"] = "nucleo-l4r5zi"
    with pytest.raises(DeviceError, match="fits 2 ports"):
        choose("auto", [NUCLEO, twin], boards, ask=ask)


def test_a_board_that_restarts_on_opening_is_not_asked() -> None:
    twin = SerialPort("/dev/ttyUSB1", 0x10C4, 0xEA60, "0002")

    def ask(_found: Candidate) -> str:
        raise AssertionError("opened a port that restarts its board")

    with pytest.raises(DeviceError, match="fits 2 ports"):
        choose("auto", [BRIDGE, twin], [load_board("esp32-devkitc")], ask=ask)


def test_nothing_fits() -> None:
    with pytest.raises(DeviceError, match=r"no port fits 'id:zz'; plugged in: /dev/ttyS0"):
        choose("id:zz", [BUILT_IN], BOARDS)
    with pytest.raises(DeviceError, match=r"no port fits 'auto': no serial port is plugged in"):
        choose("auto", [], BOARDS)


def _lists(*scenes: Sequence[SerialPort]) -> Callable[[], Sequence[SerialPort]]:
    """The last scene stays."""
    left = list(scenes)
    return lambda: left.pop(0) if len(left) > 1 else left[0]


def test_a_port_comes_back_under_another_name() -> None:
    moved = SerialPort("/dev/ttyACM4", NANO.vid, NANO.pid, NANO.serial_number, location="1-2")
    look = _lists([NANO], [], [BRIDGE], [BRIDGE, moved])
    # the first scene is the old port, still listed for a moment: it does not stay
    assert wait_for_return(NANO, stable_s=0.3, ports=look) == moved


def test_a_port_that_flickers_counts_once_it_stays() -> None:
    seen = []
    scenes = [[NANO], [], [NANO], [], [NANO]]

    def look() -> Sequence[SerialPort]:
        seen.append(len(scenes))
        return scenes.pop(0) if len(scenes) > 1 else scenes[0]

    found = wait_for_port(lambda port: port == NANO, "the board", stable_s=0.4, ports=look)
    assert found == NANO
    assert len(seen) >= 6


def test_a_port_that_never_comes_is_named() -> None:
    with pytest.raises(DeviceTimeout, match=r"no return of the port of serial number A1B2 within"):
        wait_for_return(NANO, timeout_s=0.3, ports=lambda: [BRIDGE])


def test_the_ports_of_one_device_are_told_apart() -> None:
    first = SerialPort("/dev/ttyACM5", 0x1366, 0x1055, "000105", location="1-4:1.0")
    second = SerialPort("/dev/ttyACM6", 0x1366, 0x1055, "000105", location="1-4:1.2")
    assert wait_for_return(second, stable_s=0.0, ports=lambda: [first, second]) == second


def test_the_touch_opens_at_1200_baud() -> None:
    """A pseudo terminal keeps the rate that was set."""
    import termios

    master, slave = os.openpty()
    try:
        touch(os.ttyname(slave))
        assert termios.tcgetattr(slave)[4:6] == [termios.B1200, termios.B1200]
    finally:
        os.close(master)
        os.close(slave)


def test_a_match_is_a_value() -> None:
    assert Match("pico", "probe") in matches(PROBE, BOARDS)
