# SPDX-License-Identifier: Apache-2.0
"""The firmware's frame and command code under a fuzzer, or under its corpus alone.

`python -m tests.support.fuzzing SECONDS` needs clang with libFuzzer: it fuzzes for so long, says
what it found, and leaves new inputs in tests/fuzz/found. `python -m tests.support.fuzzing seeds`
writes the seeds of the corpus anew. `python -m tests.support.fuzzing minimize` takes what was
found over into the corpus, as few small inputs as reach the same code.
"""

from __future__ import annotations

import struct
import subprocess
import sys
import tempfile
from pathlib import Path

from edgekit.boards import load_board
from edgekit.link.frame import encode_frame
from edgekit.link.messages import BY_NAME
from edgekit.resources import resource_dir
from tests.fakes.app_build import SANITIZERS, WARNINGS, write_headers

FUZZ = Path(__file__).parents[1] / "fuzz"
CORPUS = FUZZ / "corpus"
FOUND = FUZZ / "found"
LONGEST_BYTES = 4096


def build(folder: Path, *, libfuzzer: bool) -> Path:
    """The fuzz target in `folder`: with libFuzzer by clang, else by gcc with a main of its own."""
    app = resource_dir("firmware") / "app"
    write_headers(load_board("native"), folder)
    skipped = {"main.c", "ek_model_empty.c"}
    sources = [path for path in sorted(app.glob("*.c")) if path.name not in skipped]
    sources += [FUZZ / "ek_fuzz.c", FUZZ / "ek_fuzz_model.c"]
    command = ["clang", "-fsanitize=fuzzer"] if libfuzzer else ["gcc"]
    sources += [] if libfuzzer else [FUZZ / "ek_fuzz_main.c"]
    program = folder / "ek_fuzz"
    flags = [*WARNINGS, *SANITIZERS, f"-I{folder}", f"-I{app}", f"-I{app.parent / 'port'}"]
    done = subprocess.run(
        [*command, *flags, *map(str, sources), "-o", str(program)], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return program


def _record(kind: int, payload: bytes = b"", how: int = 0) -> bytes:
    return bytes([kind, how, len(payload)]) + payload


def seeds() -> dict[str, bytes]:
    """One input for each message and each way in which a frame can be wrong."""
    messages = {name: message.number for name, message in BY_NAME.items()}
    where = struct.pack("<HI", 1, 5)
    read = struct.pack("<BHII", 1, 1, 3, 100)
    records = {
        "hello": _record(messages["hello"], b"\1\2\3\4"),
        "tensor": _record(messages["tensor"], b"\0\1\0") + _record(messages["tensor"], b"\1\1\0"),
        "load": _record(messages["load"], where + b"data" * 9),
        "load_long": _record(messages["load"], where + b"d" * 100, how=4),
        "run": _record(messages["run"]),
        "profile": _record(messages["profile"], struct.pack("<HH", 0, 7)),
        "run_ops": _record(messages["run_ops"], struct.pack("<HH", 2, 3)),
        "read": _record(messages["read"], read),
        "read_wraps": _record(messages["read"], struct.pack("<BHII", 1, 1, 2**32 - 1, 2)),
        "read_too_much": _record(messages["read"], struct.pack("<BHII", 1, 1, 0, 1100)),
        "load_wraps": _record(messages["load"], struct.pack("<HI", 1, 2**32 - 1) + b"ab"),
        "read_arena": _record(messages["read"], struct.pack("<BHII", 2, 0, 60, 4)),
        "read_op": _record(messages["read"], struct.pack("<BHII", 3, 1, 0, 1024)),
        "memory": _record(messages["memory"]),
        "reset": _record(messages["reset"]),
        "bootloader": _record(messages["bootloader"]),
        "baud": _record(messages["baud"], struct.pack("<I", 115200)),
        "sample": _record(messages["sample"], where + b"\x7f" * 40),
        "strange": _record(messages["run"], how=1),
        "late": _record(messages["run"]) + _record(messages["run"], how=2),
        "cut": _record(messages["run"])[:2] + b"\5" + b"12345" + _record(messages["run"], how=8),
        "version": _record(messages["hello"], b"\1\2\3\4", how=16),
        "damaged": _record(messages["run"], how=32),
        "short": _record(messages["run"], how=64) + _record(messages["run"], how=64 + 128),
        "unknown": _record(99, b"abc"),
    }
    made = {name: b"\0" + data for name, data in records.items()}
    raw = encode_frame(1, 7, b"\1\2\3\4")
    made["raw_hello"] = b"\1" + raw
    made["raw_half"] = b"\1" + raw[:9] + raw
    made["raw_noise"] = b"\1" + bytes(range(256)) + b"\0"
    made["raw_long"] = b"\1" + b"\xff" * 1400 + b"\0" + raw
    return made


def fuzz(seconds: int) -> int:
    """libFuzzer's exit status after so many seconds; 0 where nothing was found."""
    FOUND.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        program = build(Path(folder), libfuzzer=True)
        limits = [f"-max_total_time={seconds}", f"-max_len={LONGEST_BYTES}", "-timeout=5"]
        limits += ["-print_final_stats=1", f"-artifact_prefix={FOUND}/"]
        return subprocess.run([str(program), *limits, str(FOUND), str(CORPUS)]).returncode


def minimize() -> int:
    """The corpus as few inputs that reach what it and the new ones reach."""
    with tempfile.TemporaryDirectory() as folder:
        program = build(Path(folder), libfuzzer=True)
        merged = Path(folder) / "merged"
        merged.mkdir()
        command = [str(program), "-merge=1", f"-max_len={LONGEST_BYTES}", str(merged)]
        status = subprocess.run([*command, str(CORPUS), str(FOUND)]).returncode
        kept = sorted(merged.iterdir())
        for old in CORPUS.iterdir():
            old.unlink()
        for path in kept:
            (CORPUS / path.name).write_bytes(path.read_bytes())
    return status


if __name__ == "__main__":
    what = sys.argv[1]
    if what == "seeds":
        for name, data in seeds().items():
            (CORPUS / name).write_bytes(data)
    else:
        sys.exit(minimize() if what == "minimize" else fuzz(int(what)))
