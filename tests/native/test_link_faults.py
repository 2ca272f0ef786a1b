# SPDX-License-Identifier: Apache-2.0
"""Samples over a line that errs, to the real firmware: each right, once, in order, or an error.

The full form is benchmarks/link_faults.py.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from edgekit.boards import Board, load_board
from edgekit.errors import DeviceError, Interrupted
from edgekit.link.transport import open_serial
from edgekit.measure.harness import run_samples
from tests.fakes.app_build import TINY_MODEL, build_app
from tests.support import fault_rig
from tests.support.fault_line import FAULTS, IN_FLIGHT_S, FaultLine
from tests.support.fault_rig import GRAPH, SHA256, expected, faulty, inputs, try_line

KINDS = (*FAULTS, "reset")


@pytest.fixture(scope="module")
def board() -> Board:
    return load_board("native")


@pytest.fixture(scope="module")
def elf(board: Board, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return fault_rig.build(board, tmp_path_factory.mktemp("counting"), sanitize=True)


def test_a_line_without_faults(board: Board, elf: Path) -> None:
    found = try_line(board, elf, (), 0.0, 1, samples=20)
    assert (found.wrong, found.error, found.samples) == ("", "", 20)
    assert found.stats["resent"] == found.stats["late"] == found.stats["damaged"] == 0
    # HELLO, two or three TENSORs, and three requests a sample
    assert found.frames <= 20 * fault_rig.FRAMES_OF_A_SAMPLE + 2 * 4


@pytest.mark.parametrize("kind", KINDS)
def test_every_sample_comes_through_right(kind: str, board: Board, elf: Path) -> None:
    found = try_line(board, elf, [kind], 0.05, 11, samples=25)
    assert found.wrong == ""
    assert found.error == "" and found.samples >= 25
    assert found.injected[kind] > 0


@pytest.mark.parametrize("seed", range(3))
def test_all_faults_at_once(seed: int, board: Board, elf: Path) -> None:
    found = try_line(board, elf, KINDS, 0.1, seed, samples=25)
    assert found.wrong == ""
    assert found.error == "" and len(found.injected) > 3


def test_a_line_that_is_beyond_help_ends_in_words(board: Board, elf: Path) -> None:
    found = try_line(board, elf, ["corrupt"], 1.0, 5, samples=5, timeout_s=0.2)
    assert found.wrong == "" and found.samples == 0
    assert "no answer to 'hello'" in found.error or "damages what is sent" in found.error


def test_a_port_comes_back_under_another_name(board: Board, elf: Path) -> None:
    x = inputs(6, 3)
    with faulty(board, elf, (), 0.0, 1) as (device, line, _):
        device.hello(model_sha256=SHA256)
        before = line.path()
        run_samples(device, GRAPH, [x[:1]], warmup=0)
        line.vanish()
        run = run_samples(device, GRAPH, [x], warmup=0)
        assert line.path() != before
    assert (run.outputs[1] == expected(x)).all()
    assert run.interrupted == (
        f"sample 0: the port {before} went away in the middle of the run and came back as"
        f" {device.port_name}",
    )


def test_a_reset_in_mid_run_is_noticed_by_its_boot_id(board: Board, elf: Path) -> None:
    x = inputs(4, 3)
    with faulty(board, elf, (), 0.0, 1) as (device, _, firmware):
        first = device.hello()
        device.load(0, x[0].tobytes())
        firmware.restart()
        with pytest.raises(Interrupted, match="was reset in the middle of the run") as caught:
            device.run()
        assert caught.value.reset
        assert device.hello().boot_id != first.boot_id
        run = run_samples(device, GRAPH, [x], warmup=0)
    assert (run.outputs[1] == expected(x)).all() and run.interrupted == ()


def test_another_program_on_the_same_board_is_noticed(board: Board, elf: Path) -> None:
    """Two hosts on one line: what the first has loaded may be the second's."""
    from edgekit.link.device import Device

    with faulty(board, elf, (), 0.0, 1) as (device, line, _):
        device.hello()
        device.load(0, bytes(fault_rig.COUNT))
        with open_shared(line) as other:
            Device(other).hello()
        with pytest.raises(Interrupted, match="another program talked to the board"):
            device.run()


