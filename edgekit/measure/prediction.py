# SPDX-License-Identifier: Apache-2.0
"""How far what was predicted for each layer is from what was counted."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class LayerError:
    """One layer: its error is predicted / counted - 1."""

    index: int
    op: str
    layer: str
    way: str
    error: float


@dataclass(frozen=True, slots=True)
class WayError:
    """The layers that run one way: how many, their share of all that was counted, the median of
    |error|, and the error of their sum."""

    way: str
    layers: int
    share: float
    median_error: float
    total_error: float


@dataclass(frozen=True, slots=True)
class PredictionError:
    """Predicted against counted instructions over `layers` layers.

    `median_error` is the median of |error|, `total_error` that of the sums, `worst` the layer of
    the largest |error|, `costliest` the one whose miss is most instructions. `cycles_error` is
    that of the sums of predicted against estimated cycles, None where either is not known.
    """

    layers: int
    median_error: float
    total_error: float
    cycles_error: float | None
    worst: LayerError
    costliest: LayerError
    ways: tuple[WayError, ...]


def prediction_error(rows: Iterable[Mapping[str, Any]]) -> PredictionError | None:
    """Errors of `rows` with `{index, op, layer, way, predicted_instructions, instructions}`.

    Rows without a prediction, those of ops that move nothing and those that took nothing are left
    out; None where no row is left.
    """
    told = [r for r in rows if r.get("predicted_instructions") and r.get("instructions")]
    if not told:
        return None
    names = sorted({row["way"] for row in told})
    counted = sum(row["instructions"] for row in told)
    by_way = [_of_way([row for row in told if row["way"] == name], counted) for name in names]
    return PredictionError(
        layers=len(told),
        median_error=_median(told),
        total_error=_total(told) or 0.0,
        cycles_error=_total(told, "predicted_cycles", "cycles"),
        worst=_named(max(told, key=lambda row: abs(error_of(row)))),
        costliest=_named(
            max(told, key=lambda row: abs(row["predicted_instructions"] - row["instructions"]))
        ),
        ways=tuple(sorted(by_way, key=lambda way: -way.share)),
    )


def error_of(row: Mapping[str, Any]) -> float:
    """Predicted / counted - 1."""
    return round(float(row["predicted_instructions"] / row["instructions"] - 1), 6)


def _of_way(rows: list[Mapping[str, Any]], counted: float) -> WayError:
    share = sum(row["instructions"] for row in rows) / counted
    return WayError(rows[0]["way"], len(rows), round(share, 6), _median(rows), _total(rows) or 0.0)


def _median(rows: list[Mapping[str, Any]]) -> float:
    return round(statistics.median(abs(error_of(row)) for row in rows), 6)


def _total(
    rows: list[Mapping[str, Any]],
    foretold: str = "predicted_instructions",
    counted: str = "instructions",
) -> float | None:
    """The error of the sums; None where a row lacks one of the two."""
    if not all(row.get(foretold) and row.get(counted) for row in rows):
        return None
    predicted, found = (sum(row[key] for row in rows) for key in (foretold, counted))
    return round(float(predicted / found - 1), 6)


def _named(row: Mapping[str, Any]) -> LayerError:
    return LayerError(row["index"], row["op"], row["layer"], row["way"], error_of(row))
