# SPDX-License-Identifier: Apache-2.0
"""The state of a run after an epoch, in one file beside the output, to go on from."""

from __future__ import annotations

import json
import os
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

_GROUPS = ("weights", "optimizer", "masks", "best")


@dataclass(slots=True, eq=False)
class State:
    """After `epochs` epochs and `step` steps. `best` are the weights of the best epoch, or []."""

    epochs: int
    step: int
    sparsity: float
    weights: list[np.ndarray]
    optimizer: list[np.ndarray]
    masks: list[np.ndarray]
    best: list[np.ndarray] = field(default_factory=list)
    best_score: float | None = None
    best_epoch: int = 0


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """`fingerprint` is of everything that decides the run; another run's file is not taken."""

    path: Path
    fingerprint: str

    def save(self, state: State) -> None:
        """Whole or not at all."""
        arrays = {
            f"{group}{index}": array
            for group in _GROUPS
            for index, array in enumerate(getattr(state, group))
        }
        meta = {
            "fingerprint": self.fingerprint,
            "epochs": state.epochs,
            "step": state.step,
            "sparsity": state.sparsity,
            "best_score": state.best_score,
            "best_epoch": state.best_epoch,
            "counts": {group: len(getattr(state, group)) for group in _GROUPS},
        }
        temporary = self.path.with_name(f".{self.path.name}.{os.getpid()}.tmp")
        self.path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with temporary.open("wb") as stream:
                np.savez(stream, meta=np.array(json.dumps(meta)), **arrays)
            temporary.replace(self.path)
        finally:
            temporary.unlink(missing_ok=True)

    def load(self) -> State | None:
        """None where there is none, it cannot be read, or it is of another run."""
        try:
            with self.path.open("rb") as stream, np.load(stream, allow_pickle=False) as file:
                meta: dict[str, Any] = json.loads(str(file["meta"]))
                if meta.pop("fingerprint") != self.fingerprint:
                    return None
                counts = meta.pop("counts")
                groups: dict[str, Any] = {
                    g: [file[f"{g}{i}"] for i in range(counts[g])] for g in _GROUPS
                }
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
            return None
        return State(**meta, **groups)

    def drop(self) -> None:
        self.path.unlink(missing_ok=True)


def arrays_of(variables: Sequence[Any]) -> list[np.ndarray]:
    """Copies; of kinds of numbers that .npz does not know as float32, which holds them all."""
    arrays = [np.asarray(variable).copy() for variable in variables]
    return [a if a.dtype.kind in "fiub" else a.astype(np.float32) for a in arrays]


def put_back(variables: Sequence[Any], arrays: Sequence[np.ndarray]) -> None:
    for variable, array in zip(variables, arrays, strict=True):
        variable.assign(array.astype(str(variable.dtype), copy=False))
