# SPDX-License-Identifier: Apache-2.0
"""Estimated cycles of an emulated board: a QEMU plugin that knows what Arm's manuals say.

The plugin (firmware/emulator/ek_cycles.c) is built with this computer's compiler when it is first
wanted, and kept in the user's cache folder. It notes its sums each time the firmware reads its
counter, which it does around whatever it times: what lies between two notes, less what an empty
pair costs, is the timed work.
"""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import os
import re
import struct
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgekit.boards import Board
from edgekit.errors import EdgekitError
from edgekit.link.device import Device
from edgekit.resources import resource_dir
from edgekit.tools import run_tool

# Core of a board -> the core whose timings are charged.
MODELS = {
    "cortex-m0plus": "cortex-m0plus",
    "cortex-m3": "cortex-m3",
    "cortex-m4": "cortex-m4",
    "cortex-m33": "cortex-m4",
}
LIMITS = (
    "instruction timings of Arm's reference manuals; no flash wait states, no fetch or store"
    " buffer stalls; divisions at 8 cycles; skipped instructions of IT blocks count in full"
)
NOT_ITS_OWN = "; charged as a Cortex-M4, Arm publishes no timings of this core"
TIMED_BY = "ek_port_ticks"
# Those whose plugin interface is version 1; 7.2 was tried.
FIRST_QEMU, LAST_QEMU = (6, 0), (8, 99)
TOOL_TIMEOUT_S = 60.0
_HEADER = struct.Struct("<4Q")  # magic, marks noted, marks kept, unused
_MARK = struct.Struct("<2Q")  # instructions, cycles
_MAGIC = 0x656B6379636C6573


@dataclass(frozen=True, slots=True)
class Cost:
    """Executed instructions (as emulated) and estimated cycles."""

    instructions: int
    cycles: int

    def __sub__(self, other: Cost) -> Cost:
        return Cost(self.instructions - other.instructions, self.cycles - other.cycles)


class Meter:
    """Reads what the plugin notes. `plugin` is QEMU's option; "" where there is no estimate, and
    `reason` then says why."""

    def __init__(self, plugin: str = "", file: Path | None = None, reason: str = "") -> None:
        self.plugin, self.reason = plugin, reason
        self._file = file

    def marks(self) -> list[Cost]:
        """All notes so far, the oldest first; none where there were too many to keep."""
        if self._file is None or not self._file.exists() or not self._file.stat().st_size:
            return []
        memory = self._file.read_bytes()
        magic, count, kept, _ = _HEADER.unpack_from(memory)
        if magic != _MAGIC or count > kept:
            return []  # not begun; or so much that the first notes are gone
        return [Cost(*pair) for pair in _MARK.iter_unpack(memory[_HEADER.size :])][:count]


class Metered:
    """A device whose runs and profiles are metered: `runs` one Cost each, `profiles` one per op.

    Whatever cannot be told apart (a mark too many after a request that was sent twice) is None.
    """

    def __init__(self, device: Device, meter: Meter) -> None:
        self.device, self._meter = device, meter
        self.runs: list[Cost | None] = []
        self.profiles: list[tuple[Cost, ...] | None] = []

    @property
    def reason(self) -> str:
        """Why nothing is metered, "" where it is."""
        return self._meter.reason

    def __getattr__(self, name: str) -> Any:
        return getattr(self.device, name)

    def run(self) -> int:
        ticks, costs = self._timed(self.device.run)
        self.runs.append(costs[0] if len(costs) == 1 else None)
        return int(ticks)

    def sample(self, inputs: Sequence[bytes]) -> tuple[int, list[bytes]]:
        result, costs = self._timed(lambda: self.device.sample(inputs))
        self.runs.append(costs[0] if len(costs) == 1 else None)
        return int(result[0]), list(result[1])

    def profile(self) -> list[int]:
        ticks, costs = self._timed(self.device.profile)
        self.profiles.append(costs if len(costs) == len(ticks) else None)
        return list(ticks)

    def _timed(self, call: Any) -> tuple[Any, tuple[Cost, ...]]:
        before = self._meter.marks()
        result = call()
        marks = self._meter.marks()[len(before) :]
        # Firmware probes its counter as it starts: the least between two reads is an empty pair.
        gaps = [b - a for a, b in itertools.pairwise(before)]
        if not gaps or len(marks) % 2:
            return result, ()
        empty = min(gaps, key=lambda cost: cost.cycles)
        pairs = zip(marks[::2], marks[1::2], strict=True)
        return result, tuple(end - start - empty for start, end in pairs)


