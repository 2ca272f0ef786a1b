# SPDX-License-Identifier: Apache-2.0
"""The host's view of a device on a serial port: typed questions, typed answers."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from typing import Any

from edgekit.errors import DeviceError, DeviceTimeout, Interrupted
from edgekit.link import messages
from edgekit.link.answers import DTYPES, Hello, MemoryUse, TensorInfo
from edgekit.link.messages import ARENA, BY_NAME, INPUT, OP_OUTPUT, OUTPUT
from edgekit.link.session import REBUILD, LinkStats, Session, SessionUnknown
from edgekit.link.transport import Autopsy, Line, PortGone, Reopen, SerialLike
from edgekit.link.upkeep import Upkeep
from edgekit.wait import Deadline

TIMEOUT_S = 2.0
RUN_TIMEOUT_S = 60.0
RESET_TIMEOUT_S = 10.0
# How often a question that needs nothing of what was before is asked anew.
ASK_AGAIN = 3
# A LOAD's index and offset, before its data; a SAMPLE's are the same.
LOAD_HEADER_BYTES = len(
    messages.pack(BY_NAME["load"].request, {"index": 0, "offset": 0, "data": b""})
)
# The ticks before the outputs in SAMPLE's answer.
SAMPLE_HEADER_BYTES = len(messages.pack(BY_NAME["sample"].reply, {"ticks": 0, "data": b""}))


class Device:
    """A device that speaks the protocol on `port`. Every method raises DeviceError on failure.

    `timeout_s` bounds the silence after one try (plus the bytes' own time at `baud`), tries are
    made with the same request id; `run_timeout_s` bounds one run. Before the first sample the rate
    goes up to what `max_baud` and the device allow. `reopen` gives the port anew after it went
    away. Where the device was lost and found again, Interrupted is raised: what it held is gone.
    """

    def __init__(
        self,
        port: SerialLike,
        *,
        timeout_s: float = TIMEOUT_S,
        run_timeout_s: float = RUN_TIMEOUT_S,
        baud: int = 115200,
        max_baud: int = 0,
        autopsy: Autopsy | None = None,
        reopen: Reopen | None = None,
    ) -> None:
        self._line = Line(port, autopsy, reopen)
        self._session = Session(
            self._line, timeout_s=timeout_s, long_timeout_s=run_timeout_s, baud=baud
        )
        self._upkeep = Upkeep(self._session, baud=baud, max_baud=max_baud)
        self._tensors: tuple[list[TensorInfo], list[TensorInfo]] | None = None

    @property
    def logs(self) -> list[str]:
        """What the firmware said in words so far."""
        return self._session.logs

    @property
    def stats(self) -> LinkStats:
        """What the line did so far."""
        return self._session.stats

    @property
    def port_name(self) -> str:
        """The port as it is called now."""
        return self._line.name

    @property
    def baud(self) -> int:
        """The line's rate now."""
        return self._upkeep.baud

    def hello(self, *, model_sha256: str = "") -> Hello:
        """Asks who is there; with `model_sha256`, DeviceError where another model runs."""
        self._tensors = None
        found = self._upkeep.greet()
        if model_sha256 and found.model_sha256.lower() != model_sha256.lower():
            raise DeviceError(
                f"the board runs another model: '{found.model_name}'"
                f" ({found.model_sha256[:12] or 'none'}), not {model_sha256[:12]}",
                hint="flash the firmware that was built from this model",
            )
        return found

    def tensors(self) -> tuple[list[TensorInfo], list[TensorInfo]]:
        """The model's inputs and outputs as the device describes them."""
        if self._tensors is None:
            known = self._known()
            self._tensors = (
                [self._tensor(INPUT, i) for i in range(known.input_count)],
                [self._tensor(OUTPUT, i) for i in range(known.output_count)],
            )
        return self._tensors

    def sample(self, inputs: Sequence[bytes]) -> tuple[int, list[bytes]]:
        """One sample: every input in full, one invoke, every output. Ticks as `run` has them.

        The inputs' last bytes, the run and the outputs' first are one request.
        """
        self._check_counter()
        sizes = [tensor.bytes for tensor in self.tensors()[1]]
        if not inputs:
            return self.run(), [self.read_output(i) for i in range(len(sizes))]
        self._upkeep.raise_rate()
        for index, data in enumerate(inputs[:-1]):
            self.load(index, data)
        last, data = len(inputs) - 1, inputs[-1]
        room = self._known().max_payload - LOAD_HEADER_BYTES
        rest = max(0, -(-len(data) // room) - 1) * room
        self._load_part(last, data[:rest])
        values = {"index": last, "offset": rest, "data": data[rest:]}
        answer = self._ask("sample", values, long=True)
        outputs = self._outputs(answer["data"], sizes)
        self._upkeep.watch_rate()
        return int(answer["ticks"]), outputs

    def _outputs(self, first: bytes, sizes: Sequence[int]) -> list[bytes]:
        """The outputs in full; `first` are as many of their bytes, in a row, as came at once."""
        expected = min(sum(sizes), self._known().max_payload - SAMPLE_HEADER_BYTES)
        _check_size(first, expected)
        outputs, at = [], 0
        for index, size in enumerate(sizes):
            part = first[at : at + size]
            at += len(part)
            outputs.append(part + self._read(OUTPUT, index, len(part), size - len(part)))
        return outputs

    def load(self, index: int, data: bytes) -> None:
        """Writes `data` into input `index`, from its first byte on."""
        self._upkeep.raise_rate()
        self._load_part(index, data)

    def _load_part(self, index: int, data: bytes) -> None:
        room = self._known().max_payload - LOAD_HEADER_BYTES
        for offset in range(0, len(data), room):
            part = data[offset : offset + room]
            self._ask("load", {"index": index, "offset": offset, "data": part})

    def run(self) -> int:
        """One invoke; ticks of the counter from its entry to its return. Load the inputs anew
        before each run: the model may use their memory for other tensors.
        """
        self._check_counter()
        return int(self._ask("run", long=True)["ticks"])

    def profile(self) -> list[int]:
        """Every op of the model run once in order, each timed: its ticks, in the file's order."""
        self._check_counter()
        ticks: list[int] = []
        at_once = self._known().max_payload // 4
        for first in range(0, self._known().op_count, at_once):
            last = min(first + at_once, self._known().op_count) - 1
            values = self._ask("profile", {"first": first, "last": last}, long=True)
            _check_size(values["ticks"], 4 * (last - first + 1))
            ticks += struct.unpack(f"<{last - first + 1}I", values["ticks"])
        return ticks

    def run_ops(self, first: int, last: int) -> None:
        """Runs ops `first` to `last`, both included; the inputs of `first` must be in place."""
        self._ask("run_ops", {"first": first, "last": last}, long=True)

    def read_output(self, index: int) -> bytes:
        """All bytes of output `index`."""
        return self._read(OUTPUT, index, 0, self._size(OUTPUT, index))

    def read_input(self, index: int) -> bytes:
        """All bytes of input `index`, as they are now."""
        return self._read(INPUT, index, 0, self._size(INPUT, index))

    def read_arena(self, offset: int, length: int) -> bytes:
        """`length` bytes of the arena from `offset` on."""
        return self._read(ARENA, 0, offset, length)

    def read_op_output(self, position: int, length: int) -> bytes:
        """The first `length` bytes of output `position` of the op that `run_ops` ran last."""
        return self._read(OP_OUTPUT, position, 0, length)

    def memory(self) -> MemoryUse:
        """Arena and stack as used since the device started."""
        return MemoryUse(**self._ask("memory"))

    def reset(self) -> Hello:
        """Starts the device anew and waits until it answers again."""
        self._ask("reset")
        self._upkeep.expect_restart()
        self._tensors = None
        wait = Deadline(RESET_TIMEOUT_S, f"answer from {self._line.name} after the reset")
        while True:
            # what is sent while it starts is lost: many short tries, not one long one
            try:
                self._session.open(total_s=0.5, try_s=0.25)
            except DeviceTimeout:
                wait.left_s()
                continue
            return self._upkeep.greet()

    def bootloader(self) -> None:
        """Sends the device into its chip's loader, from where it does not answer any more."""
        self._ask("bootloader")
        self._upkeep.expect_restart()

    def close(self) -> None:
        """Closes the port as it is now, which may be another than it was."""
        self._line.close()

    def settle(self) -> None:
        """Leaves the line at the rate it was found with; whoever opens it next expects that."""
        self._upkeep.settle()

    def _ask(
        self, name: str, values: Mapping[str, Any] | None = None, *, long: bool = False
    ) -> dict[str, Any]:
        """One question in the open session. Raises Interrupted where the device was lost and
        answers again, DeviceError where it does not."""
        self._known()
        try:
            return self._session.ask(BY_NAME[name], values, long=long)
        except (PortGone, SessionUnknown, DeviceTimeout) as lost:
            raise self._upkeep.take_up(lost) from lost

    def _known(self) -> Hello:
        return self._upkeep.known or self.hello()

    def _check_counter(self) -> None:
        known = self._known()
        if known.counter_hz == 0:
            raise DeviceError(
                f"counter '{known.counter}' on {known.board} does not move: nothing can be timed",
                hint="this core or emulator has no such counter; set another in the board file",
            )

    def _size(self, space: int, index: int) -> int:
        """Bytes of a tensor; the device refuses one that it does not have."""
        known = self._tensors[space] if self._tensors else []
        return known[index].bytes if index < len(known) else self._tensor(space, index).bytes

    def _tensor(self, space: int, index: int) -> TensorInfo:
        values = self._ask_anew("tensor", {"space": space, "index": index})
        return TensorInfo(
            name=values["name"],
            dtype=DTYPES.get(values["dtype"], f"type {values['dtype']}"),
            shape=tuple(values["dims"][: values["rank"]]),
            scale=values["scale"],
            zero_point=values["zero_point"],
            bytes=values["bytes"],
        )

    def _ask_anew(self, name: str, values: Mapping[str, Any]) -> dict[str, Any]:
        """A question whose answer a reset does not change."""
        for _ in range(ASK_AGAIN):
            try:
                return self._ask(name, values)
            except Interrupted:
                continue
        return self._ask(name, values)

    def _read(self, space: int, index: int, offset: int, length: int) -> bytes:
        room = self._known().max_payload
        data = b""
        while len(data) < length:
            part = min(room, length - len(data))
            where = {"space": space, "index": index, "offset": offset + len(data), "length": part}
            got = self._ask("read", where)["data"]
            _check_size(got, part)
            data += got
        return data


def _check_size(data: bytes, expected: int) -> None:
    if len(data) != expected:
        raise DeviceError(
            f"the device sent {len(data)} bytes where {expected} were asked for", hint=REBUILD
        )
