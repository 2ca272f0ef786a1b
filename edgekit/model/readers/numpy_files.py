# SPDX-License-Identifier: Apache-2.0
"""`.npz` and `.npy`."""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from edgekit.errors import EdgekitError
from edgekit.model.info import InputSpec
from edgekit.model.readers.raw import Raw, from_named


def read_npz(path: Path, inputs: Sequence[InputSpec]) -> Raw:
    """Arrays of an .npz by name; pickled objects are never loaded."""
    try:
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
    except (OSError, ValueError, zipfile.BadZipFile, EOFError, KeyError) as error:
        raise _unreadable(path, error) from error
    return from_named(arrays, inputs, str(path))


def read_npy(path: Path, inputs: Sequence[InputSpec]) -> Raw:
    """One array of samples without labels."""
    try:
        with path.open("rb") as stream:
            array = np.load(stream, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise _unreadable(path, error) from error
    return from_named({"x": array}, inputs, str(path))


def _unreadable(path: Path, error: Exception) -> EdgekitError:
    return EdgekitError(
        f"'{path}' cannot be read as numpy arrays: {str(error).splitlines()[0][:120]}",
        hint="write it with numpy.savez(path, x=..., y=...), plain numbers only",
    )
