# SPDX-License-Identifier: Apache-2.0
"""`.csv`: one flattened sample a row; header optional; a column `y` holds the labels."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from edgekit.errors import EdgekitError
from edgekit.model.dataset import Samples
from edgekit.model.info import InputSpec
from edgekit.model.readers.raw import Raw

_LABEL_COLUMNS = ("y", "label")


def read_csv(path: Path, inputs: Sequence[InputSpec]) -> Raw:
    """Samples as float32 rows; labels as numbers, or as class names in sorted order."""
    if len(inputs) != 1:
        raise EdgekitError(
            f"a .csv holds one array, and this model has {len(inputs)} inputs",
            hint="give an .npz with an array named after each input",
        )
    rows = _rows(path)
    header = rows.pop(0)[1] if rows and not _all_numbers(rows[0][1]) else []
    names = [name.strip().lower() for name in header]
    label = next((names.index(name) for name in _LABEL_COLUMNS if name in names), -1)
    if not header and rows and len(rows[0][1]) == _elements(inputs[0]) + 1:
        raise EdgekitError(
            f"'{path}' has one column more than a sample and no header to say which",
            hint="give it a header line; name the column of labels y",
        )
    if not rows:
        raise EdgekitError(f"'{path}' is empty", hint="give one sample a row")
    width = len(rows[0][1])
    samples = np.array([_numbers(path, line, row, width, label) for line, row in rows], np.float32)
    if label < 0:
        return Raw({"x": samples}, ("x", ""), source=str(path))
    y, classes = _labels([row[label].strip() for _, row in rows])
    arrays: dict[str, Samples] = {"x": samples, "y": y}
    return Raw(arrays, ("x", "y"), classes=classes, source=str(path))


def _rows(path: Path) -> list[tuple[int, list[str]]]:
    try:
        with path.open(newline="", encoding="utf-8-sig") as stream:
            reader = csv.reader(stream)
            return [(reader.line_num, row) for row in reader if any(cell.strip() for cell in row)]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise EdgekitError(
            f"'{path}' cannot be read as CSV: {error}", hint="save it as comma-separated UTF-8 text"
        ) from error


def _elements(spec: InputSpec) -> int:
    return int(np.prod([side or 1 for side in spec.shape]))


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _all_numbers(row: list[str]) -> bool:
    return all(_is_number(cell) for cell in row)


def _numbers(path: Path, line: int, row: list[str], width: int, label: int) -> list[float]:
    if len(row) != width:
        raise EdgekitError(
            f"'{path}' line {line} has {len(row)} columns, the first row has {width}",
            hint="give each row the same number of columns",
        )
    cells = [cell for column, cell in enumerate(row) if column != label]
    for cell in cells:
        if not _is_number(cell):
            raise EdgekitError(
                f"'{path}' line {line}: '{cell}' is not a number",
                hint="only the column y may hold words",
            )
    return [float(cell) for cell in cells]


def _labels(cells: list[str]) -> tuple[np.ndarray, tuple[str, ...]]:
    if _all_numbers(cells):
        return np.array([float(cell) for cell in cells]), ()
    classes = tuple(sorted(set(cells)))
    return np.array([classes.index(cell) for cell in cells], np.int64), classes
