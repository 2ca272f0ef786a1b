# SPDX-License-Identifier: Apache-2.0
"""docs/link.md says what the code does: its numbers are held against the code's."""

from __future__ import annotations

import json
import re
from pathlib import Path

from edgekit.link import frame, pace, session, transport
from edgekit.link.messages import ERROR, LOG, MAX_PAYLOAD, MESSAGES
from edgekit.measure.steady import INTERRUPTIONS

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "link.md").read_text()
FLAT = " ".join(PAGE.split())
NUMBERS = {3: "three", 9: "nine", 12: "twelve", 6: "six"}


def test_every_message_is_there_with_its_number() -> None:
    rows = re.findall(r"^\| (\d+) \| `(\w+)` \|", PAGE, re.M)
    assert [(int(n), name) for n, name in rows] == [
        (message.number, message.name) for message in (*MESSAGES, LOG, ERROR)
    ]


def test_the_frame_is_laid_out_as_it_says() -> None:
    fields = re.findall(
        r"^\| (\d+)(?: to (\d+))? \| ([\w -]+) \|", PAGE.split("## Messages")[0], re.M
    )
    sizes = {name: int(size) for size, most, name in fields if not most}
    assert list(sizes) == ["version", "kind", "zero", "request id", "session", "CRC-32"]
    plain = frame.encode_frame(1, 2, b"", session=3)
    # one byte for COBS, one zero at the end
    assert sum(sizes.values()) + 2 == len(plain)
    assert [int(most) for _, most, name in fields if name == "payload"] == [MAX_PAYLOAD]
    assert f"of the protocol: {frame.PROTOCOL_VERSION} " in FLAT
    assert f"the byte `{frame.FIRST_BYTE:02x}`" in FLAT


def test_limits_and_waits_are_the_codes() -> None:
    for words in (
        f"{NUMBERS[session.DAMAGE_LIMIT + 1]} complaints about one request",
        f"{NUMBERS[INTERRUPTIONS]} times in a row",
        f"tried again for {transport.OPEN_PATIENCE_S:g} s",
        f"after {pace.FLOOR_S * 1000:.0f} ms and one and a half times",
        f"{NUMBERS[session.ATTEMPTS]} times 2 s",
        f"after {session.LONG_SPARE_S:g} s and ten times the longest",
    ):
        assert words in FLAT, words
    damaged = re.search(r"EK_DAMAGED_AT_BAUD (\d+)u", _source("ek_commands.c"))
    assert damaged is not None and f"after {NUMBERS[int(damaged[1])]} damaged frames" in FLAT
    assert session.LONG_TIMES == 10.0 and pace._MEANS == 1.5


def test_the_fault_table_is_that_of_the_results() -> None:
    runs = json.loads((ROOT / "benchmarks" / "results" / "link_faults.json").read_text())["runs"]
    assert not [run for run in runs if run["outcome"] == "wrong"]
    at_five = [run for run in runs if run["rate"] == 0.05]
    assert {run["board"] for run in at_five} == {"native", "qemu-mps2-an386"}
    for run in at_five:
        shown = f"{run['frames']:,}"
        row = next(line for line in PAGE.splitlines() if _is_row(line, run))
        assert shown in row, row


def _is_row(line: str, run: dict[str, object]) -> bool:
    cells = [cell.strip() for cell in line.split("|")]
    return cells[1:4] == [run["board"], run["fault"], "5%"]


def _source(name: str) -> str:
    return (ROOT / "firmware" / "app" / name).read_text()
