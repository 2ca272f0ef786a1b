# SPDX-License-Identifier: Apache-2.0
"""Estimated cycles of a bench on an emulated board: opened with the meter, told in the record."""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgekit.boards import Board
from edgekit.link.cycles import MODELS, Metered, limits_of, start_meter
from edgekit.link.emulator import open_board

TORN = "the emulator timed something else than was asked, by a request that was sent twice"


@dataclass(frozen=True, slots=True)
class Cycles:
    """`facts` are the record's, None for a board that is measured; `layers` one number per op."""

    facts: dict[str, Any] | None
    layers: tuple[int, ...] = ()

    def of_layer(self, position: int) -> dict[str, int]:
        return {"cycles": self.layers[position]} if self.layers else {}


@contextmanager
def metered_board(board: Board, elf: Path, *, port: str) -> Iterator[Metered]:
    """The device of `open_board`; an emulator's runs and profiles are metered where that can be."""
    with (
        start_meter(board, elf, port=port) as meter,
        open_board(board, elf, port=port, plugin=meter.plugin) as device,
    ):
        yield Metered(device, meter)


def cycles_of(device: Metered, board: Board, *, warmup: int) -> Cycles:
    """What was metered, less the first `warmup` runs."""
    if board.kind != "emulated":
        return Cycles(None)
    runs = [cost.cycles for cost in device.runs[warmup:] if cost is not None]
    if not runs or len(runs) != len(device.runs) - warmup:
        return Cycles(_no_facts(device.reason or TORN))
    facts = {
        "estimated": round(statistics.median(runs)),
        "min": min(runs),
        "max": max(runs),
        "model": MODELS[board.core],
        "limits": limits_of(board.core),
    }
    rounds = [[cost.cycles for cost in costs] for costs in device.profiles if costs is not None]
    layers = tuple(round(statistics.median(column)) for column in zip(*rounds, strict=True))
    return Cycles(facts, layers)


def _no_facts(reason: str) -> dict[str, Any]:
    return {"estimated": None, "min": None, "max": None, "model": "", "limits": reason}
