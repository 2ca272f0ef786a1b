# SPDX-License-Identifier: Apache-2.0
"""Pooling."""

from edgekit.tflm.arena.node import Node, Use

POOL_OPTIONS = "e4ie4i"
POOL_DATA = "8i"


def _l2(node: Node) -> None:
    node.temps("o0 i0")
    node.writable_dims(node.output())


USES = {
    "AVERAGE_POOL_2D": Use(options=POOL_OPTIONS, data=POOL_DATA, prepare="i0 o0"),
    "MAX_POOL_2D": Use(options=POOL_OPTIONS, data=POOL_DATA, prepare="i0 o0"),
    "L2_POOL_2D": Use(options=POOL_OPTIONS, prepare=_l2),
}
