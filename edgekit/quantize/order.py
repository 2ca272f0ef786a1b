# SPDX-License-Identifier: Apache-2.0
"""What a SavedModel between trace and float file loses: orders, and names of inputs and LSTMs."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from edgekit.quantize.flatbuffer import pack, schema, unpack

_WEIGHTS = 1  # operand of a fused LSTM: its input gate's kernel


def as_traced(
    float_file: bytes, arguments: Sequence[str], lstms: Mapping[str, np.ndarray]
) -> bytes:
    """The file with inputs ordered and named as `arguments`, and outputs as they were returned.

    Fused LSTMs get the names of the layers whose input gates have the kernels `lstms` (float32,
    units x inputs). A file that has no signature has lost nothing: it stays as it is.
    """
    model = unpack(float_file)
    if not model.signatureDefs:
        return float_file
    signature, graph = model.signatureDefs[0], model.subgraphs[0]
    given = {_text(entry): int(entry.tensorIndex) for entry in signature.inputs}
    made = {_text(entry): int(entry.tensorIndex) for entry in signature.outputs}
    if set(given) == set(arguments):
        graph.inputs = [given[name] for name in arguments]
        for name, index in given.items():
            graph.tensors[index].name = name.encode()
    graph.outputs = [made[name] for name in sorted(made, key=_place)]
    _name_lstms(model, lstms)
    model.signatureDefs = None
    return pack(model)


def _text(entry: Any) -> str:
    name = entry.name
    return name.decode("utf-8", "replace") if isinstance(name, bytes) else str(name)


def _place(name: str) -> tuple[int, str]:
    """ "output_10" comes after "output_9"; names of a dict's entries in their own order."""
    number = re.fullmatch(r"output_(\d+)", name)
    return (int(number[1]) if number else 0, name)


def _name_lstms(model: Any, lstms: Mapping[str, np.ndarray]) -> None:
    kind, graph = schema().BuiltinOperator.UNIDIRECTIONAL_SEQUENCE_LSTM, model.subgraphs[0]
    known = {np.ascontiguousarray(kernel).tobytes(): name for name, kernel in lstms.items()}
    for op in graph.operators:
        if model.operatorCodes[op.opcodeIndex].builtinCode != kind:
            continue
        weights = model.buffers[graph.tensors[op.inputs[_WEIGHTS]].buffer].data
        name = known.get(np.asarray(weights, np.uint8).tobytes())
        if name is not None:
            graph.tensors[op.outputs[0]].name = f"{name}/LSTM".encode()
