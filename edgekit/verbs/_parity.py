# SPDX-License-Identifier: Apache-2.0
"""Is the input scaling in C that which Python did? Asked on the samples of a bench."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from edgekit.emit.scaling import input_scaling, is_scaled, scaling_header
from edgekit.errors import EdgekitError, ToolMissing
from edgekit.tflite.graph import Graph


@dataclass(frozen=True, slots=True)
class ScalingParity:
    """`values` real numbers were scaled by the generated C, compiled `where`, and all of them
    became what Python sends to the device. `core_values` different ones of them were scaled on the
    `core` of an emulated board too; "" and 0 where there is none."""

    values: int
    functions: tuple[str, ...]
    where: str
    core: str = ""
    core_values: int = 0


def check_parity(
    graph: Graph, real: Sequence[np.ndarray], stored: Sequence[np.ndarray], name: str
) -> ScalingParity | None:
    """None where no input is quantized, or where there is no C compiler to ask.

    `real` and `stored` have one array per input, as data and as sent. EdgekitError where C gives
    another number.
    """
    from edgekit.build.parity import differing

    [(header, text)] = scaling_header(graph, name, "checked by edgekit bench").items()
    functions, values = [], 0
    for scaling, array, sent, index in zip(
        input_scaling(graph, name), real, stored, graph.inputs, strict=True
    ):
        if not is_scaled(graph.tensor(index)):
            continue
        try:
            wrong = differing(header, text, scaling.function, array, sent)
        except ToolMissing:
            return None
        if wrong:
            raise EdgekitError(
                f"{scaling.function}() in C differs from Python's scaling in {wrong:,} of "
                f"{sent.size:,} values of input '{scaling.input}'",
                hint="this compiler does not compute float32 by IEEE 754; report it with the model",
            )
        functions.append(scaling.function)
        values += sent.size
    return ScalingParity(values, tuple(functions), "this host's cc") if functions else None
