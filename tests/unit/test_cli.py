# SPDX-License-Identifier: Apache-2.0
"""The command as a user meets it: a process, its exit code, and what is on which stream."""

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import edgekit
from tests.support.small_models import dense_model

VERBS = [verb.replace("_", "-") for verb in edgekit.VERBS]


def run(*arguments: str, cwd: Path | None = None, **env: str) -> subprocess.CompletedProcess[str]:
    plain = {"NO_COLOR": "1", "COLUMNS": "100"}
    return subprocess.run(
        [sys.executable, "-m", "edgekit", *arguments],
        capture_output=True,
        text=True,
        cwd=cwd,
        env={**os.environ, **plain, **env},
        timeout=120,
    )


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return dense_model(tmp_path / "small.tflite")


@pytest.mark.parametrize("verb", VERBS)
def test_help_has_examples(verb: str) -> None:
    done = run(verb, "--help")
    assert done.returncode == 0
    assert "Examples" in done.stdout
    assert f"$ edgekit {verb}" in done.stdout
    assert "--json" in done.stdout and "--debug" in done.stdout


def test_the_list_of_verbs_is_whole() -> None:
    shown = run("--help").stdout
    assert all(re.search(rf"^\S? *{verb} ", shown, flags=re.MULTILINE) for verb in VERBS)


def test_version() -> None:
    assert run("--version").stdout == f"edgekit {edgekit.__version__}\n"


@pytest.mark.parametrize("arguments", [("boards",), ("--help",), ("deploy", "--help")])
def test_light_commands_load_nothing_heavy(arguments: tuple[str, ...]) -> None:
    code = (
        "import sys; sys.argv = ['edgekit', *sys.argv[1:]]\n"
        "from edgekit.cli.app import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "heavy = {'numpy', 'tensorflow', 'keras', 'serial', 'jinja2', 'matplotlib', 'tflite'}\n"
        "sys.exit(', '.join(heavy & set(sys.modules)) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("deply",), "Did you mean 'deploy'"),
        (("deploy", "m.tflite", "--bord", "x"), "did you mean '--board'"),
        (("deploy",), "MODEL"),
        (("bench", "fw", "--eval-samples", "0"), "eval-samples"),
        (("firmware", "m.tflite", "--runtime", "tflite"), "aot"),
    ],
)
def test_usage_errors_are_two_lines_and_code_2(arguments: tuple[str, ...], words: str) -> None:
    done = run(*arguments)
    assert done.returncode == 2
    assert done.stdout == ""
    lines = done.stderr.splitlines()
    assert len(lines) == 2
    assert lines[0].startswith("error: ") and lines[1].startswith("hint: ")
    assert words.lower() in done.stderr.lower()


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("inspect", "gone.tflite"), 2, "gone.tflite"),
        (("bench", "nowhere"), 2, "no record"),
        (("build", "nowhere"), 2, "no record"),
        (("deploy", "gone.keras"), 2, "there is no model 'gone.keras'"),
        (("firmware", "small.tflite", "--board", "qemu-mps2-an387"), 2, "qemu-mps2-an386"),
        (("deploy", "small.tflite", "--sparsity", "0.5", "--board", "native"), 2, "pruned"),
        (("firmware", "small.tflite", "-o", "small.tflite/fw"), 2, "is not a folder"),
    ],
)
def test_errors_are_one_line_and_a_hint(
    arguments: tuple[str, ...], code: int, words: str, tmp_path: Path, model: Path
) -> None:
    done = run(*arguments, cwd=tmp_path)
    assert done.returncode == code
    assert "Traceback" not in done.stderr
    assert done.stderr.splitlines()[0].startswith("error: ")
    assert "hint:" in done.stderr
    assert words in done.stderr


def test_debug_shows_the_traceback(tmp_path: Path) -> None:
    done = run("inspect", str(tmp_path / "gone.tflite"), "--debug")
    assert done.returncode == 2
    assert "Traceback" in done.stderr and "EdgekitError" in done.stderr


def test_an_error_leaves_stdout_empty_with_json(tmp_path: Path) -> None:
    done = run("inspect", str(tmp_path / "gone.tflite"), "--json")
    assert (done.returncode, done.stdout) == (2, "")


def test_json_is_all_there_is(model: Path) -> None:
    done = run("inspect", str(model), "--json")
    body = json.loads(done.stdout)
    assert body["tflite"] == str(model)
    assert body["macs"] == 72
    assert done.stderr == ""


def test_tables_go_to_stderr(model: Path) -> None:
    done = run("inspect", str(model))
    assert done.stdout == ""
    assert "FULLY_CONNECTED" in done.stderr
    assert "\x1b" not in done.stderr


def test_boards_as_json_are_the_api(root: Path) -> None:
    body = json.loads(run("boards", "--json").stdout)
    assert [board["id"] for board in body] == [board.id for board in edgekit.boards()]


def test_the_board_may_come_from_the_environment(tmp_path: Path, model: Path) -> None:
    done = run("firmware", str(model), "-o", str(tmp_path / "fw"), EDGEKIT_BOARD="qemu-mps2-an505")
    assert done.returncode == 0, done.stderr
    assert "qemu-mps2-an505" in done.stderr


def test_no_bars_off_a_terminal(tmp_path: Path, model: Path) -> None:
    done = run("firmware", str(model), "-o", str(tmp_path / "fw"))
    assert "━" not in done.stderr


def test_ctrl_c_is_130() -> None:
    code = (
        "import sys, edgekit.verbs.boards as verb\n"
        "def interrupted(): raise KeyboardInterrupt\n"
        "verb.boards = interrupted\n"
        "sys.argv = ['edgekit', 'boards']\n"
        "from edgekit.cli.app import main; main()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 128 + signal.SIGINT
    assert "Traceback" not in done.stderr
    assert "interrupted" in done.stderr


def test_a_mistake_of_edgekits_own_is_said_as_such() -> None:
    code = (
        "import sys, edgekit.verbs.boards as verb\n"
        "def broken(): raise ZeroDivisionError('x')\n"
        "verb.boards = broken\n"
        "sys.argv = ['edgekit', 'boards']\n"
        "from edgekit.cli.app import main; main()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 2
    assert "failed unexpectedly: ZeroDivisionError" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("columns", ["80", "120"])
def test_numbers_are_never_cut(model: Path, columns: str) -> None:
    from io import StringIO

    from rich.console import Console

    from edgekit.artifacts import plain
    from edgekit.cli.info_tables import show_boards
    from edgekit.cli.tables import show_inspect

    out = StringIO()
    console = Console(file=out, width=int(columns), force_terminal=False)
    show_inspect(console, plain(edgekit.inspect(model)))
    show_boards(console, plain(edgekit.boards()))
    text = out.getvalue()
    assert max(len(line) for line in text.splitlines()) <= int(columns)
    assert "4,096 KiB" in text and "50.0 %" in text
    table_lines = [line for line in text.splitlines() if "FULLY_CONNECTED" in line]
    assert len(table_lines) == 2
    assert not any("…" in line for line in table_lines)
