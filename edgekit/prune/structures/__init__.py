# SPDX-License-Identifier: Apache-2.0
"""In what groups weights go. A new structure is a file here and a row in STRUCTURES."""

from __future__ import annotations

import re
from typing import Any, Protocol

import numpy as np

from edgekit.errors import EdgekitError
from edgekit.prune.structures.blocks import Blocks
from edgekit.prune.structures.groups import Groups
from edgekit.prune.structures.n_of_m import NofM
from edgekit.prune.structures.unstructured import Unstructured


class Structure(Protocol):
    """Works on a kernel seen as [taps, inputs, outputs]."""

    def groups(self, scores: np.ndarray) -> Groups:
        """Scores of groups for the scores of weights."""
        ...

    def expand(self, keep: np.ndarray, shape: tuple[int, int, int]) -> np.ndarray:
        """The mask of `shape` (True = stays) for a boolean per group."""
        ...

    def note(self, shape: tuple[int, int, int]) -> str:
        """What does not divide in a kernel of `shape`, "" where all does."""
        ...


# The blocks named are those that Cortex-M kernels profit from: 2x2 in convolutions, 8x2 in dense
# layers; 1x4 holds four outputs, a vector of many other cores.
STRUCTURES: dict[str, Structure] = {
    "unstructured": Unstructured(),
    "2x2": Blocks(2, 2),
    "8x2": Blocks(8, 2),
    "1x4": Blocks(1, 4),
    "2:4": NofM(2, 4),
}
_BLOCKS = re.compile(r"(\d+)x(\d+)")
_N_OF_M = re.compile(r"(\d+):(\d+)")


def named_structure(choice: Any) -> Structure:
    """A row of STRUCTURES, "AxB" for blocks of A inputs x B outputs, "N:M", or an object."""
    if not isinstance(choice, str):
        return _own(choice)
    if choice in STRUCTURES:
        return STRUCTURES[choice]
    if match := _BLOCKS.fullmatch(choice):
        return Blocks(int(match[1]), int(match[2]))
    if match := _N_OF_M.fullmatch(choice):
        return NofM(int(match[1]), int(match[2]))
    raise EdgekitError(
        f"there is no structure '{choice}'",
        hint=f"one of: {', '.join(STRUCTURES)}, or any AxB (inputs x outputs) or N:M",
    )


def structure_name(choice: Any) -> str:
    return (
        choice if isinstance(choice, str) else str(getattr(choice, "name", type(choice).__name__))
    )


def default_sparsity(choice: Any, otherwise: float) -> float:
    """What "N:M" itself says, `otherwise` for every other structure."""
    structure = named_structure(choice)
    return structure.sparsity if isinstance(structure, NofM) else otherwise


def _own(choice: Any) -> Structure:
    if all(hasattr(choice, name) for name in ("groups", "expand", "note")):
        structure: Structure = choice
        return structure
    raise EdgekitError(
        f"a structure of type {type(choice).__name__} is not understood",
        hint="give a name, or an object with groups, expand and note",
    )
