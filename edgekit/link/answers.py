# SPDX-License-Identifier: Apache-2.0
"""What a device answers, as values."""

from __future__ import annotations

from dataclasses import dataclass

from edgekit.link import messages

# TFLite's TensorType numbers, which ek_model.h uses too.
DTYPES = {0: "float32", 2: "int32", 3: "uint8", 4: "int64", 6: "bool", 7: "int16", 9: "int8"}


@dataclass(frozen=True, slots=True)
class Hello:
    """Who answers. `counter_hz` is 0 where the counter was not seen moving. `boot_id` is another
    after each start; `max_baud` is the most that the board's way to the host carries.

    `counter_overhead_ticks` is what reading the counter costs; results are already without it.
    """

    protocol_version: int
    max_payload: int
    counter_hz: int
    counter_overhead_ticks: int
    model_status: int
    input_count: int
    output_count: int
    op_count: int
    flags: int
    arena_bytes: int
    build_id: str
    board: str
    counter: str
    model_name: str
    runtime: str
    model_sha256: str
    runtime_version: str = ""
    kernels: str = ""
    nonce: int = 0
    boot_id: int = 0
    max_baud: int = 0

    def same_firmware(self, other: Hello) -> bool:
        """Whether `other` is of the same build on the same board, whenever it was started."""
        mine = (self.board, self.build_id, self.model_sha256, self.protocol_version)
        return mine == (other.board, other.build_id, other.model_sha256, other.protocol_version)

    @property
    def has_invoke_op(self) -> bool:
        """Whether ops can be run and timed one by one."""
        return bool(self.flags & messages.HAS_INVOKE_OP)

    @property
    def has_arena(self) -> bool:
        """Whether tensors inside the model can be read."""
        return bool(self.flags & messages.HAS_ARENA)

    @property
    def has_op_output(self) -> bool:
        """Whether the outputs of the op that was run last can be read."""
        return bool(self.flags & messages.HAS_OP_OUTPUT)


@dataclass(frozen=True, slots=True)
class TensorInfo:
    """One input or output as the device has it; `dtype` is numpy's name."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    scale: float
    zero_point: int
    bytes: int


@dataclass(frozen=True, slots=True)
class MemoryUse:
    """RAM on the device. The stack's mark is the deepest since the device started.

    `arena_used_bytes` is what the runtime took of the arena, with its scratch buffers. Both
    stack figures are 0 where the port cannot know its stack.
    """

    arena_bytes: int
    arena_used_bytes: int
    stack_used_bytes: int
    stack_reserved_bytes: int
