# SPDX-License-Identifier: Apache-2.0
"""bias-scale: the runtimes add a bias as it is stored, to products of input and weight.

So its scale has to be input scale times weight scale. TensorFlow 2.21's converter breaks that
where fake-quantization nodes and a representative dataset meet.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from edgekit.errors import EdgekitError
from edgekit.quantize.checks.finding import Check, Evidence, Finding
from edgekit.quantize.checks.products import Product, products
from edgekit.tflite.graph import Graph

# The defect gave a bias 7.7 times too large; rounding of float32 scales gives 1e-7.
TOLERANCE = 1e-4


def _look(evidence: Evidence) -> Iterator[Finding]:
    for product in products(evidence.graph):
        factor = _worst(product)
        if abs(factor - 1.0) <= TOLERANCE:
            continue
        layer = product.op.layer
        who = "TensorFlow's converter gave" if evidence.converted else "the file gives"
        if evidence.converted:
            remedy = (
                "remove fake-quantization nodes from the model, or put one on the output of "
                "every layer, and convert again"
            )
        else:
            remedy = "convert the Keras model that it came from with edgekit convert"
        yield Finding(
            layer,
            f"{who} layer '{layer}' a bias scale that is {factor:.6g} times input scale x weight "
            "scale, so its outputs would be wrong",
            remedy,
        )


BIAS_SCALE = Check("bias-scale", "bias scale = input scale x weight scale", _look)


def check_bias_scales(graph: Graph) -> None:
    """EdgekitError where a bias is not scaled by input scale times weight scale, per channel."""
    for finding in _look(Evidence(graph, graph.name)):
        raise EdgekitError(finding.text, hint=finding.remedy)


def _worst(product: Product) -> float:
    """Stored over expected scale of the channel where it is furthest from 1.

    Channels whose bias is 0 do not count: whatever its scale, 0 is right.
    """
    bias = product.bias
    if bias is None or bias.quant is None or product.data.quant is None:
        return 1.0
    expected = product.data.q.scale * np.array(product.weights.q.scales)
    actual = np.array(bias.q.scales)
    counts = np.ones(max(len(actual), len(expected)), bool)
    if bias.data is not None and bias.data.size == len(counts):
        counts = bias.data.ravel() != 0
    elif bias.data is not None and not np.any(bias.data):
        return 1.0
    actual, expected = np.broadcast_arrays(actual, expected)
    counts = counts & (expected > 0)
    if not counts.any():
        return 1.0
    factors = actual[counts] / expected[counts]
    return float(factors[np.argmax(np.abs(factors - 1.0))])
