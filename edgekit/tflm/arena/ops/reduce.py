# SPDX-License-Identifier: Apache-2.0
"""Ops that take axes together, and those that need a row of values at a time."""

from edgekit.tflm.arena.node import Node, Use

INTEGERS = ("int8", "int16")
# lite/kernels/internal/types.h: SoftmaxParams
SOFTMAX_DATA = "d7i5p"
# micro/kernels/softmax_common.cc: entries of one int16 table.
_LUT_BYTES = 2 * 513


def _common(node: Node) -> None:
    node.temps("i0 i1 o0" if node.given(0).dtype == "int8" else "i0 i1")


def _axes(node: Node) -> None:
    node.scratch("iterator", 4 * len(node.given(0).shape))
    node.scratch("axes", 4 * node.given(1).elements)


def _extreme(node: Node) -> None:
    _common(node)
    node.temps("i0 o0 i1")
    _axes(node)


def _all(node: Node) -> None:
    node.temps("i0 o0 i1")
    _common(node)
    _axes(node)


def _mean_or_sum(node: Node) -> None:
    node.temps("i0 o0 i1")
    if node.given(0).dtype in INTEGERS:
        node.scratch("sums", 4 * node.output().elements)
    _axes(node)
    _common(node)


def _cumsum(node: Node) -> None:
    node.temps("i0 i1 o0")
    if node.output().dtype == "int8":
        node.persistent(node.struct("9i"))


def _log_softmax(node: Node) -> None:
    node.temps("i0 o0")
    if node.given(0).dtype == "int8":
        node.persistent(node.struct("5i2z"))


def softmax(node: Node) -> None:
    """An int16 softmax keeps two tables."""
    node.temps("i0 o0")
    if node.given(0).dtype == "int16":
        node.persistent(_LUT_BYTES)
        node.persistent(_LUT_BYTES)


USES = {
    "REDUCE_MAX": Use(options="b", data="11i", prepare=_extreme),
    "REDUCE_MIN": Use(options="b", data="11i", prepare=_extreme),
    "REDUCE_ALL": Use(options="b", data="11i", prepare=_all),
    "MEAN": Use(options="b", data="11i", prepare=_mean_or_sum),
    "SUM": Use(options="b", data="11i", prepare=_mean_or_sum),
    "CUMSUM": Use(options="2b", prepare=_cumsum),
    "L2_NORMALIZATION": Use(options="e", data="i", prepare="i0 o0"),
    "LOG_SOFTMAX": Use(prepare=_log_softmax),
    "SOFTMAX": Use(options="i", data=SOFTMAX_DATA, prepare=softmax),
}
