# SPDX-License-Identifier: Apache-2.0
"""GATHER of a constant by the integers of a tensor becomes one table of 256 entries.

edgekit.quantize.tables writes functions of one value so: QUANTIZE from int8 to int32, then GATHER.
The table holds what both, computed as their kernels do, make of each of the 256 inputs.
"""

from __future__ import annotations

import numpy as np

from edgekit.lower.fixed import quantize_multiplier
from edgekit.lower.passes.elementwise import INT8, scale_array
from edgekit.lower.passes.rewrite import Rewrite
from edgekit.tflite.graph import Graph, Op


def join_lookups(graph: Graph) -> Graph:
    rewrite = Rewrite(graph)
    for op in graph.ops:
        maker = rewrite.producer(op.inputs[1]) if op.kind == "GATHER" else None
        if maker is None or not _looks_up(op, maker, graph):
            continue
        if rewrite.only_for(op.inputs[1], op):
            rewrite.drop(maker)
        rewrite.swap(
            op,
            kind="TABLE",
            inputs=maker.inputs[:1],
            options={"table": _entries(op, maker, graph)},
            origin=tuple(dict.fromkeys((*op.origins, *maker.origins))),
        )
    return rewrite.graph


def _looks_up(op: Op, maker: Op, graph: Graph) -> bool:
    values, index, source = graph.input_of(op), graph.input_of(op, 1), graph.input_of(maker)
    plain = op.options.get("axis", 0) == 0 and op.options.get("batch_dims", 0) == 0
    types = (source.dtype, index.dtype, values.dtype) == ("int8", "int32", "int8")
    flat = values.data is not None and len(values.shape) == 1
    same = source.shape == index.shape == graph.output_of(op).shape
    return maker.kind == "QUANTIZE" and plain and types and flat and same


def _entries(op: Op, maker: Op, graph: Graph) -> np.ndarray:
    values, index, source = graph.input_of(op), graph.input_of(op, 1), graph.input_of(maker)
    assert values.data is not None
    multiplier, shift = quantize_multiplier(source.q.scale / index.q.scale)
    places = scale_array(INT8 - source.q.zero_point, np.int64(multiplier), np.int64(shift))
    chosen = np.clip(places + index.q.zero_point, 0, values.elements - 1)
    return values.data[chosen].astype(np.int8)
