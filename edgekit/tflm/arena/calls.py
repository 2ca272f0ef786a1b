# SPDX-License-Identifier: Apache-2.0
"""The calls that an AllocateTensors makes to its allocator, in order, and what they need.

Persistent buffers grow down from the arena's end. The head holds the table of scratch requests,
later the activations; temporary buffers lie on top of it until they are reset.
(arena_allocator/single_arena_buffer_allocator.cc)
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from edgekit.tflm.arena.abi import align_up

ARENA_ALIGNMENT = 16


@dataclass(frozen=True, slots=True)
class Call:
    """`kind` is "persistent", "temp", "reset" (of all temps), "head" (its new size) or "room".

    "room" is the memory planner's working space: `bytes` have to fit between aligned ends.
    """

    kind: str
    bytes: int = 0
    alignment: int = 1
    part: str = ""


@dataclass(slots=True)
class Need:
    """What the calls need where the arena's size is `residue` modulo 16."""

    residue: int
    least_bytes: int = 0
    least_part: str = ""
    head_bytes: int = 0
    temp_bytes: int = 0
    tail_bytes: int = 0
    parts: Counter[str] = field(default_factory=Counter)

    @property
    def used_bytes(self) -> int:
        """What `MicroInterpreter::arena_used_bytes` reports afterwards."""
        return self.head_bytes + self.tail_bytes

    def add(self, call: Call) -> None:
        """Follows one call."""
        if call.kind == "persistent":
            self._persistent(call)
        elif call.kind == "temp":
            self.temp_bytes = align_up(self.temp_bytes, call.alignment) + call.bytes
        elif call.kind == "reset":
            self.temp_bytes = self.head_bytes
        elif call.kind == "head":
            self.head_bytes = self.temp_bytes = call.bytes
        room = self._room(call.bytes) if call.kind == "room" else 0
        self._at_least(max(self.temp_bytes, room) + self.tail_bytes, call.part)

    def _persistent(self, call: Call) -> None:
        before = self.tail_bytes
        end = self.tail_bytes + call.bytes
        self.tail_bytes = end + (self.residue - end) % call.alignment
        self.parts[call.part] += self.tail_bytes - before

    def _room(self, size: int) -> int:
        lost = (self.residue - self.tail_bytes) % ARENA_ALIGNMENT
        return align_up(self.temp_bytes, ARENA_ALIGNMENT) + size + lost

    def _at_least(self, size: int, part: str) -> None:
        size += (self.residue - size) % ARENA_ALIGNMENT
        if size > self.least_bytes:
            self.least_bytes, self.least_part = size, part


def needs(calls: list[Call], residue: int = 0) -> Need:
    """What `calls` need of an arena whose start is aligned and whose size is so modulo 16."""
    need = Need(residue)
    for call in calls:
        need.add(call)
    return need
