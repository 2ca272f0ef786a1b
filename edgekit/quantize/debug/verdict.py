# SPDX-License-Identifier: Apache-2.0
"""A layer's loss in words: how much, why, and what to try."""

from __future__ import annotations

from dataclasses import dataclass

from edgekit.quantize.checks.equal_scales import MOVES
from edgekit.quantize.debug.align import INPUT
from edgekit.quantize.debug.losses import LayerLoss, Losses

CLIPPED = 0.01
WIDE = 4.0  # times the 99.9 percentile: two bits that hardly any value uses
UNEVEN = 8.0  # three bits that only one channel uses
WORTH_SAYING = 0.02
QUIET_DB = 40.0  # outputs with so little noise have lost nothing that anyone measures


@dataclass(frozen=True, slots=True)
class Verdict:
    """One layer to blame: `share` of the loss, the `cause` and what to `try` in one line each."""

    layer: str
    share: float
    cause: str
    advice: str

    @property
    def text(self) -> str:
        return (
            f"{self.layer}: {100 * self.share:.0f} % of the loss, {self.cause}; try {self.advice}"
        )


def ranked(losses: Losses, output_db: float) -> tuple[Verdict, ...]:
    """The layers that cost at least some percent, the worst first; () where nothing is lost.

    `output_db` is of the model's own outputs: before a softmax, what all classes have in common
    may hide the noise.
    """
    if min(losses.output_db, output_db) >= QUIET_DB:
        return ()
    worths = [row.worth_float for row in losses.layers if row.worth_float is not None]
    # A layer that costs nothing seems to gain or lose as much as chance makes of the others.
    chance = max(WORTH_SAYING, -min(worths, default=0.0))
    rows = [row for row in losses.layers if (row.worth_float or 0.0) >= chance]
    rows.sort(key=lambda row: -(row.worth_float or 0.0))
    return tuple(_verdict(row) for row in rows)


def _verdict(row: LayerLoss) -> Verdict:
    cause, advice = _cause(row)
    if row.layer == INPUT and "--layer" in advice:
        advice = "data that fills its range evenly: outliers clipped, or standardized"
    return Verdict(row.layer, min(1.0, row.worth_float or 0.0), cause, advice)


def _cause(row: LayerLoss) -> tuple[str, str]:
    width = max(abs(row.low), abs(row.high))
    if row.clipped >= CLIPPED:
        share = (
            f"{100 * row.clipped:.1f} % of its values lie outside of {row.low:.4g}..{row.high:.4g}"
        )
        if row.layer == INPUT:
            return share, "data of the scale that the model was calibrated on"
        return share, "--calibration minmax, or more calibration samples"
    half = 0.5 * (row.worth_float or 0.0)
    saved = row.worth_int16 is not None and row.worth_int16 >= half
    if row.reach and width / row.reach >= WIDE:
        wide = f"range {width / row.reach:.0f} times its 99.9 percentile"
        if set(row.ops) <= MOVES:
            return f"{wide}, forced on it by the layer before", f"--layer '{row.layer}=int16x8'"
        return wide, "--calibration percentile or --equalize"
    if row.spread >= UNEVEN:
        other = f", or --layer '{row.layer}=int16x8'" if saved else ""
        wide = f"one channel reaches {row.spread:.0f} times as far as the median one"
        return wide, f"--equalize{other}"
    if saved and row.weight_share < 0.5:
        return "8 bits are few for its values", f"--layer '{row.layer}=int16x8'"
    if row.weight_share >= 0.5:
        part = f"{100 * row.weight_share:.0f} % of its own error from rounding its weights"
        return part, "--rounding gptq, --equalize, or edgekit train-quantized"
    around = f"--layer '{row.layer}=int16x8' with the layers around it"
    return "its error and that of its neighbours add up", around
