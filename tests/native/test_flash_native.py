# SPDX-License-Identifier: Apache-2.0
"""The whole way plan - run - hello: on emulated boards, and on a board played by real firmware."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

import edgekit
from edgekit.boards import load_board
from edgekit.errors import DeviceError, EdgekitError
from edgekit.link import ports as port_list
from edgekit.link import reenumerate
from edgekit.link.frame import encode_frame
from edgekit.link.messages import LOG, pack
from edgekit.link.ports import SerialPort
from edgekit.verbs._plugged import find_board
from edgekit.verbs.flash import read_images
from tests.fakes.plugged import Desk, board_file, desk
from tests.support.boards import board_params, emulated
from tests.support.small_models import dense_model

FLASHED = board_params(
    [load_board("native"), *(b for b in emulated() if "mps" not in b.id or b.id.endswith("an386"))]
)


def _plug(monkeypatch: pytest.MonkeyPatch, *plugged: SerialPort) -> None:
    """This computer's list of ports, for as long as the test runs."""
    monkeypatch.setattr(port_list, "plugged_ports", lambda: list(plugged))
    monkeypatch.setattr(reenumerate, "plugged_ports", lambda: list(plugged))
    monkeypatch.setattr("edgekit.verbs._flashing.plugged_ports", lambda: list(plugged))


def _built(folder: Path, board: str, *, units: int = 4) -> Path:
    model = dense_model(folder / "small.tflite", units=units)
    edgekit.firmware(model, board=board, out=folder / "fw")
    edgekit.build(folder / "fw")
    return folder / "fw"


@pytest.mark.parametrize("board", FLASHED)
def test_an_emulated_board_is_flashed_by_booting_it(tmp_path: Path, board: str) -> None:
    folder = _built(tmp_path, board)
    record = edgekit.flash(folder)
    assert [step["kind"] for step in record.steps] == ["boot", "hello"]
    assert record.hello is not None
    assert (record.hello.board, record.hello.model_name) == (board, "small")
    assert record.unproven == "" and record.tried == "emulated"
    build_id = (folder / "ek_board.h").read_text().partition('EK_BUILD_ID "')[2][:16]
    assert record.hello.build_id == build_id


def test_a_dry_run_boots_nothing(tmp_path: Path) -> None:
    folder = _built(tmp_path, "native")
    record = edgekit.flash(folder, dry_run=True)
    assert record.hello is None and record.dry_run
    assert record.steps[0]["command"] == str(folder / "build" / "firmware.elf")


def test_a_project_that_is_not_built(tmp_path: Path) -> None:
    edgekit.firmware(dense_model(tmp_path / "m.tflite"), board="native", out=tmp_path / "fw")
    with pytest.raises(EdgekitError, match="is not built"):
        edgekit.flash(tmp_path / "fw")


@pytest.fixture
def plugged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    """A board that nothing runs on yet, its flasher first on PATH."""
    with desk(tmp_path) as found:
        monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
        _plug(monkeypatch, found.port, SerialPort("/dev/ttyS0"))
        yield found


def test_a_plugged_in_board_is_found_flashed_and_asked(tmp_path: Path, plugged: Desk) -> None:
    folder = _built(tmp_path, str(board_file(tmp_path)))
    record = edgekit.flash(folder)
    assert (record.tool, record.port) == ("openocd", plugged.device)
    assert [step["kind"] for step in record.steps] == ["run", "hello"]
    assert record.hello is not None and record.hello.board == "desk-board"
    elf = folder / "build" / "firmware.elf"
    assert plugged.arguments() == [
        "-f",
        "board/desk.cfg",
        "-c",
        "adapter serial 066F",
        "-c",
        f"program {{{elf}}} verify reset exit",
    ]


def test_deploy_at_auto_goes_from_the_model_to_the_table(tmp_path: Path, plugged: Desk) -> None:
    model = dense_model(tmp_path / "small.tflite")
    record = edgekit.deploy(
        model, out=tmp_path / "out", board=str(board_file(tmp_path)), port="auto", eval_samples=7
    )
    assert record.flash is not None and record.flash.port == plugged.device
    assert (record.bench.board, record.bench.bit_exact) == ("desk-board", 7)
    assert record.bench.kind == "measured"
    again = edgekit.bench(tmp_path / "out" / "fw", port="id:066f", eval_samples=3)
    assert again.bit_exact == 3


