# SPDX-License-Identifier: Apache-2.0
"""An input that arrives by rows: the first convolution makes an output row as soon as it can, and
only the rows of one window are held.

A tap outside the input counts as nothing, and so does one on the input's zero point. So rows of
padding are held as rows of zero points, and one call, of a layer that has one output row and no
padding above or below, makes every output row: in any way that the layer could be run.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache

from edgekit.errors import EdgekitError
from edgekit.lower.packing import ALIGN_BYTES
from edgekit.lower.program import KernelCall, RowStream, Target
from edgekit.lower.ways import PORTABLE, Way, ways_of
from edgekit.lower.window import window_params
from edgekit.tflite.graph import Graph, Op, Tensor

KINDS = ("CONV_2D", "DEPTHWISE_CONV_2D")


def row_stream(graph: Graph) -> RowStream:
    """How the first op of `graph`, as the passes left it, takes the input by rows.

    Raises EdgekitError, naming the layer, where the whole input has to be there.
    """
    _check_input(graph)
    source = graph.tensor(graph.inputs[0])
    op = _first_op(graph, source)
    params = _params(op, graph)
    reach = (params["k_h"] - 1) * params["dilation_h"] + 1
    if reach >= source.shape[1]:
        raise _refused(
            f"{op.kind} of layer '{op.layer}' reads {reach} rows at once, and the input has "
            f"{source.shape[1]}"
        )
    output = graph.output_of(op)
    last = (output.shape[1] - 1) * params["stride_h"] + reach - params["pad_top"]
    return RowStream(
        source=source,
        reach=reach,
        stride=params["stride_h"],
        pad_top=params["pad_top"],
        pad_bottom=max(last - source.shape[1], 0),
        out_rows=output.shape[1],
        out_row_bytes=output.bytes // output.shape[1],
    )


def held_rows(graph: Graph, rows: RowStream) -> Graph:
    """`graph` with the rows that are held in the place of its input."""
    _, _, width, channels = rows.source.shape
    held = replace(rows.source, shape=(1, rows.reach, width, channels), kept=False)
    return _with(graph, held)


def row_ways(graph: Graph, target: Target, rows: RowStream) -> list[Way]:
    """All ways to make one row of the first op's output, priced for all rows."""
    op, held = graph.ops[0], held_rows(graph, rows)
    output, params = graph.output_of(op), _params(op, graph)
    strip = _with(held, replace(output, shape=(1, 1, *output.shape[2:])))
    reach_w = (params["k_w"] - 1) * params["dilation_w"] + 1
    last = (output.shape[2] - 1) * params["stride_w"] + reach_w - params["pad_left"]
    sides = params["pad_left"], max(last - rows.source.shape[2], 0)
    op = replace(op, options=op.options | {"padding": ((0, 0), sides)})
    ways = ways_of(op, strip, target)
    if rows.out_row_bytes % ALIGN_BYTES:  # other kernels may count on where their output begins
        ways = [way for way in ways if way.name == PORTABLE]
    before = (rows.out_rows - 1) * rows.out_row_bytes
    return [
        replace(
            way,
            instructions=way.instructions * rows.out_rows,
            lower=cache(_behind(way.lower, before)),
            lead=None if way.lead is None else way.lead + before,
        )
        for way in ways
    ]


def _behind(lower: Callable[[], KernelCall], before: int) -> Callable[[], KernelCall]:
    """The call, whose output may run into the rows held with its last row alone, after `before`
    bytes: they are read for every row."""

    def lowered() -> KernelCall:
        call = lower()
        leads = dict(call.leads) | dict.fromkeys(call.in_place, 0)
        moved = tuple((place, lead + before) for place, lead in leads.items())
        return replace(call, in_place=(), leads=moved)

    return lowered


def _with(graph: Graph, tensor: Tensor) -> Graph:
    tensors = list(graph.tensors)
    tensors[tensor.index] = tensor
    return replace(graph, tensors=tuple(tensors))


def _params(op: Op, graph: Graph) -> dict[str, int]:
    _, k_h, k_w, _ = graph.input_of(op, 1).shape
    source, output = graph.input_of(op), graph.output_of(op)
    return window_params(op.options, source.shape, output.shape, k_h, k_w)


def _check_input(graph: Graph) -> None:
    if len(graph.inputs) != 1:
        raise _refused(f"the model has {len(graph.inputs)} inputs")
    source = graph.tensor(graph.inputs[0])
    shape = " x ".join(map(str, source.shape))
    if source.dtype != "int8" or len(source.shape) != 4 or source.shape[0] != 1:
        raise _refused(
            f"the input '{source.name}' is {source.dtype} of {shape}, not int8 of "
            "1 x rows x columns x channels"
        )


def _first_op(graph: Graph, source: Tensor) -> Op:
    """The one op that reads the input, where it can do so by rows."""
    users = [op for op in graph.ops if source.index in op.inputs]
    if len(users) != 1 or source.index in graph.outputs:
        layers = ", ".join(f"'{op.layer}'" for op in users) or "none"
        raise _refused(f"the input is needed more than once (layers: {layers})")
    if users[0].kind not in KINDS:
        raise _refused(f"{users[0].kind} of layer '{users[0].layer}' reads it first")
    if users[0].index != 0:
        raise _refused(f"layer '{graph.ops[0].layer}' comes before '{users[0].layer}'")
    return users[0]


def _refused(reason: str) -> EdgekitError:
    return EdgekitError(
        f"the input cannot arrive by rows: {reason}",
        hint="leave out --stream-rows, or begin the model with one int8 image and a convolution "
        "whose window is lower than it",
    )