def open_shared(line: FaultLine):  # type: ignore[no-untyped-def]
    """The port a second time, as a program opens it that does not ask for it alone."""
    import serial

    return serial.Serial(line.path(), timeout=0.02, write_timeout=2, exclusive=False)


def test_other_firmware_in_mid_run_is_refused(board: Board, elf: Path, tmp_path: Path) -> None:
    other = build_app(board, tmp_path, TINY_MODEL)
    with faulty(board, elf, (), 0.0, 1) as (device, _, firmware):
        device.hello(model_sha256=SHA256)
        firmware.command = [str(other)]
        firmware.restart()
        with pytest.raises(DeviceError, match=r"another firmware answers at .*: 'tiny' on native"):
            device.sample([bytes(fault_rig.COUNT)])


@pytest.mark.parametrize("kinds", [(), ("corrupt", "drop")])
def test_the_rate_goes_up_and_back(kinds: tuple[str, ...], board: Board, elf: Path) -> None:
    x = inputs(6, 3)
    with faulty(board, elf, kinds, 0.05, 2, rates=True, max_baud=921_600) as (device, *_):
        device.hello(model_sha256=SHA256)
        assert device.baud == 115_200
        run = run_samples(device, GRAPH, [x], warmup=0)
        assert device.baud == 921_600
        device.settle()
        assert device.baud == 115_200
        assert device.hello().board == "native"
    assert (run.outputs[1] == expected(x)).all()


def test_a_device_that_was_left_at_a_raised_rate_is_found(board: Board, elf: Path) -> None:
    """The program before was killed: its rate holds until the device hears only garbage."""
    from edgekit.link.device import Device

    with faulty(board, elf, (), 0.0, 2, rates=True, max_baud=921_600) as (device, line, _):
        device.hello()
        device.sample([bytes(fault_rig.COUNT)])
        assert device.baud == 921_600
        device.close()
        with open_serial(line.path(), 115_200) as port:
            time.sleep(2 * IN_FLIGHT_S)
            again = Device(port, timeout_s=0.5, baud=115_200)
            assert again.hello(model_sha256=SHA256).board == "native"
            assert again.baud == 115_200


def test_a_reset_at_a_raised_rate(board: Board, elf: Path) -> None:
    x = inputs(5, 3)
    with faulty(
        board, elf, (), 0.0, 2, rates=True, max_baud=921_600, timeout_s=0.2, run_timeout_s=1.0
    ) as (device, _, firmware):
        device.hello()
        run_samples(device, GRAPH, [x[:1]], warmup=0)
        firmware.restart()
        time.sleep(0.2)  # the line forgets that both ends were at one rate
        run = run_samples(device, GRAPH, [x], warmup=0)
    assert (run.outputs[1] == expected(x)).all()
    assert len(run.interrupted) == 1 and "was reset" in run.interrupted[0]


def test_a_wrong_rate_is_named(board: Board, elf: Path) -> None:
    from edgekit.link.device import Device

    with faulty(board, elf, (), 0.0, 2, rates=True) as (device, line, _):
        device.close()
        with open_serial(line.path(), 57_600) as port:
            time.sleep(2 * IN_FLIGHT_S)
            with pytest.raises(DeviceError, match="talks at 115200 baud, not at 57600") as caught:
                Device(port, timeout_s=0.2, baud=57_600).hello()
    assert "baud = 115200" in caught.value.hint


def test_the_line_itself_loses_nothing() -> None:
    """Without faults every byte comes through, both ways."""
    master, slave = os.openpty()
    fault_rig.as_it_is(slave)
    data = bytes(range(256)) * 8
    with FaultLine(slave, (), 0.0, 1) as line, open_serial(line.path(), 115_200) as port:
        port.write(data)
        got = b""
        while len(got) < len(data):
            got += os.read(master, 4096)
        os.write(master, data)
        back = b""
        while len(back) < len(data):
            back += port.read(max(1, port.in_waiting))
    os.close(master)
    os.close(slave)
    assert got == back == data
