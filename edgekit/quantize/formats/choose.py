# SPDX-License-Identifier: Apache-2.0
"""The format of each op: by the rules, as far as TFLite Micro has kernels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from edgekit.errors import EdgekitError
from edgekit.quantize.formats.kinds import INT4_KINDS, INT16_KINDS, INT32_BIAS_KINDS, WEIGHTS
from edgekit.quantize.formats.rules import FORMATS, Format, Rule, format_of
from edgekit.tflite.graph import Graph, Op

INT8 = FORMATS["int8"]
_EDGES = ("QUANTIZE", "DEQUANTIZE")


def choose_formats(
    graph: Graph, rules: Sequence[Rule], bias_type: str, *, known_only: bool
) -> dict[int, Format]:
    """Op index -> format; EdgekitError where TFLite Micro cannot."""
    chosen = {}
    for op in graph.ops:
        wanted = format_of(op.layer, rules)
        if wanted.weight_bits == 4 and op.kind not in WEIGHTS:
            wanted = INT8  # an op without weights in a layer of 4-bit weights
        elif wanted.weight_bits == 4 and known_only and op.kind not in INT4_KINDS:
            raise _no_kernel(op, "4-bit weights", INT4_KINDS)
        runs = op.kind in (*INT16_KINDS, *_EDGES) or not known_only
        if wanted.activations == "int16" and not runs:
            raise _no_kernel(op, "16-bit activations", INT16_KINDS)
        narrow_bias = wanted.activations == "int16" and op.kind in WEIGHTS and bias_type == "int32"
        if narrow_bias and known_only and op.kind not in INT32_BIAS_KINDS:
            raise _no_kernel(op, "int32 bias with 16-bit activations", INT32_BIAS_KINDS)
        chosen[op.index] = wanted
    for op in graph.ops:
        if op.kind in _EDGES:
            chosen[op.index] = _edge_format(op, graph, chosen)
    return chosen


def _no_kernel(op: Op, what: str, kinds: Sequence[str]) -> EdgekitError:
    return EdgekitError(
        f"TFLite Micro's {op.kind} of layer '{op.layer}' takes no {what}",
        hint=f"leave that layer int8 (--layer '{op.layer}=int8' after the other rules)",
    )


def _edge_format(op: Op, graph: Graph, chosen: Mapping[int, Format]) -> Format:
    """Beside a float end as wide as whoever is on the other side; TFLM has no uint8 <-> int16."""
    source, output = graph.input_of(op), graph.output_of(op)
    if "uint8" in (source.dtype, output.dtype):
        return INT8
    if "float32" not in (source.dtype, output.dtype):
        return chosen[op.index]
    inner = output.index if source.dtype == "float32" else source.index
    near = [
        chosen[other.index]
        for other in graph.ops
        if other is not op and inner in (*other.inputs, *other.outputs)
    ]
    wide = [each for each in near if each.activations == "int16"]
    return wide[0] if wide else INT8
