# SPDX-License-Identifier: Apache-2.0
"""What lowering gives to emission: a program of kernel calls over a planned arena."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from edgekit.tflite.graph import Graph, Tensor

# What kernels for some cores need: 16-bit lanes (Armv7E-M, Armv8-M with the DSP extension), the
# vectors of Armv8.1-M (Helium), nothing but 32-bit products (Thumb-1, RV32IM).
DSP, HELIUM, PLAIN = "dsp", "helium", "plain"
CORE_FEATURES = {
    "cortex-m0": (PLAIN,),
    "cortex-m0plus": (PLAIN,),
    "cortex-m3": (PLAIN,),
    "cortex-m4": (DSP,),
    "cortex-m7": (DSP,),
    "cortex-m33": (DSP,),
    "cortex-m55": (DSP, HELIUM),
    "rv32": (PLAIN,),
}


@dataclass(frozen=True, slots=True)
class Target:
    """What the code is made for: `core` as in board files, what to optimize, and the most that
    weights, constants and kernels may take in flash and the arena in RAM (0: any)."""

    core: str = "generic"
    optimize: str = "balanced"
    flash_bytes: int = 0
    ram_bytes: int = 0

    @property
    def features(self) -> tuple[str, ...]:
        """What the core has that kernels ask for; () for a core that runs portable C."""
        return CORE_FEATURES.get(self.core, ())


@dataclass(frozen=True, slots=True, eq=False)
class Const:
    """A constant in flash: an array of `data`'s dtype, or one C `struct` per row of int32s."""

    name: str
    data: np.ndarray
    struct: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class KernelCall:
    """One call of kernel `ek_<kernel>` (header firmware/runtime/ek_<kernel>.h).

    C signature: `ek_<kernel>(const ek_<kernel>_params *p, inputs..., outputs..., consts...,
    scratch?)`, pointers typed after each tensor's dtype. `params` are compile-time constants:
    calls with equal kernel, params and pointer types share one specialised function.
    An input that is a constant of the graph becomes an array in flash. `in_place` names the
    positions in `inputs` whose memory the output may take over. `leads` says more: pairs
    (position in `inputs`, bytes), meaning that the first output may lie over that input if it
    begins at least so many bytes before it, because by the time the kernel writes a byte it
    needs no byte of the input below that address plus `bytes` any more. For a kernel that walks
    up through both: the most by which the end of what is written runs ahead of the lowest input
    byte still to be read (lower/overlap.py computes it for windows). 0 is the same as `in_place`,
    for outputs larger than the input too. `alias` marks an op that moves no data (RESHAPE): its
    output is its input's memory. `way` names the way that was chosen (lower/ways), and
    `instructions` are what it was predicted to take.
    """

    kernel: str = ""
    params: dict[str, Any] = field(default_factory=dict)
    inputs: tuple[int, ...] = ()
    outputs: tuple[int, ...] = ()
    consts: tuple[Const, ...] = ()
    scratch_bytes: int = 0
    in_place: tuple[int, ...] = ()
    alias: bool = False
    leads: tuple[tuple[int, int], ...] = ()
    way: str = ""
    instructions: float = 0.0


@dataclass(frozen=True, slots=True, eq=False)
class MemoryPlan:
    """Byte offset in the arena of every activation tensor, and of each op's scratch."""

    offsets: dict[int, int]
    scratch_offsets: dict[int, int]
    arena_bytes: int
    lifetimes: dict[int, tuple[int, int]]


@dataclass(frozen=True, slots=True, eq=False)
class RowStream:
    """How op 0 takes the model's one input by rows: its call makes one output row of `reach`
    rows of the input and its padding, which are all of the input that the arena holds.

    `source` is the input as in the file. `pad_top` and `pad_bottom` are the rows of padding that
    the first and the last window reach into, `stride` the rows from one window to the next.
    """

    source: Tensor
    reach: int
    stride: int
    pad_top: int
    pad_bottom: int
    out_rows: int
    out_row_bytes: int

    @property
    def row_bytes(self) -> int:
        return self.source.bytes // self.source.shape[1]


@dataclass(frozen=True, slots=True, eq=False)
class Program:
    """A graph lowered for a target: `calls[i]` runs op i of `graph`, the file's after passes.

    With `rows`, call 0 makes one row of op 0's output, and the graph's input is the rows held.
    """

    graph: Graph
    target: Target
    calls: tuple[KernelCall, ...]
    plan: MemoryPlan
    rows: RowStream | None = None
