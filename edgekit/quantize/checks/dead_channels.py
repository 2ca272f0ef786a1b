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
    zero = {p.op.layer: (_zero_channels(p), p) for p in products(evidence.graph)}
    constant = {p.op.layer: (_constant(p, evidence), p) for p in products(evidence.graph)}
    for layer, (count, _) in zero.items():
        if count:
            constant.pop(layer)
    remedy = "edgekit prune --structure channel takes such channels out"
    yield from _summary(zero, "have only weights of zero", remedy)
    yield from _summary(
        constant,
        f"give one number for all {evidence.samples} samples",
        "edgekit debug-quant says whether the float model does so too",
    )


def _summary(counts: dict[str, tuple[int, Product]], what: str, remedy: str) -> Iterator[Finding]:
    """One finding for all layers, which names the worst."""
    found = {layer: pair for layer, pair in counts.items() if pair[0]}
    if not found:
        return
    worst = max(found, key=lambda layer: found[layer][0] / _channels(found[layer][1]))
    count, product = found[worst]
    total = sum(n for n, _ in found.values())
    others = f"; in {len(found)} layers together {total}" if len(found) > 1 else ""
    text = f"layer '{worst}': {count} of {_channels(product)} channels {what}{others}"
    yield Finding(worst, text, remedy, wrong=False)


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
