# SPDX-License-Identifier: Apache-2.0
"""Ops that move values: reshaping, cutting, joining, indexing, resizing."""

from edgekit.tflm.arena.node import Node, Use

_ONE = "i0 o0"
_TWO = "i0 i1 o0"


def _concatenation(node: Node) -> None:
    node.temps("i0 o0 " + " ".join(f"i{position}" for position in range(len(node.op.inputs))))


def _one_with_dims(node: Node) -> None:
    node.temps(_ONE)
    node.writable_dims(node.output())


def _two_with_dims(node: Node) -> None:
    node.temps(_TWO)
    node.writable_dims(node.output())


def _mirror_pad(node: Node) -> None:
    node.temps(_TWO)
    rank = len(node.given(0).shape)
    node.scratch("output dims", 4 * rank)
    node.scratch("input dims", 4 * rank)


def _embedding_lookup(node: Node) -> None:
    _two_with_dims(node)
    node.persistent(node.struct("iz"))


USES = {
    "ARG_MAX": Use(options="e"),
    "ARG_MIN": Use(options="e"),
    "BATCH_TO_SPACE_ND": Use(prepare=_ONE),
    "BROADCAST_ARGS": Use(prepare=_TWO),
    "BROADCAST_TO": Use(prepare=_TWO),
    "CONCATENATION": Use(options="ie", data="(i2p3i)10c", prepare=_concatenation),
    "CUSTOM:CIRCULAR_BUFFER": Use(data="2i", prepare=_ONE),
    "DEPTH_TO_SPACE": Use(options="i", prepare=_one_with_dims),
    "DYNAMIC_UPDATE_SLICE": Use(prepare="i0 i1 i2 o0"),
    "EMBEDDING_LOOKUP": Use(prepare=_embedding_lookup),
    "EXPAND_DIMS": Use(prepare=_TWO),
    "FILL": Use(prepare=_TWO),
    "GATHER": Use(options="2i", prepare=_two_with_dims),
    "GATHER_ND": Use(prepare=_two_with_dims),
    "MIRROR_PAD": Use(options="e", data="5i", prepare=_mirror_pad),
    "PACK": Use(options="2i"),
    "PAD": Use(data="14i", prepare="i0 i1 i2 o0"),
    "PADV2": Use(data="14i", prepare="i0 i1 i2 o0"),
    "RESHAPE": Use(options="9i", prepare=_ONE),
    "RESIZE_BILINEAR": Use(options="2b", prepare=_TWO),
    "RESIZE_NEAREST_NEIGHBOR": Use(options="2b", prepare=_TWO),
    "REVERSE_V2": Use(prepare=_TWO),
    "SHAPE": Use(options="e"),
    "SLICE": Use(prepare="i0 i1 i2 o0"),
    "SPACE_TO_BATCH_ND": Use(data="i", prepare=_ONE),
    "SPACE_TO_DEPTH": Use(options="i", prepare=_one_with_dims),
    "SPLIT": Use(options="i", prepare="i0"),
    "SPLIT_V": Use(options="i", prepare="i2"),
    "SQUEEZE": Use(options="9i", prepare=_ONE),
    "STRIDED_SLICE": Use(options="5ib", data="21i", prepare="i0 i1 i2 i3 o0"),
    "TRANSPOSE": Use(prepare=_TWO),
    "UNPACK": Use(options="2i"),
}
