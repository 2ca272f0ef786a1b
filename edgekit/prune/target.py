# SPDX-License-Identifier: Apache-2.0
"""Targets: which can be reached, and whether one was."""

from __future__ import annotations

from edgekit.errors import EdgekitError
from edgekit.prune.masks import Choice, Masks
from edgekit.prune.scopes import MOST
from edgekit.prune.structures import default_sparsity, structure_name

TOLERANCE = 0.005  # of the sparsity reached, in parts of one


def check_target(sparsity: float) -> None:
    """EdgekitError for a target that is no fraction, or above what a layer can spare."""
    if not 0.0 < sparsity <= MOST:
        raise EdgekitError(
            f"the target sparsity is {sparsity:g}, and it lies above 0 and at most {MOST:g}",
            hint="give --sparsity 0.75 for three quarters of the weights",
        )


def within_reach(masks: Masks, sparsity: float, choice: Choice) -> tuple[float, str]:
    """The target over the kernels that are pruned, and a remark where it is not `sparsity`.

    EdgekitError for one that structure or protected layers rule out: it says the best there is.
    """
    best = masks.reachable
    if choice.of_all:
        return _of_all(masks, sparsity, best), ""
    if sparsity <= best + TOLERANCE / 2:
        return min(sparsity, best), ""
    pattern = default_sparsity(choice.structure, 0.0)
    if pattern and sparsity <= pattern + TOLERANCE:
        remark = f"{structure_name(choice.structure)} comes to {100 * best:.1f} % here"
        return best, f"{remark}: not all layers divide"
    raise EdgekitError(
        f"the target sparsity is {sparsity:g}, and with structure "
        f"{structure_name(choice.structure)} at most {best:.3f} can be reached",
        hint=f"give --sparsity {int(best * 1000) / 1000:g}, or another --structure",
    )


def _of_all(masks: Masks, sparsity: float, best: float) -> float:
    weights = {kernel.name: kernel.values().size for kernel in masks.kernels}
    prunable = sum(weights[kernel.name] for kernel in masks.pruned)
    share = prunable / sum(weights.values())
    if sparsity <= best * share:
        return sparsity / share
    protected = [k.name for k in masks.kernels if k.protected]
    protected.sort(key=lambda name: -weights[name])
    listed = ", ".join(f"'{name}'" for name in protected[:5])
    more = f" and {len(protected) - 5} more" if len(protected) > 5 else ""
    verb = "is" if len(protected) == 1 else "are"
    raise EdgekitError(
        f"{sparsity:g} of all weights cannot be zero: at most {best * share:.3f} can, since "
        f"{listed}{more} {verb} left alone",
        hint=f"give --sparsity {int(best * share * 1000) / 1000:g}, or keep fewer layers",
    )


def check_reached(sparsity: float, target: float, *, grain: float = 0.0) -> None:
    """EdgekitError where fewer weights are zero than asked for; `grain` is half a block."""
    if sparsity < target - TOLERANCE - grain:
        raise EdgekitError(
            f"the sparsity is {sparsity:.4f} and not the {target:.4f} asked for",
            hint="is another constraint, or a callback, changing the weights?",
        )