def test_a_board_that_keeps_its_old_firmware_is_found_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The flasher ends well and has done nothing."""
    (tmp_path / "old").mkdir()
    mine = board_file(tmp_path)
    old = _built(tmp_path / "old", str(mine), units=3) / "build" / "firmware.elf"
    folder = _built(tmp_path, str(mine))
    with desk(tmp_path, old, flasher="#!/bin/sh\nexit 0\n") as found:
        monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
        _plug(monkeypatch, found.port)
        with pytest.raises(DeviceError, match="the board still runs another model: 'small'"):
            edgekit.flash(folder)


def test_another_boards_firmware_is_found_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "old").mkdir()
    old = _built(tmp_path / "old", "native") / "build" / "firmware.elf"
    folder = _built(tmp_path, str(board_file(tmp_path)))
    with desk(tmp_path, old, flasher="#!/bin/sh\nexit 0\n") as found:
        monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
        _plug(monkeypatch, found.port)
        with pytest.raises(DeviceError, match="is of board 'native', not 'desk-board'"):
            edgekit.flash(folder)


def test_a_flasher_that_fails_is_quoted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = _built(tmp_path, str(board_file(tmp_path)))
    text = "#!/bin/sh\necho 'Error: unable to open the probe' >&2\nexit 1\n"
    with desk(tmp_path, flasher=text) as found:
        monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
        _plug(monkeypatch, found.port)
        with pytest.raises(EdgekitError, match="failed at 'write, verify, reset'") as caught:
            edgekit.flash(folder)
    assert "unable to open the probe" in str(caught.value)
    assert "openocd -f board/desk.cfg" in caught.value.hint


def test_two_boards_of_one_kind_are_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = _built(tmp_path, str(board_file(tmp_path)))
    twins = [SerialPort(f"/dev/ttyNONE{n}", 0x0483, 0x374B, f"0{n}") for n in (1, 2)]
    _plug(monkeypatch, *twins)
    with pytest.raises(DeviceError, match="'auto' fits 2 ports: /dev/ttyNONE1 0483:374b 01"):
        edgekit.flash(folder)


def test_hello_tells_which_board_is_plugged_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The USB id fits three boards; the firmware there says that it is a fourth."""
    model = dense_model(tmp_path / "small.tflite")
    edgekit.deploy(model, out=tmp_path / "before", board="native", eval_samples=1)
    elf = tmp_path / "before" / "fw" / "build" / "firmware.elf"
    with desk(tmp_path, elf) as found:
        _plug(monkeypatch, found.port)
        board, device = find_board("auto", load_board("qemu-mps2-an386"))
        assert (board.id, device) == ("native", found.device)
        (asked,) = edgekit.ports(ask=True)
        assert asked.hello is not None and asked.hello.board == "native"
        assert {match.board for match in asked.boards} >= {"nucleo-l4r5zi", "nucleo-f446re"}
        record = edgekit.deploy(model, out=tmp_path / "out", port="auto", eval_samples=5)
    assert (record.bench.board, record.bench.bit_exact, record.flash) == ("native", 5, None)


def test_a_silent_board_of_three_candidates_is_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with desk(tmp_path) as found:
        _plug(monkeypatch, found.port)
        with pytest.raises(DeviceError, match="may be nucleo-f446re or nucleo-l4r5zi or") as caught:
            find_board("auto", load_board("native"))
    assert "--board nucleo-f446re" in caught.value.hint


def test_what_is_read_of_a_build(tmp_path: Path) -> None:
    images = read_images(_built(tmp_path, "native"))
    assert images.bin is None and images.bare_metal
    assert images.expected["board"] == "native"


def test_the_monitor_shows_frames_and_text_in_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A line that text, a log frame and noise arrive on, over a real pseudo terminal."""
    log = encode_frame(LOG.number, 0, pack(LOG.reply, {"text": "model ready"}))
    said = tmp_path / "said"
    said.write_bytes(b"boot v1\r\n" + b"\0" + log + b"gr\xc3\xbcn\n" + b"\xff\x13\x80\0")
    speaker = tmp_path / "speaker"
    speaker.write_text(f"#!/bin/sh\nsleep 0.3\ncat {said}\nsleep 5\n")
    speaker.chmod(0o755)
    with desk(tmp_path, speaker) as found:
        heard = edgekit.monitor(f"port:{found.device}", seconds=1.5)
    assert [(each.kind, each.text) for each in heard] == [
        ("text", "boot v1"),
        ("log", "model ready"),
        ("text", "grün"),
        ("noise", "ff 13 80"),
    ]
    assert sorted(each.at_s for each in heard) == [each.at_s for each in heard]
    assert heard[0].clock[4] == "-" and heard[0].clock[10] == "T"
