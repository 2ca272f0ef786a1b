# SPDX-License-Identifier: Apache-2.0
"""Rounding of weights: which integer of the grid each weight becomes. One file per way."""

from __future__ import annotations

from edgekit.errors import EdgekitError
from edgekit.quantize.rounding.base import Rounding
from edgekit.quantize.rounding.gptq import Gptq
from edgekit.quantize.rounding.mean import Mean
from edgekit.quantize.rounding.nearest import Nearest
from edgekit.quantize.rounding.scales import SCALES
from edgekit.quantize.rounding.stochastic import Stochastic

ROUNDINGS: dict[str, Rounding] = {
    way.name: way for way in (Nearest(), Mean(), Stochastic(), Gptq())
}


def named_rounding(name: str) -> Rounding:
    """EdgekitError naming those that there are."""
    if name not in ROUNDINGS:
        raise EdgekitError(f"there is no rounding '{name}'", hint=f"one of: {', '.join(ROUNDINGS)}")
    return ROUNDINGS[name]


def check_weight_scale(name: str) -> None:
    """EdgekitError naming those that there are."""
    if name not in SCALES:
        raise EdgekitError(
            f"there is no weight scale '{name}'", hint=f"one of: {', '.join(SCALES)}"
        )
