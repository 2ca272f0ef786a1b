# SPDX-License-Identifier: Apache-2.0
"""The host's view of a device on a serial port: typed questions, typed answers."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from edgekit.errors import DeviceError, DeviceTimeout
from edgekit.link import messages
from edgekit.link.frame import DELIMITER, PROTOCOL_VERSION
from edgekit.link.messages import ARENA, BY_NAME, INPUT, OP_OUTPUT, OUTPUT
from edgekit.link.session import REBUILD, Session, other_version
from edgekit.link.transport import Autopsy, Line, SerialLike
from edgekit.wait import Deadline

TIMEOUT_S = 2.0
RUN_TIMEOUT_S = 60.0
RESET_TIMEOUT_S = 10.0
# A LOAD's index and offset, before its data.
LOAD_HEADER_BYTES = len(
    messages.pack(BY_NAME["load"].request, {"index": 0, "offset": 0, "data": b""})
)

# TFLite's TensorType numbers, which ek_model.h uses too.
DTYPES = {0: "float32", 2: "int32", 3: "uint8", 4: "int64", 6: "bool", 7: "int16", 9: "int8"}


@dataclass(frozen=True, slots=True)
class Hello:
    """Who answers. `counter_hz` is 0 where the counter was not seen moving.

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


class Device:
    """A device that speaks the protocol on `port`. Every method raises DeviceError on failure.

    `timeout_s` bounds the silence after one try (plus the bytes' own time at `baud`), ATTEMPTS
    tries are made with the same request id; `run_timeout_s` bounds one run.
    """

    def __init__(
        self,
        port: SerialLike,
        *,
        timeout_s: float = TIMEOUT_S,
        run_timeout_s: float = RUN_TIMEOUT_S,
        baud: int = 115200,
        autopsy: Autopsy | None = None,
    ) -> None:
        self._line = Line(port, autopsy)
        self._session = Session(
            self._line, timeout_s=timeout_s, long_timeout_s=run_timeout_s, baud=baud
        )
        self._hello: Hello | None = None

    @property
    def logs(self) -> list[str]:
        """What the firmware said in words so far."""
        return self._session.logs

    def hello(self, *, model_sha256: str = "") -> Hello:
        """Asks who is there; with `model_sha256`, DeviceError where another model runs."""
        # a lone zero closes whatever the line held
        self._line.send(DELIMITER)
        values = self._session.ask(BY_NAME["hello"])
        found = self._hello = Hello(**values)
        if found.protocol_version != PROTOCOL_VERSION:
            raise other_version(found.protocol_version)
        if model_sha256 and found.model_sha256.lower() != model_sha256.lower():
            raise DeviceError(
                f"the board runs another model: '{found.model_name}'"
                f" ({found.model_sha256[:12] or 'none'}), not {model_sha256[:12]}",
                hint="flash the firmware that was built from this model",
            )
        return found

    def tensors(self) -> tuple[list[TensorInfo], list[TensorInfo]]:
        """The model's inputs and outputs as the device describes them."""
        known = self._known()
        return (
            [self._tensor(INPUT, i) for i in range(known.input_count)],
            [self._tensor(OUTPUT, i) for i in range(known.output_count)],
        )

    def load(self, index: int, data: bytes) -> None:
        """Writes `data` into input `index`, from its first byte on."""
        room = self._known().max_payload - LOAD_HEADER_BYTES
        for offset in range(0, len(data), room):
            part = data[offset : offset + room]
            self._session.ask(BY_NAME["load"], {"index": index, "offset": offset, "data": part})

    def run(self) -> int:
        """One invoke; ticks of the counter from its entry to its return. Load the inputs anew
        before each run: the model may use their memory for other tensors.
        """
        self._check_counter()
        return int(self._session.ask(BY_NAME["run"], long=True)["ticks"])

    def profile(self) -> list[int]:
        """Every op of the model run once in order, each timed: its ticks, in the file's order."""
        self._check_counter()
        ticks: list[int] = []
        at_once = self._known().max_payload // 4
        for first in range(0, self._known().op_count, at_once):
            last = min(first + at_once, self._known().op_count) - 1
            values = self._session.ask(
                BY_NAME["profile"], {"first": first, "last": last}, long=True
            )
            ticks += struct.unpack(f"<{last - first + 1}I", values["ticks"])
        return ticks

    def run_ops(self, first: int, last: int) -> None:
        """Runs ops `first` to `last`, both included; the inputs of `first` must be in place."""
        self._session.ask(BY_NAME["run_ops"], {"first": first, "last": last}, long=True)

    def read_output(self, index: int) -> bytes:
        """All bytes of output `index`."""
        return self._read(OUTPUT, index, 0, self._tensor(OUTPUT, index).bytes)

    def read_input(self, index: int) -> bytes:
        """All bytes of input `index`, as they are now."""
        return self._read(INPUT, index, 0, self._tensor(INPUT, index).bytes)

    def read_arena(self, offset: int, length: int) -> bytes:
        """`length` bytes of the arena from `offset` on."""
        return self._read(ARENA, 0, offset, length)

    def read_op_output(self, position: int, length: int) -> bytes:
        """The first `length` bytes of output `position` of the op that `run_ops` ran last."""
        return self._read(OP_OUTPUT, position, 0, length)

    def memory(self) -> MemoryUse:
        """Arena and stack as used so far."""
        return MemoryUse(**self._session.ask(BY_NAME["memory"]))

    def reset(self) -> Hello:
        """Starts the device anew and waits until it answers again."""
        self._session.ask(BY_NAME["reset"])
        self._hello = None
        wait = Deadline(RESET_TIMEOUT_S, f"answer from {self._line.name} after the reset")
        while True:
            # what is sent while it starts is lost: many short tries, not one long one
            self._line.send(DELIMITER)
            try:
                values = self._session.ask_within(BY_NAME["hello"], {}, total_s=0.5, try_s=0.25)
            except DeviceTimeout:
                wait.left_s()
                continue
            self._hello = Hello(**values)
            return self._hello

    def bootloader(self) -> None:
        """Sends the device into its chip's loader, from where it does not answer any more."""
        self._session.ask(BY_NAME["bootloader"])
        self._hello = None

    def _known(self) -> Hello:
        return self._hello or self.hello()

    def _check_counter(self) -> None:
        known = self._known()
        if known.counter_hz == 0:
            raise DeviceError(
                f"counter '{known.counter}' on {known.board} does not move: nothing can be timed",
                hint="this core or emulator has no such counter; set another in the board file",
            )

    def _tensor(self, space: int, index: int) -> TensorInfo:
        values = self._session.ask(BY_NAME["tensor"], {"space": space, "index": index})
        return TensorInfo(
            name=values["name"],
            dtype=DTYPES.get(values["dtype"], f"type {values['dtype']}"),
            shape=tuple(values["dims"][: values["rank"]]),
            scale=values["scale"],
            zero_point=values["zero_point"],
            bytes=values["bytes"],
        )

    def _read(self, space: int, index: int, offset: int, length: int) -> bytes:
        room = self._known().max_payload
        data = b""
        while len(data) < length:
            part = min(room, length - len(data))
            where = {"space": space, "index": index, "offset": offset + len(data), "length": part}
            got = self._session.ask(BY_NAME["read"], where)["data"]
            if len(got) != part:
                raise DeviceError(
                    f"the device sent {len(got)} bytes where {part} were asked for", hint=REBUILD
                )
            data += got
        return data
