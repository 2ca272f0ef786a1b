# SPDX-License-Identifier: Apache-2.0
"""What a .tflite file carries without need: unused parts, copies, and names if asked."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from edgekit.quantize.flatbuffer import pack, unpack

# Metadata that TFLite Micro reads: tensor numbers and places in the arena.
OFFLINE_PLAN = b"OfflineMemoryAllocation"


@dataclass(frozen=True, slots=True)
class Tidied:
    """A file as it is now, and how many parts of each kind went."""

    data: bytes
    dropped: dict[str, int]


def tidy_file(data: bytes, *, strip: bool) -> Tidied:
    """`data` rewritten by `tidy_model` and `pack`."""
    return tidy_model(unpack(data), strip=strip)


def tidy_model(model: Any, *, strip: bool) -> Tidied:
    """The file of `model` without tensors, operator codes and buffers that nothing uses.

    Constants with equal bytes share a buffer: TFLite only reads them. The description is left
    out. `strip` also takes tensor and graph names, signatures and metadata, but a memory plan.
    `model` is used up.
    """
    before = _parts(model)
    model.description = None
    if strip:
        _strip(model)
    _drop_tensors(model)
    _share_operator_codes(model)
    _share_buffers(model)
    _drop_empty_vectors(model)
    after = _parts(model)
    return Tidied(pack(model), {kind: before[kind] - after[kind] for kind in before})


def _parts(model: Any) -> dict[str, int]:
    tensors = model.subgraphs[0].tensors
    return {
        "tensors": len(tensors),
        "names": sum(tensor.name is not None for tensor in tensors),
        "operator_codes": len(model.operatorCodes),
        "buffers": len(model.buffers),
        "metadata": len(model.metadata or ()),
    }


def _strip(model: Any) -> None:
    """Takes names, signatures and metadata away."""
    for subgraph in model.subgraphs:
        subgraph.name = None
        for tensor in subgraph.tensors:
            tensor.name = None
            _strip_tensor(tensor)
    model.signatureDefs = None
    model.metadata = [m for m in model.metadata or () if m.name == OFFLINE_PLAN] or None


def _strip_tensor(tensor: Any) -> None:
    """Without what only converters and viewers read; an open batch is 1 for TFLite Micro."""
    tensor.hasRank = False
    if tensor.quantization is not None:
        tensor.quantization.min = tensor.quantization.max = None
    if not any(side < 0 for side in _numbers(tensor.shapeSignature)[1:]):
        tensor.shapeSignature = None


def has_offline_plan(model: Any) -> bool:
    """Whether the file says where tensors lie in the arena, by their numbers."""
    return any(m.name == OFFLINE_PLAN for m in model.metadata or ())


def _drop_tensors(model: Any) -> None:
    """Tensors that nothing uses go, the others move up, unless a plan counts on their numbers."""
    subgraph = model.subgraphs[0]
    if has_offline_plan(model):
        return
    used = {*_numbers(subgraph.inputs), *_numbers(subgraph.outputs)}
    for op in subgraph.operators:
        for part in (op.inputs, op.outputs, op.intermediates):
            used.update(_numbers(part))
    for signature in model.signatureDefs or ():
        used.update(m.tensorIndex for m in (*signature.inputs, *signature.outputs))
    kept = sorted(index for index in used if index >= 0)
    new = {old: index for index, old in enumerate(kept)} | {-1: -1}
    subgraph.tensors = [subgraph.tensors[index] for index in kept]
    _renumber(model, new)


def _renumber(model: Any, new: dict[int, int]) -> None:
    subgraph = model.subgraphs[0]
    for owner in (subgraph, *subgraph.operators):
        owner.inputs = [new[index] for index in _numbers(owner.inputs)]
        owner.outputs = [new[index] for index in _numbers(owner.outputs)]
    for op in subgraph.operators:
        op.intermediates = [new[index] for index in _numbers(op.intermediates)]
    for signature in model.signatureDefs or ():
        for tensor_map in (*signature.inputs, *signature.outputs):
            tensor_map.tensorIndex = new[tensor_map.tensorIndex]


def _share_operator_codes(model: Any) -> None:
    kept: dict[Any, int] = {}
    codes: list[Any] = []
    for op in model.subgraphs[0].operators:
        code = model.operatorCodes[op.opcodeIndex]
        key = tuple(sorted(vars(code).items(), key=lambda item: item[0]))
        if key not in kept:
            kept[key] = len(codes)
            codes.append(code)
        op.opcodeIndex = kept[key]
    model.operatorCodes = codes


def _share_buffers(model: Any) -> None:
    """Buffer 0 stays empty, as the schema asks; every other is there once and is used."""
    old = model.buffers
    buffers = [type(old[0])()]
    place = {b"": 0}
    for user in (*model.subgraphs[0].tensors, *(model.metadata or ())):
        content = _raw(old[user.buffer])
        if content not in place:
            place[content] = len(buffers)
            buffers.append(old[user.buffer])
        user.buffer = place[content]
    model.buffers = buffers
    model.metadataBuffer = None


def _drop_empty_vectors(model: Any) -> None:
    """An absent list reads like an empty one, and takes no bytes."""
    for op in model.subgraphs[0].operators:
        for name in ("mutatingVariableInputs", "intermediates", "customOptions"):
            if getattr(op, name) is not None and not len(getattr(op, name)):
                setattr(op, name, None)
    for tensor in model.subgraphs[0].tensors:
        if not any(side < 0 for side in _numbers(tensor.shapeSignature)):
            tensor.shapeSignature = None


def _raw(buffer: Any) -> bytes:
    return b"" if buffer.data is None else np.asarray(buffer.data, np.uint8).tobytes()


def _numbers(vector: Iterable[Any] | None) -> list[int]:
    return [] if vector is None else [int(value) for value in vector]
