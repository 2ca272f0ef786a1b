# SPDX-License-Identifier: Apache-2.0
"""Samples over a line that errs, to the real firmware on this computer and in QEMU.

Each run sends samples by the harness through a pseudo terminal on which every frame, in either
direction, meets a fault with the given chance (tests/support/fault_line.py), and holds what came
back against what the model should give, and the model's own count of its runs against one a
sample. A run ends right, with every sample once and in order; with an error in words; or wrong,
which must never be.

    python benchmarks/link_faults.py [--board native] [--rate 0.05] [--frames 10000] [--table]
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

from common import ROOT, conditions, table

sys.path.insert(0, str(ROOT))

from edgekit.boards import load_board
from tests.support import fault_rig
from tests.support.fault_line import FAULTS

RESULTS = Path(__file__).parent / "results" / "link_faults.json"
BOARDS = ("native", "qemu-mps2-an386")
ALL = "all of them"
KINDS = (*FAULTS, "reset", ALL)
RATES = (0.01, 0.05, 0.2)
# The full count of frames at this rate, fewer at the others: they are for the shape of the table.
FULL_RATE = 0.05
OTHERS = 5
SEED = 20
HEAD = ("board", "fault", "rate", "frames", "faults", "resent", "taken up", "samples", "outcome")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--board", action="append", choices=BOARDS, help="default: both")
    parser.add_argument("--kind", action="append", choices=KINDS, help="default: each")
    parser.add_argument("--rate", action="append", type=float, help="default: each")
    parser.add_argument("--frames", type=int, default=10_000, help="at 5 %%; a fifth elsewhere")
    parser.add_argument("--quick", action="store_true", help="5 %% alone, all faults at once alone")
    parser.add_argument("--table", action="store_true", help="show the results that are there")
    args = parser.parse_args()
    if not args.table:
        kinds = args.kind or ((ALL,) if args.quick else KINDS)
        rates = args.rate or ((FULL_RATE,) if args.quick else RATES)
        for board in args.board or BOARDS:
            _run_board(board, kinds, rates, args.frames)
    ordered = sorted(
        _written().values(), key=lambda r: (r["board"], KINDS.index(r["fault"]), r["rate"])
    )
    print(table(HEAD, [_cells(row) for row in ordered]))
    return 1 if any(row["outcome"] == "wrong" for row in ordered) else 0


def _run_board(
    name: str,
    kinds: tuple[str, ...],
    rates: tuple[float, ...],
    frames: int,
) -> None:
    board = load_board(name)
    with tempfile.TemporaryDirectory() as folder:
        elf = fault_rig.build(board, Path(folder), sanitize=name == "native")
        for rate in sorted(rates, key=lambda each: each != FULL_RATE):
            for kind in kinds:
                wanted = frames if rate == FULL_RATE else frames // OTHERS
                each = [*FAULTS, "reset"] if kind == ALL else [kind]
                samples = -(-wanted // fault_rig.FRAMES_OF_A_SAMPLE)
                outcome = fault_rig.try_line(board, elf, each, rate, SEED, samples=samples)
                row = _row(name, kind, rate, samples, outcome)
                print(json.dumps({k: row[k] for k in ("board", "fault", "rate", "outcome")}))
                _write(row)


def _row(
    board: str, kind: str, rate: float, samples: int, found: fault_rig.Outcome
) -> dict[str, Any]:
    outcome = "wrong" if found.wrong else "error" if found.error else "right"
    row = {"board": board, "fault": kind, "rate": rate, "outcome": outcome, "asked": samples}
    details = asdict(found)
    details["interrupted"] = len(found.interrupted)
    details["faults"] = sum(found.injected.values())
    return {**row, **details, "conditions": conditions()}


def _key(row: dict[str, Any]) -> str:
    return f"{row['board']} {row['fault']} {row['rate']}"


def _place(row: dict[str, Any]) -> tuple[str, int, float]:
    return row["board"], KINDS.index(row["fault"]), row["rate"]


def _cells(row: dict[str, Any]) -> list[object]:
    words = {"right": "every sample right", "wrong": f"WRONG: {row['wrong']}"}
    outcome = words.get(row["outcome"], row["error"])
    counts = (row["frames"], row["faults"], row["stats"]["resent"], row["stats"]["taken_up"])
    rate = f"{row['rate']:.0%}"
    return [row["board"], row["fault"], rate, *counts, f"{row['samples']:,}", outcome]


def _written() -> dict[str, dict[str, Any]]:
    """What the file holds, by key."""
    runs = json.loads(RESULTS.read_text())["runs"] if RESULTS.exists() else []
    return {_key(row): row for row in runs}


def _write(row: dict[str, Any]) -> None:
    """Adds a row to the file, in place of the older one; other boards may be run meanwhile."""
    RESULTS.parent.mkdir(exist_ok=True)
    rows = {**_written(), _key(row): row}
    RESULTS.write_text(json.dumps({"runs": list(rows.values())}, indent=1) + "\n")


if __name__ == "__main__":
    sys.exit(main())
