# SPDX-License-Identifier: Apache-2.0
"""In what groups weights go. A new structure is a file here and a row in STRUCTURES."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
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


# The blocks named are those that Cortex-M kernels profit from: 2x2 in convolutions, 2x4 and 2x8 in
# dense layers, 2:4x2 (the same two of four inputs for two outputs); 1x4 holds four outputs, a
# vector of many other cores.
STRUCTURES: dict[str, Structure] = {
    "unstructured": Unstructured(),
    "2x2": Blocks(2, 2),
    "2x4": Blocks(2, 4),
    "2x8": Blocks(2, 8),
    "1x4": Blocks(1, 4),
    "2:4": NofM(2, 4),
    "2:4x2": NofM(2, 4, 2),
}
AUTO = "auto"
_BLOCKS = re.compile(r"(\d+)x(\d+)")
_N_OF_M = re.compile(r"(\d+):(\d+)(?:x(\d+))?")


class PerKernel(Protocol):
    """Another structure for each kernel, None for one that it does not know."""

    def of(self, kernel_name: str) -> Structure | None: ...


@dataclass(frozen=True, slots=True)
class ByKernel:
    """The structure of each kernel by its name, as a cost model told (structure "auto")."""

    table: Mapping[str, str]
    name: str = AUTO

    def of(self, kernel_name: str) -> Structure | None:
        named = self.table.get(kernel_name)
        return None if named is None else named_structure(named)


def structure_of(choice: Any, kernel_name: str) -> Structure:
    """The structure of one kernel."""
    if hasattr(choice, "of"):
        return choice.of(kernel_name) or STRUCTURES["unstructured"]
    return named_structure(choice)


def named_structure(choice: Any) -> Structure:
    """A row of STRUCTURES, "AxB" for blocks of A inputs x B outputs, "N:M", "N:MxB" for one that B
    outputs share, or an object."""
    if not isinstance(choice, str):
        return _own(choice)
    if choice in STRUCTURES:
        return STRUCTURES[choice]
    if match := _BLOCKS.fullmatch(choice):
        return Blocks(int(match[1]), int(match[2]))
    if match := _N_OF_M.fullmatch(choice):
        return NofM(int(match[1]), int(match[2]), int(match[3] or 1))
    raise EdgekitError(
        f"there is no structure '{choice}'",
        hint=f"one of: {', '.join(STRUCTURES)}, any AxB (inputs x outputs) or N:M, or {AUTO}",
    )


def structure_name(choice: Any) -> str:
    return (
        choice if isinstance(choice, str) else str(getattr(choice, "name", type(choice).__name__))
    )


def default_sparsity(choice: Any, otherwise: float) -> float:
    """What "N:M" itself says, `otherwise` for every other structure."""
    if hasattr(choice, "of"):
        return otherwise
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
