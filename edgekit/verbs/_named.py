# SPDX-License-Identifier: Apache-2.0
"""Reading a .tflite whose names were stripped: the record of its conversion still has them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from itertools import accumulate
from pathlib import Path
from typing import Any

from edgekit.artifacts import records_in
from edgekit.tflite.graph import DECODE, Graph
from edgekit.tflite.reader import read_graph

FOLDERS_UP = 3  # a project may lie below its conversion: out/convert.json, out/fw/model/x.tflite


def read_named(path: Path, *, decode: bool = True) -> Graph:
    """The graph of `path`; without names in the file, with those that `convert` recorded.

    The record has to be of this very file (by hash), beside it or a few folders above. `decode`
    is `read_graph`'s.
    """
    graph = read_graph(path, decode=decode)
    if any(tensor.name for tensor in graph.tensors):
        return graph
    for folder in path.absolute().parents[:FOLDERS_UP]:
        record = records_in(folder).get("convert", {})
        if record.get("model_sha256") == graph.sha256:
            return _with_names(graph, record)
    return graph


def _with_names(graph: Graph, record: dict[str, Any]) -> Graph:
    """Rows of the record are without DECODE ops, which belong to the op after them."""
    layers = [row["layer"] for row in record["ops"]]
    names = {row["index"]: row["name"] for row in record["tensors"]}
    before = accumulate(op.kind != DECODE for op in graph.ops)
    own = [count - (op.kind != DECODE) for count, op in zip(before, graph.ops, strict=True)]
    last = len(layers) - 1
    ops = tuple(
        replace(op, layer=layers[min(i, last)]) for i, op in zip(own, graph.ops, strict=True)
    )
    tensors = tuple(replace(t, name=names.get(t.index, t.name)) for t in graph.tensors)
    return replace(graph, ops=ops, tensors=tensors)


def with_layers(graph: Graph, rows: Iterable[Mapping[str, Any]]) -> Graph:
    """`graph` with the layers that a project recorded for its ops, for a file without names."""
    layers = {i: row["layer"] for row in rows if row.get("layer") for i in row["origin"]}
    if any(tensor.name for tensor in graph.tensors):
        return graph
    ops = tuple(replace(op, layer=layers.get(op.index, op.layer)) for op in graph.ops)
    return replace(graph, ops=ops)
