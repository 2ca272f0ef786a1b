# SPDX-License-Identifier: Apache-2.0
"""What every layer's quantization costs: at its own output, and at the model's."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from edgekit.quantize.checks.agreement import sqnr_db
from edgekit.quantize.debug.align import INPUT, Step
from edgekit.quantize.debug.simulate import Choice, Simulation
from edgekit.tflite.graph import Graph, Tensor

TRIED = 12  # layers that are left unquantized one by one: those that cost most alone
REACH = 99.9  # percentile of |value| that stands for what a layer's values usually are
EXACT_DB = 200.0  # stands for no error at all; float32 itself holds 150
# Squashing ops at the end hide what came before: the loss is looked at before them.
_SQUASH = ("SOFTMAX", "LOGISTIC", "LOG_SOFTMAX", "TANH")


@dataclass(frozen=True, slots=True)
class LayerLoss:
    """One layer; dB are signal over noise at the layer's own output, EXACT_DB for no
    error at all.

    `introduced_db`: this layer alone is quantized. `accumulated_db`, `max_abs_error`: the int8
    model against the float one. `clipped` is the share of float values outside of `low`..`high`,
    `reach` the 99.9 percentile of |value|, `peak` the largest; `spread` is the peak of the
    channel with the largest over the median channel's. `alone` is the noise at the
    model's output that this layer alone makes, over that of all. `worth_float` and `worth_int16`
    are the shares of all noise that vanish when the layer stays float, or its activations int16;
    None where that was not tried. `weight_share` is the part of the introduced noise that comes
    from the weights.
    """

    layer: str
    ops: tuple[str, ...]
    introduced_db: float
    accumulated_db: float | None
    max_abs_error: float | None
    clipped: float
    low: float
    high: float
    reach: float
    peak: float
    spread: float
    weight_share: float
    alone: float
    worth_float: float | None = None
    worth_int16: float | None = None


@dataclass(frozen=True, slots=True)
class Losses:
    """`output_db` by simulation with all layers quantized; `layers` in the model's order."""

    output_db: float
    layers: tuple[LayerLoss, ...]


def find_losses(
    simulation: Simulation,
    steps: Sequence[Step],
    floats: Graph,
    real: Mapping[int, np.ndarray],
    each: Callable[[], None],
) -> Losses:
    """`real` maps tensors of the int8 file to what they were there, as real numbers.

    `each` is called after every variant; there are at most `variants(steps)`.
    """
    layers = by_layer(steps)
    ends = _ends(floats, steps)
    places = {layer: _shown(part).outputs[0] for layer, part in layers.items()}
    exact = simulation.run(Choice(frozenset()), {i for i, _ in places.values()} | set(ends))
    everything = frozenset(layers)
    total = _noise(exact, simulation.run(Choice(everything), ends))
    each()
    rows = []
    for layer, part in layers.items():
        index, stored = places[layer]
        only = simulation.run(Choice(frozenset([layer])), {index, *ends})
        alone = _noise(exact, only) / total if total else 0.0
        rows.append(_row(layer, part, stored, exact[index], only[index], real, alone))
        each()
    tried = sorted(rows, key=lambda row: -row.alone)[:TRIED]
    worths = {}
    for row in tried:
        less = simulation.run(Choice(everything - {row.layer}), ends)
        wide = simulation.run(Choice(everything, frozenset([row.layer])), ends)
        worths[row.layer] = tuple(_gain(total, _noise(exact, part)) for part in (less, wide))
        each()
    return Losses(_db(total), tuple(_with_worth(row, worths.get(row.layer)) for row in rows))


def variants(steps: Sequence[Step]) -> int:
    """How often `each` is called by `find_losses`."""
    count = len(by_layer(steps))
    return 1 + count + min(count, TRIED)


def by_layer(steps: Sequence[Step]) -> dict[str, list[Step]]:
    """Steps of each layer in the order of its first one; only those that are rounded at all."""
    found: dict[str, list[Step]] = {}
    for step in steps:
        if step.outputs and step.outputs[0][1].quant is not None:
            found.setdefault(step.layer, []).append(step)
    return found