@contextmanager
def start_meter(board: Board, elf: Path, *, port: str = "") -> Iterator[Meter]:
    """A meter for `board`, whose `plugin` goes to `open_board`. Never fails: it then has none."""
    if board.emulator is None or board.emulator.program == "native" or port:
        yield Meter(reason="only emulators that edgekit starts are estimated")
        return
    model = MODELS.get(board.core, "")
    if not model:
        yield Meter(reason=f"there is no cycle model of the {board.core}")
        return
    try:
        plugin = build_plugin()
        address = symbol_address(elf, TIMED_BY)
        _check_qemu(board.emulator.program, plugin)
    except (EdgekitError, OSError) as error:
        yield Meter(reason=str(error).splitlines()[0])
        return
    with tempfile.TemporaryDirectory(prefix="edgekit-cycles-") as folder:
        file = Path(folder) / "marks"
        option = f"{plugin},core={model},mark={address:#x},out={file}"
        yield Meter(option, file)


def limits_of(core: str) -> str:
    """What the estimate for a core leaves out, in words."""
    return LIMITS + ("" if MODELS.get(core) == core else NOT_ITS_OWN)


def build_plugin() -> Path:
    """The plugin built for this computer, from the cache where it is there."""
    source = resource_dir("firmware") / "emulator" / "ek_cycles.c"
    stamp = hashlib.sha256(source.read_bytes()).hexdigest()[:16]
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    made = base / "edgekit" / f"ek_cycles-{stamp}.so"
    if not made.is_file():
        made.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=made.parent, suffix=".so")
        os.close(handle)
        try:
            flags = ("-std=gnu99", "-O2", "-shared", "-fPIC", "-o", name)
            run_tool("cc", *flags, source, timeout_s=TOOL_TIMEOUT_S)
            Path(name).replace(made)  # whole or not at all, whoever else builds it
        finally:
            with contextlib.suppress(FileNotFoundError):
                Path(name).unlink()
    return made


def symbol_address(elf: Path, name: str) -> int:
    """Address of a function's first instruction; EdgekitError where the ELF does not name it."""
    from elftools.elf.elffile import ELFFile
    from elftools.elf.sections import SymbolTableSection

    with elf.open("rb") as file:
        table = ELFFile(file).get_section_by_name(".symtab")
        found = table.get_symbol_by_name(name) if isinstance(table, SymbolTableSection) else None
    if not found:
        raise EdgekitError(f"'{elf.name}' does not name {name}", hint="build it with symbols")
    return int(found[0]["st_value"]) & ~1  # without the mark of Thumb code


def _check_qemu(program: str, plugin: Path) -> None:
    """EdgekitError where this QEMU takes no plugins, or another version's."""
    said = run_tool(program, "-plugin", f"{plugin}", "-version", timeout_s=TOOL_TIMEOUT_S)
    found = re.search(r"version (\d+)\.(\d+)", said)
    version = (int(found[1]), int(found[2])) if found else (0, 0)
    if not FIRST_QEMU <= version <= LAST_QEMU:
        raise EdgekitError(
            f"the plugin interface of {program} {version[0]}.{version[1]} was not tried",
            hint="QEMU 6.0 to 8.2 estimate cycles",
        )
