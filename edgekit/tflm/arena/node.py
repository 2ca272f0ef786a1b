# SPDX-License-Identifier: Apache-2.0
"""One op as its kernel's Prepare sees it: its tensors, and the memory it asks for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from edgekit.tflite.graph import Graph, Op, Tensor
from edgekit.tflm.arena.abi import Abi, align_up, size_of
from edgekit.tflm.arena.calls import ARENA_ALIGNMENT, Call
from edgekit.tflm.arena.structs import AFFINE, TENSOR

# memory_helpers.cc: TfLiteTypeSizeOf
TYPE_BYTES = {
    **dict.fromkeys(("int8", "uint8", "bool", "int4"), 1),
    **dict.fromkeys(("int16", "uint16", "float16", "bfloat16"), 2),
    **dict.fromkeys(("int32", "uint32", "float32", "resource"), 4),
    **dict.fromkeys(("int64", "uint64", "float64", "complex64"), 8),
    "complex128": 16,
}


def tensor_bytes(tensor: Tensor) -> int:
    """Bytes that TFLM gives a tensor; KeyError for a type that it has none for."""
    return tensor.elements * TYPE_BYTES[tensor.dtype]


def int_array_bytes(count: int) -> int:
    """A TfLiteIntArray of `count` ints."""
    return 4 + 4 * count


def affine_bytes(tensor: Tensor, abi: Abi) -> list[tuple[int, int]]:
    """(bytes, alignment) of the buffers that hold a tensor's scales and zero points."""
    if tensor.quant is None:
        return []
    return [size_of(AFFINE, abi), (int_array_bytes(len(tensor.quant.scales)), 4)]


@dataclass(frozen=True, slots=True)
class Scratch:
    """A buffer that a kernel needs while it runs; `op` is the index of its op."""

    op: int
    name: str
    bytes: int


@dataclass(slots=True)
class Node:
    """Collects the allocator calls and scratch requests of one op.

    `extension` is what CMSIS-NN is compiled for: "", "dsp" or "mve".
    """

    op: Op
    graph: Graph
    abi: Abi
    extension: str = ""
    calls: list[Call] = field(default_factory=list)
    scratches: list[Scratch] = field(default_factory=list)

    def input(self, position: int) -> Tensor | None:
        """Input number `position`, None where it is absent."""
        return self.graph.operand(self.op, position)

    def output(self, position: int = 0) -> Tensor:
        return self.graph.output_of(self.op, position)

    def given(self, position: int) -> Tensor:
        """An input that the op cannot do without; ValueError where it is absent."""
        tensor = self.input(position)
        if tensor is None:
            raise ValueError(f"{self.op.kind} has no input {position}")
        return tensor

    def struct(self, layout: str) -> int:
        """Bytes of a C struct on the target."""
        return size_of(layout, self.abi)[0]

    def temps(self, tensors: str) -> None:
        """Temporary TfLiteTensors: "i0 o0" is the first input, then the first output."""
        for name in tensors.split():
            position = int(name[1:])
            if name[0] == "i":
                self._temp(self.input(position))
            elif position < len(self.op.outputs):
                self._temp(self.output(position))

    def _temp(self, tensor: Tensor | None) -> None:
        if tensor is None:
            return
        for size, alignment in (size_of(TENSOR, self.abi), *affine_bytes(tensor, self.abi)):
            self.calls.append(Call("temp", size, alignment, "preparing the ops"))

    def persistent(self, size: int, part: str = "op data") -> None:
        """A buffer that stays (`MicroContext::AllocatePersistentBuffer`)."""
        self.calls.append(Call("persistent", size, ARENA_ALIGNMENT, part))

    def writable_dims(self, tensor: Tensor) -> None:
        """A copy of a tensor's shape (`CreateWritableTensorDimsWithCopy`)."""
        self.persistent(int_array_bytes(len(tensor.shape)))

    def scratch(self, name: str, size: int) -> None:
        """A buffer that lives while the op runs (`RequestScratchBufferInArena`)."""
        self.scratches.append(Scratch(self.op.index, name, size))

    def per_channel(self, channels: int) -> None:
        """Multiplier and shift for each output channel, int32."""
        for _ in range(2):
            self.persistent(4 * channels, "per-channel multipliers")


Prepare = Callable[[Node], None]


@dataclass(frozen=True, slots=True)
class Use:
    """What a kernel asks for.

    `options` is the layout of its builtin options struct ("" where it has none), `data` of the
    struct that its Init allocates ("" where there is none). `prepare` is the list of temporary
    tensors (see `Node.temps`) or the function that records what Prepare does.
    """

    options: str = ""
    data: str = ""
    prepare: str | Prepare = ""

    def run_prepare(self, node: Node) -> None:
        if callable(self.prepare):
            self.prepare(node)
        else:
            node.temps(self.prepare)


def padded(size: int) -> int:
    """A buffer's size in the memory plan."""
    return align_up(size, ARENA_ALIGNMENT)
