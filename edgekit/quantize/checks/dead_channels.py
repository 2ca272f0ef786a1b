# SPDX-License-Identifier: Apache-2.0
"""dead-channels: channels that give nothing, or always the same.

A remark, no error: the float model may be so itself (pruned channels, ReLUs that never open), and
then its int8 model is right. Where quantization is the cause, agreement fails.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from edgekit.quantize.checks.finding import Check, Evidence, Finding
from edgekit.quantize.checks.products import Product, products

MIN_SAMPLES = 10  # on fewer, a channel that is constant says little


def _look(evidence: Evidence) -> Iterator[Finding]:
    for product in products(evidence.graph):
        layer, total = product.op.layer, _channels(product)
        if zero := _zero_channels(product):
            yield Finding(
                layer,
                f"layer '{layer}': all weights of {zero} of {total} channels are zero",
                "edgekit prune --structure channel takes such channels out",
                wrong=False,
            )
        elif constant := _constant(product, evidence):
            yield Finding(
                layer,
                f"layer '{layer}': {constant} of {total} channels give one number for all "
                f"{evidence.samples} samples",
                "edgekit debug-quant says whether they do so in the float model too",
                wrong=False,
            )


DEAD_CHANNELS = Check("dead-channels", "no channel that is always zero or constant", _look)


def _channels(product: Product) -> int:
    return product.weights.shape[product.axis]


def _zero_channels(product: Product) -> int:
    weights = product.weights.data
    if weights is None:
        return 0
    rows = np.moveaxis(weights, product.axis, 0).reshape(_channels(product), -1)
    return int(np.count_nonzero(~rows.any(axis=1)))


def _constant(product: Product, evidence: Evidence) -> int:
    """Channels of the output that never change on real samples; 0 where that cannot be told."""
    seen = (evidence.seen or {}).get(product.output.index)
    if (
        seen is None
        or evidence.generated
        or evidence.samples < MIN_SAMPLES
        or len(seen.low) != _channels(product)
    ):
        return 0
    return int(np.count_nonzero(seen.low == seen.high))