def _shown(part: Sequence[Step]) -> Step:
    """The op whose output stands for a layer: its last that does not squash."""
    return next((step for step in reversed(part) if step.kind not in _SQUASH), part[-1])


def _ends(floats: Graph, steps: Sequence[Step]) -> tuple[int, ...]:
    """The outputs, each before the squashing op that makes it."""
    makers = {index: op for op in floats.ops for index in op.outputs}
    ends = []
    for index in floats.outputs:
        op = makers.get(index)
        ends.append(op.inputs[0] if op is not None and op.kind in _SQUASH else index)
    return tuple(dict.fromkeys(ends))


def _noise(exact: Mapping[int, np.ndarray], noisy: Mapping[int, np.ndarray]) -> float:
    """Noise over signal power, mean over the tensors that both have; 0 for a silent tensor."""
    ratios = []
    for index, values in noisy.items():
        power = float(np.mean(np.square(exact[index], dtype=np.float64)))
        error = float(np.mean(np.square(np.subtract(exact[index], values, dtype=np.float64))))
        ratios.append(error / power if power else 0.0)
    return float(np.mean(ratios))


def _gain(total: float, rest: float) -> float:
    return (total - rest) / total if total else 0.0


def _db(noise: float) -> float:
    return float(-10 * np.log10(noise)) if noise else EXACT_DB


def bounded_db(value: float) -> float:
    """`value` within what a record can hold: nothing infinite."""
    return min(max(value, -EXACT_DB), EXACT_DB)


def _row(
    layer: str,
    part: Sequence[Step],
    stored: Tensor,
    exact: np.ndarray,
    only: np.ndarray,
    real: Mapping[int, np.ndarray],
    alone: float,
) -> LayerLoss:
    low, high = real_range(stored)
    there = real.get(stored.index)
    rounded = _rounded(exact, stored, low, high)
    error, own = _power(exact - only), _power(exact - rounded)
    size = np.abs(exact)
    half = stored.q.scale / 2
    return LayerLoss(
        layer=layer,
        ops=tuple(dict.fromkeys(step.kind for step in part)),
        introduced_db=bounded_db(sqnr_db(exact, only)),
        accumulated_db=None if there is None else _beside(exact, there),
        max_abs_error=None if there is None else _largest(exact, there),
        clipped=float(np.mean((exact < low - half) | (exact > high + half))),
        low=low,
        high=high,
        reach=float(np.percentile(size, REACH)),
        peak=float(size.max(initial=0.0)),
        spread=_spread(size),
        weight_share=max(0.0, 1.0 - own / error) if error and layer != INPUT else 0.0,
        alone=alone,
    )


def _spread(size: np.ndarray) -> float:
    """1 where there is one channel, or where half of them are silent."""
    peaks = size.reshape(-1, size.shape[-1]).max(axis=0)
    median = float(np.median(peaks))
    return float(peaks.max()) / median if median else 1.0


def _beside(exact: np.ndarray, there: np.ndarray) -> float:
    return bounded_db(sqnr_db(exact, there.reshape(exact.shape)))


def _largest(exact: np.ndarray, there: np.ndarray) -> float:
    return float(np.max(np.abs(exact - there.reshape(exact.shape)), initial=0.0))


def _power(values: np.ndarray) -> float:
    return float(np.mean(np.square(values, dtype=np.float64)))


def _rounded(exact: np.ndarray, stored: Tensor, low: float, high: float) -> np.ndarray:
    scale = stored.q.scale
    return np.clip(np.round(exact / scale) * scale, low, high)


def real_range(tensor: Tensor) -> tuple[float, float]:
    """Smallest and largest real value that a quantized tensor holds."""
    ends = np.iinfo(tensor.dtype)
    low, high = (tensor.q.scale * (end - tensor.q.zero_point) for end in (ends.min, ends.max))
    return low, high


def _with_worth(row: LayerLoss, worth: tuple[float, ...] | None) -> LayerLoss:
    if worth is None:
        return row
    return replace(row, worth_float=worth[0], worth_int16=worth[1])
