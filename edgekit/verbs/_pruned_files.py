# SPDX-License-Identifier: Apache-2.0
"""What pruning reads and writes: a copy of the model, the output file, what lies beside it."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from edgekit.artifacts import check_writable, read_record, sha256_file
from edgekit.errors import EdgekitError

if TYPE_CHECKING:
    from edgekit.model.dataset import Dataset
    from edgekit.model.load import LoadedModel

SAMPLED = 64  # samples whose bytes stand for live data in a fingerprint


def own_copy(loaded: LoadedModel) -> Any:
    """A model that may be changed: what was read from a file, a clone of a live object."""
    if loaded.keras is None:
        raise EdgekitError(
            f"'{loaded.source}' is a SavedModel without Keras layers; it can only be converted",
            hint="prune the .keras or .h5 file that it was exported from",
        )
    return loaded.keras if loaded.source is not None else clone(loaded.keras)


def clone(model: Any) -> Any:
    from edgekit.model.subclassed import inner_of, twin_of
    from edgekit.model.tf import keras

    if inner_of(model) is not model:
        return twin_of(model)
    twin = keras().models.clone_model(model)
    twin.set_weights(model.get_weights())
    return twin


def beside(out: Path, stage: str = "prune") -> str:
    """Name of the record of `stage` that lies beside the model file `out`."""
    return f"{out.stem}.{stage}.json"


def checkpoint_path(out: Path) -> Path:
    return out.with_name(f".{out.stem}.prune.resume.npz")


def partial_path(out: Path) -> Path:
    """Where the best so far goes when a run is interrupted."""
    return out.with_name(f"{out.stem}.partial.keras")


def data_digest(dataset: Dataset) -> str:
    """Of the file; of live data of their labels, their number and a few samples."""
    if dataset.sha256:
        return dataset.sha256
    train = dataset.train
    digest = hashlib.sha256(str(len(train)).encode())
    for labels in (train.y, *train.answers.values()):
        if labels is not None:
            digest.update(np.ascontiguousarray(labels).tobytes())
    for array in train.take(np.arange(min(SAMPLED, len(train)))).x:
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def check_out(out: Path, *, force: bool, stage: str = "prune") -> None:
    """EdgekitError unless `stage` may write `out`: a new .keras file, or its own unchanged one."""
    if out.suffix != ".keras":
        raise EdgekitError(
            f"'{out}' does not end in .keras", hint="models are written as -o NAME.keras"
        )
    if out.is_dir():
        raise EdgekitError(f"'{out}' is a folder", hint="give a file: -o NAME.keras")
    check_writable(out.parent, force=True)
    if not out.exists() or force:
        return
    record = out.with_name(beside(out, stage))
    owned = read_record(record)["files"].get(out.name) if record.exists() else None
    if owned != sha256_file(out):
        raise EdgekitError(
            f"'{out}' exists and edgekit did not write it, or it was changed since",
            hint="give another -o, or --force to overwrite",
        )


def save_model(model: Any, out: Path, then: Callable[[Path], None] | None = None) -> None:
    """Whole or not at all; `then` adds to the file before it takes its name."""
    from edgekit.model.subclassed import inner_of
    from edgekit.model.tf import quiet

    out.parent.mkdir(parents=True, exist_ok=True)
    temporary = out.with_name(f".{out.stem}.{os.getpid()}.tmp.keras")
    try:
        with quiet():
            inner_of(model).save(temporary)
        if then is not None:
            then(temporary)
        temporary.replace(out)
    finally:
        temporary.unlink(missing_ok=True)
