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
from edgekit.boards import DEFAULT_BOARD, all_boards, board_ids, load_board
from edgekit.errors import EdgekitError
from edgekit.resources import resource_dir

VALID = Path(__file__).parents[1] / "boards" / "valid.toml"


def test_the_boards_are_there_and_sorted() -> None:
    ids = [board.id for board in all_boards()]
    assert ids == sorted(ids) == board_ids()
    assert {
        "native",
        "qemu-mps2-an385",
        "qemu-mps2-an386",
        "qemu-mps2-an500",
        "qemu-mps2-an505",
        "qemu-mps3-an547",
    } <= set(ids)
    assert DEFAULT_BOARD in ids


@pytest.mark.parametrize("name", board_ids())
def test_a_board_file_is_named_after_its_id_and_has_a_port(name: str) -> None:
    board = load_board(name)
    assert board.id == name
    assert board.file is not None and board.file.stem == name
    assert (resource_dir("firmware") / "port" / board.build.port).is_dir()
    assert int(board.build.defines["EK_STACK_BYTES"]) > 0


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
    assert board.file == VALID.resolve()


def test_a_real_board_has_no_emulator(tmp_path: Path) -> None:
    text = VALID.read_text()
    own = tmp_path / "own.toml"
    own.write_text(text[: text.index("[emulator]")])
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
        ("zzz", "known boards: native, qemu"),
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
