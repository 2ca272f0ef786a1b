# SPDX-License-Identifier: Apache-2.0
"""TFLite Micro's DECODE operator read backwards: encoded constants as the plain ones they mean.

Format: kernels/decode_state.h, decode_state_prune.cc and decode_state_lut.cc of tflite-micro
(2026-08). An ancillary tensor begins with 16 bytes: the type, version 1, two of zero, and twelve
of the type's own. Prune: a bit per element, most significant first, set where a value is stored;
the values follow the 16 bytes; elsewhere the zero point of the element's channel. Look-up table:
indices of `byte 5` bits, most significant first; tables of `byte 6` values per channel follow.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from edgekit.tflite.graph import DECODE, Encoded, Graph, Op, Tensor

HEADER_BYTES = 16
LUT, PRUNE = 0, 2
_BITS_MASK = 0x07


def fold_decodes(graph: Graph) -> Graph:
    """`graph` without its DECODE ops: what they give are constants, the ops lie in `decodes`.

    Ops are numbered anew. An op of a type that edgekit does not read stays where it is.
    ValueError for data that do not hold what their header promises.
    """
    tensors = list(graph.tensors)
    folded = [op for op in graph.ops if op.kind == DECODE and _readable(op, graph)]
    for op in folded:
        for position, index in enumerate(op.outputs):
            stored, ancillary = (graph.tensor(i) for i in op.inputs[2 * position :][:2])
            tensors[index] = _decoded(tensors[index], _bytes(stored), _bytes(ancillary))
    kept = [op for op in graph.ops if op not in folded]
    ops = tuple(_numbered(op, index) for index, op in enumerate(kept))
    return replace(graph, tensors=tuple(tensors), ops=ops, decodes=tuple(folded))


def _numbered(op: Op, index: int) -> Op:
    """`op` as number `index`; a layer called by the op's number is called by the new one."""
    layer = f"op {index}" if op.layer == f"op {op.index}" else op.layer
    return replace(op, index=index, layer=layer)


def _readable(op: Op, graph: Graph) -> bool:
    """Whether every input is a constant of a type that is read here."""
    if not op.outputs or len(op.inputs) != 2 * len(op.outputs) or min(op.inputs) < 0:
        return False
    if not all(graph.tensor(index).is_constant for index in op.inputs):
        return False
    headers = [_bytes(graph.tensor(index)) for index in op.inputs[1::2]]
    return all(len(head) >= HEADER_BYTES and head[0] in (LUT, PRUNE) for head in headers)


def _bytes(tensor: Tensor) -> np.ndarray:
    if tensor.data is None:
        raise ValueError("an encoded tensor is no constant")
    return np.frombuffer(tensor.data.tobytes(), np.uint8)


def _decoded(tensor: Tensor, stored: np.ndarray, ancillary: np.ndarray) -> Tensor:
    table = np.frombuffer(ancillary[HEADER_BYTES:].tobytes(), np.dtype(tensor.dtype))
    if ancillary[0] == PRUNE:
        values, mode, bits = _from_mask(tensor, stored, table), "prune", 1
    else:
        bits = int(ancillary[5]) & _BITS_MASK
        values, mode = _from_indices(tensor, stored, table, bits, int(ancillary[6])), "lut"
    encoded = Encoded(mode, bits, len(stored) + len(ancillary))
    return replace(tensor, data=values.reshape(tensor.shape), encoded=encoded)


def _from_mask(tensor: Tensor, stored: np.ndarray, table: np.ndarray) -> np.ndarray:
    mask = np.unpackbits(stored)[: tensor.elements].astype(bool)
    if len(mask) != tensor.elements or np.count_nonzero(mask) > len(table):
        raise ValueError("encoded tensor too short")
    zero_points = np.array(tensor.quant.zero_points if tensor.quant else (0,))
    values = zero_points[tensor.channels()].astype(table.dtype)
    values[mask] = table[: np.count_nonzero(mask)]
    return values


def _from_indices(
    tensor: Tensor, stored: np.ndarray, table: np.ndarray, bits: int, stride: int
) -> np.ndarray:
    flat = np.unpackbits(stored)
    if bits == 0 or len(flat) < bits * tensor.elements:
        raise ValueError("encoded tensor too short")
    weights = 1 << np.arange(bits)[::-1]
    indices = flat[: bits * tensor.elements].reshape(-1, bits) @ weights
    return table[indices + stride * tensor.channels()]
