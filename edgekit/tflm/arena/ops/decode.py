# SPDX-License-Identifier: Apache-2.0
"""DECODE: weights stored pruned or as indices, given back at each inference."""

from edgekit.errors import EdgekitError
from edgekit.tflite.graph import DECODE
from edgekit.tflm.arena.node import Node, Use

# micro/kernels/decode_state_*.h, by the type in an ancillary tensor's first byte.
_LUT, _HUFFMAN, _PRUNE = 0, 1, 2
_STATES = {_LUT: "4p3zp3b", _HUFFMAN: "4pzp2b", _PRUNE: "4p3z2p2b"}


def _decode(node: Node) -> None:
    node.persistent(node.struct(f"{len(node.op.outputs)}p"))
    for pair in range(len(node.op.outputs)):
        node.temps(f"i{2 * pair} i{2 * pair + 1} o{pair}")
        kind = _kind(node, 2 * pair + 1)
        node.persistent(node.struct(_STATES[kind]))
        quant = node.output(pair).quant
        if kind == _PRUNE and quant and quant.per_channel and any(quant.zero_points):
            node.persistent(len(quant.scales))


def _kind(node: Node, position: int) -> int:
    ancillary = node.given(position)
    kind = -1 if ancillary.data is None else ancillary.data.tobytes()[0]
    if kind not in _STATES:
        raise EdgekitError(
            f"op {node.op.index} (DECODE) is of a type that TFLite Micro does not know: {kind}",
            hint="encode the weights again: `edgekit convert --compress`",
        )
    return kind


USES = {DECODE: Use(prepare=_decode)}
