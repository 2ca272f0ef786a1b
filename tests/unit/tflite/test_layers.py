# SPDX-License-Identifier: Apache-2.0
"""Layer names out of the converter's tensor names."""

from __future__ import annotations

import pytest

from edgekit.tflite.layers import layer_of


@pytest.mark.parametrize(
    ("name", "layer"),
    [
        ("model/conv2d_1/Relu;model/conv2d_1/BiasAdd;model/conv2d_1/Conv2D", "conv2d_1"),
        ("model/block_2/conv/BiasAdd;model/block_2/conv/Conv2D", "block_2/conv"),
        ("model/dense/MatMul;model/dense/BiasAdd", "dense"),
        ("net/depthwise_conv2d/depthwise", "depthwise_conv2d"),
        ("StatefulPartitionedCall:0", "StatefulPartitionedCall:0"),
        ("t3", "t3"),
        ("a/b", "a"),
        ("", ""),
        ("/", "/"),
        ("//;;/", "//"),
    ],
)
def test_layer_of(name: str, layer: str) -> None:
    assert layer_of(name) == layer
