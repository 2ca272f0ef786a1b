# SPDX-License-Identifier: Apache-2.0
"""The graph: a .tflite file in memory as small frozen dataclasses. Imports only numpy."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

# Kind of the op that gives weights back from their encoded form, on the device, at each inference.
DECODE = "CUSTOM:TFLM_DECODE"

ITEM_BYTES = {"int8": 1, "uint8": 1, "bool": 1, "int16": 2, "int32": 4, "float32": 4, "int64": 8}


@dataclass(frozen=True, slots=True)
class Quant:
    """Affine quantization, real = scale * (q - zero_point).

    `scales` and `zero_points` have one entry, or one per slice along `axis` (per-channel).
    Scales are the float32 values of the file, widened exactly to Python floats.
    """

    scales: tuple[float, ...]
    zero_points: tuple[int, ...]
    axis: int = 0

    @property
    def scale(self) -> float:
        return self.scales[0]

    @property
    def zero_point(self) -> int:
        return self.zero_points[0]

    @property
    def per_channel(self) -> bool:
        return len(self.scales) > 1


@dataclass(frozen=True, slots=True)
class Encoded:
    """How the file stores a constant: `mode` is "prune" or "lut" (a DECODE op gives it), or "int4".

    `bits` are stored per element beside a table, `stored_bytes` is all that the file holds of it.
    """

    mode: str
    bits: int
    stored_bytes: int


@dataclass(frozen=True, slots=True, eq=False)
class Tensor:
    """One tensor: `shape` as in the file (batch included), `data` only where it is a constant.

    `kept` is True as long as shape and values are those of the file's tensor of this index; a
    pass that changes or adds one clears it, and nothing compares such a tensor with a golden.
    `encoded` is set where the file stores the constant in fewer bits. A `variable` keeps its
    value from one inference to the next.
    """

    index: int
    name: str
    shape: tuple[int, ...]
    dtype: str
    quant: Quant | None = None
    data: np.ndarray | None = None
    dynamic: bool = False
    kept: bool = True
    encoded: Encoded | None = None
    variable: bool = False

    @property
    def stored_dtype(self) -> str:
        """The type in the file: "int4" for 4-bit weights, which `dtype` and `data` have as int8."""
        return "int4" if self.encoded and self.encoded.mode == "int4" else self.dtype

    @property
    def elements(self) -> int:
        count = 1
        for side in self.shape:
            count *= side
        return count

    @property
    def bytes(self) -> int:
        return self.elements * ITEM_BYTES.get(self.dtype, 1)

    @property
    def is_constant(self) -> bool:
        return self.data is not None

    def channels(self) -> np.ndarray:
        """Channel of each element in memory order, int [elements]; 0 where there is one scale."""
        if self.quant is None or not self.quant.per_channel:
            return np.zeros(self.elements, np.intp)
        shape = [1] * len(self.shape)
        shape[self.quant.axis] = -1
        numbers = np.arange(len(self.quant.scales)).reshape(shape)
        return np.broadcast_to(numbers, self.shape).ravel()

    @property
    def q(self) -> Quant:
        """The quantization, for code that has checked that there is one."""
        if self.quant is None:
            raise ValueError(f"tensor '{self.name}' is not quantized")
        return self.quant


@dataclass(frozen=True, slots=True, eq=False)
class Op:
    """One operator. `inputs` holds tensor indices, -1 where an optional input is absent.

    `options` are the builtin options of TFLite's schema in snake_case (`stride_w`, `padding`).
    `layer` is the Keras layer it came from, as far as tensor names tell. `origin` are the ops of
    the file that it does the work of, the one that gives it its kind first: passes fold ops.
    """

    index: int
    kind: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    options: dict[str, Any] = field(default_factory=dict)
    layer: str = ""
    version: int = 1
    origin: tuple[int, ...] = ()

    @property
    def origins(self) -> tuple[int, ...]:
        """`origin`, which for an op straight from the file is the op itself."""
        return self.origin or (self.index,)


@dataclass(frozen=True, slots=True, eq=False)
class Graph:
    """A whole model with one subgraph; tensors by index, ops in execution order.

    `decodes` are the DECODE ops of the file that are not among `ops` because their results are
    constants here; their indices count all ops of the file. `offline` are the offsets in TFLite
    Micro's arena that the file itself gives each tensor, -1 where it leaves one open; () for none.
    """

    name: str
    tensors: tuple[Tensor, ...]
    ops: tuple[Op, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    file_bytes: int = 0
    sha256: str = ""
    decodes: tuple[Op, ...] = ()
    offline: tuple[int, ...] = ()

    def tensor(self, index: int) -> Tensor:
        return self.tensors[index]

    def operand(self, op: Op, position: int) -> Tensor | None:
        """Input number `position` of `op`, or None where it is absent."""
        if position >= len(op.inputs) or op.inputs[position] < 0:
            return None
        return self.tensors[op.inputs[position]]

    def input_of(self, op: Op, position: int = 0) -> Tensor:
        return self.tensors[op.inputs[position]]

    def output_of(self, op: Op, position: int = 0) -> Tensor:
        return self.tensors[op.outputs[position]]


def needs_decode(graph: Graph) -> bool:
    """Whether TFLite Micro needs its DECODE operator to run the file that `graph` came from."""
    return bool(graph.decodes) or any(op.kind == DECODE for op in graph.ops)


def forgets(graph: Graph) -> bool:
    """Whether TFLite Micro is to be reset before every inference of `graph`: it keeps the states
    of a fused LSTM, with which a Keras layer begins anew."""
    return any(op.kind == "UNIDIRECTIONAL_SEQUENCE_LSTM" for op in graph.ops)
