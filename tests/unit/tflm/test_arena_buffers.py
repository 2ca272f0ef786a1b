# SPDX-License-Identifier: Apache-2.0
"""CMSIS-NN's buffer sizes, against what its own functions return on emulated cores.

The table was printed by the library (4ab83cc, arm-none-eabi-gcc 12.2) on Cortex-M3, M4 and M55, for
windows drawn at random, of 3,000 on each that all agreed.
"""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import pytest

from edgekit.tflm.arena.cmsis_nn import buffers
from edgekit.tflm.arena.cmsis_nn.buffers import Window

TABLE = Path(__file__).resolve().parents[2] / "data" / "cmsis_nn_buffers.csv"
Row = dict[str, int]


def _rows(extension: str) -> list[Row]:
    with TABLE.open() as stream:
        found = [row for row in csv.DictReader(stream) if row["extension"] == extension]
    return [{key: int(value) for key, value in row.items() if key != "extension"} for row in found]


def _pair(row: Row, name: str) -> tuple[int, int]:
    return row[f"{name}_h"], row[f"{name}_w"]


def _window(row: Row) -> Window:
    return Window(
        batches=row["batches"],
        input=_pair(row, "in"),
        output=_pair(row, "out"),
        kernel=_pair(row, "k"),
        input_channels=row["in_c"],
        filter_channels=row["filter_c"],
        output_channels=row["out_c"],
        stride=_pair(row, "stride"),
        dilation=_pair(row, "dil"),
        padding=_pair(row, "pad"),
    )


@pytest.mark.parametrize("extension", ["", "dsp", "mve"])
def test_buffers_are_the_librarys(extension: str) -> None:
    rows = _rows(extension)
    assert len(rows) >= 45
    for row in rows:
        window = _window(row)
        deep = replace(
            window,
            input_channels=row["dw_in_c"],
            filter_channels=1,
            output_channels=row["dw_out_c"],
        )
        ours = {
            "conv_s8": buffers.conv_bytes(window, extension),
            "conv_s16": buffers.conv_int16_bytes(window, extension),
            "dw_s8": buffers.depthwise_bytes(deep, extension),
            "dw_s4": buffers.depthwise_int4_bytes(deep, extension),
            "pool": buffers.average_pool_bytes(row["out_c"], extension),
            "dense": buffers.kernel_sum_bytes(row["dw_out_c"], extension),
        }
        assert ours == {name: row[name] for name in ours}
        two = buffers.transpose_conv_bytes(window, extension)
        assert two == (row["transpose"], row["transpose_reverse"])
