# SPDX-License-Identifier: Apache-2.0
"""The op resolver holds exactly the model's operators, under TFLM's own method names."""

from __future__ import annotations

import re

import pytest

from edgekit.emit.op_resolver import ops_header, resolver_method
from edgekit.errors import EdgekitError
from edgekit.tflite.graph import Graph, Op


def graph_of(*kinds: str) -> Graph:
    ops = tuple(Op(i, kind, (), (), layer=f"layer{i}") for i, kind in enumerate(kinds))
    return Graph("m", (), ops, (), ())


def test_each_operator_is_added_once() -> None:
    text = ops_header(graph_of("CONV_2D", "SOFTMAX", "CONV_2D", "PADV2"), "m", "made by a test")
    header = text["m_ops.h"]
    assert re.findall(r"resolver\.(\w+)\(\)", header) == ["AddConv2D", "AddPadV2", "AddSoftmax"]
    assert "m_op_count = 3;" in header
    assert header.startswith("// made by a test\n")


@pytest.mark.parametrize(
    ("kind", "method"),
    [
        ("CONV_2D", "AddConv2D"),
        ("DEPTHWISE_CONV_2D", "AddDepthwiseConv2D"),
        ("UNIDIRECTIONAL_SEQUENCE_LSTM", "AddUnidirectionalSequenceLSTM"),
        ("CUSTOM:TFLM_DECODE", "AddDecode"),
        ("GELU", ""),
        ("CUSTOM:mine", ""),
    ],
)
def test_method_names(kind: str, method: str) -> None:
    assert resolver_method(kind) == method


def test_an_operator_that_tflm_lacks_is_refused_by_name() -> None:
    with pytest.raises(EdgekitError, match=r"GELU.*layer1"):
        ops_header(graph_of("CONV_2D", "GELU"), "m", "")
