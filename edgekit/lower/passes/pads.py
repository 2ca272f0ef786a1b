# SPDX-License-Identifier: Apache-2.0
"""PAD goes into the window ops that read it: CONV_2D, DEPTHWISE_CONV_2D, MAX_POOL_2D.

Exact for convolutions where it pads height and width with the zero point, since a tap outside
the input then counts as nothing either way; for MAX_POOL_2D where it pads with -128, which
never wins. AVERAGE_POOL_2D divides by the taps inside, so padding it is something else.
"""

from __future__ import annotations

from edgekit.lower.moves import constant_ints
from edgekit.lower.opkind import REGISTRY
from edgekit.lower.ops.pad import Pad
from edgekit.lower.passes.rewrite import Rewrite, same_quant
from edgekit.lower.window import Pads, pads_before
from edgekit.tflite.graph import Graph, Op

CONVOLUTIONS = ("CONV_2D", "DEPTHWISE_CONV_2D")
LOWEST = -128


def fold_pads(graph: Graph) -> Graph:
    rewrite = Rewrite(graph)
    for op in graph.ops:
        if op.kind not in ("PAD", "PADV2") or rewrite.is_end(op.outputs[0]):
            continue
        users, current = rewrite.users(op.outputs[0]), rewrite.graph
        folded = [_folded(op, user, current) for user in users]
        if not users or None in folded:
            continue
        rewrite.drop(op)
        for user, pads in zip(users, folded, strict=True):
            inputs = (op.inputs[0], *user.inputs[1:])
            options = user.options | {"padding": pads}
            rewrite.swap(user, inputs=inputs, options=options, origin=user.origins + op.origins)
    return rewrite.graph


def _folded(pad: Op, user: Op, graph: Graph) -> Pads | None:
    """The pads of `user` with those of `pad` added; None where it is not the same."""
    source, padded = graph.input_of(pad), graph.output_of(pad)
    sides = constant_ints(graph, pad, 1)
    if user.inputs[0] != padded.index or padded.index in user.inputs[1:]:
        return None
    if len(source.shape) != 4 or sides is None or not same_quant(source, padded):
        return None
    if sides[:2] != [0, 0] or sides[6:] != [0, 0]:
        return None
    kind = REGISTRY[pad.kind]
    assert isinstance(kind, Pad)
    neutral = padded.q.zero_point if user.kind in CONVOLUTIONS else LOWEST
    if user.kind not in (*CONVOLUTIONS, "MAX_POOL_2D") or kind.value(pad, graph) != neutral:
        return None
    return _sum(user, sides, graph)


def _sum(user: Op, sides: list[int], graph: Graph) -> Pads | None:
    """Pads of PAD and window together; None where a window could lie outside altogether."""
    options, source, output = user.options, graph.input_of(user), graph.output_of(user)
    if user.kind == "MAX_POOL_2D":
        taps = options["filter_height"], options["filter_width"]
    else:
        _, k_h, k_w, _ = graph.input_of(user, 1).shape
        taps = k_h, k_w
    strides = options["stride_h"], options["stride_w"]
    dilations = options.get("dilation_h_factor", 1), options.get("dilation_w_factor", 1)
    own = pads_before(options["padding"], source.shape, output.shape, taps, strides, dilations)
    pads = []
    for axis in (0, 1):
        side, reach = source.shape[axis + 1], (taps[axis] - 1) * dilations[axis] + 1
        last = (output.shape[axis + 1] - 1) * strides[axis] + reach - own[axis]
        before = own[axis] + sides[2 + 2 * axis]
        after = max(last - side, 0) + sides[3 + 2 * axis]
        if before >= reach or after >= reach:
            return None
        pads.append((before, after))
    return pads[0], pads[1]
