# SPDX-License-Identifier: Apache-2.0
"""TABLE: what a pass makes of elementwise operators in a row: kernel ek_table.

`options["table"]` holds the int8 outputs of the inputs -128..127. No .tflite file has this kind.
"""

from __future__ import annotations

from collections.abc import Callable

from edgekit.lower.table import Table
from edgekit.tflite.graph import Op, Tensor


class MadeTable(Table):
    kind = "TABLE"
    in_files = False

    def entry(self, op: Op, source: Tensor, output: Tensor) -> Callable[[int], int]:
        return lambda value: int(op.options["table"][value + 128])
