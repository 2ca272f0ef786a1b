# SPDX-License-Identifier: Apache-2.0
"""Trained ranges inside of a .keras file: one more entry of the zip, which Keras does not read.

The model itself is a plain Keras model with kernels on their grids, for anyone to load.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from edgekit.errors import EdgekitError

ENTRY = "edgekit_quantization.json"
VERSION = 1
Range = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Trained:
    """`ranges` of points by name, `formats` of layers (by name) that are not int8."""

    ranges: Mapping[str, Range]
    formats: Mapping[str, str]

    def rules(self) -> tuple[str, ...]:
        """The formats as `REGEX=FORMAT` texts."""
        return tuple(f"^{_escaped(name)}$={kind}" for name, kind in self.formats.items())


def _escaped(name: str) -> str:
    return "".join(c if c.isalnum() or c in "_/-" else f"\\{c}" for c in name)


def add_trained(path: Path, trained: Trained) -> None:
    """Put `trained` into the .keras file at `path`."""
    text = json.dumps(
        {
            "version": VERSION,
            "ranges": {name: list(ends) for name, ends in trained.ranges.items()},
            "formats": dict(trained.formats),
        },
        indent=1,
    )
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as file:
        file.writestr(ENTRY, text)


def read_trained(path: Path | None) -> Trained | None:
    """What `add_trained` put there; None for any other file."""
    if path is None or not path.is_file() or not zipfile.is_zipfile(path):
        return None
    with zipfile.ZipFile(path) as file:
        if ENTRY not in file.namelist():
            return None
        try:
            told = json.loads(file.read(ENTRY))
            ranges = {
                str(n): (float(low), float(high)) for n, (low, high) in told["ranges"].items()
            }
            formats = {str(name): str(kind) for name, kind in told["formats"].items()}
        except (ValueError, KeyError, TypeError) as error:
            raise EdgekitError(
                f"'{path}' holds trained ranges that cannot be read",
                hint="run edgekit train-quantized again",
            ) from error
    return Trained(ranges, formats)
