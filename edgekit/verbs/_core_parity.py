# SPDX-License-Identifier: Apache-2.0
"""Does the generated C scale inputs on the board's core as Python does? Asked of the emulator."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from edgekit.boards import Board
from edgekit.emit.scaling import InputScaling, input_scaling
from edgekit.errors import EdgekitError, LimitBroken, ToolMissing
from edgekit.tflite.graph import Graph
from edgekit.verbs._parity import ScalingParity

if TYPE_CHECKING:
    from edgekit.link.device import Device

COUNT = 256  # values a run; 1.3 KB of RAM an input
MOST = 8192  # values of an input that are sent; an image has no more than 256 different ones


def parity_on_core(
    board: Board, graph: Graph, real: Sequence[np.ndarray], found: ScalingParity
) -> ScalingParity:
    """`found` with what the core of an emulated board says; as it is for other boards.

    The functions are compiled for the core, in the app that runs models, and are fed over the
    link. EdgekitError where they give another number than on this machine, where they have been
    compared already.
    """
    if board.emulator is None or board.build.toolchain == "host":
        return found
    scalings = input_scaling(graph, "model")
    asked = [(s, _different(array)) for s, array in zip(scalings, real, strict=True) if s.function]
    try:
        answers = _on_core(board, graph, [s for s, _ in asked], [values for _, values in asked])
    except (ToolMissing, LimitBroken):  # the smallest boards have no room for many inputs
        return found
    for (scaling, values), answer in zip(asked, answers, strict=True):
        _compare(board, scaling, values, answer)
    return replace(found, core=board.core, core_values=sum(values.size for _, values in asked))


def _different(array: np.ndarray) -> np.ndarray:
    """The different values, float32 and rising; evenly chosen where there are more than MOST."""
    values = np.unique(np.asarray(array, np.float32))
    if values.size <= MOST:
        return values
    return values[np.linspace(0, values.size - 1, MOST).astype(int)]


def _on_core(
    board: Board, graph: Graph, scalings: list[InputScaling], values: list[np.ndarray]
) -> list[np.ndarray]:
    """What the functions give there, an array for each of `scalings`."""
    from edgekit.build.firmware import build_firmware
    from edgekit.emit.project import write_project
    from edgekit.emit.scaling_model import NAME, scaling_model
    from edgekit.link.emulator import open_board

    sources = scaling_model(graph, scalings, "model", COUNT)
    with tempfile.TemporaryDirectory(prefix="edgekit-parity-") as folder:
        project = Path(folder) / "fw"
        told = "checked by edgekit bench"
        write_project(project, board, sources, name=NAME, runtime="aot", provenance=told)
        elf = build_firmware(project, board).elf
        with open_board(board, elf) as device:
            device.hello()
            return _answers(device, scalings, values)


def _answers(
    device: Device, scalings: list[InputScaling], values: list[np.ndarray]
) -> list[np.ndarray]:
    """In runs of COUNT values, the shorter inputs and the last run filled up."""
    runs = -(-max(array.size for array in values) // COUNT)
    padded = [np.resize(array, runs * COUNT) for array in values]
    rows = [
        device.sample([array[at * COUNT : (at + 1) * COUNT].tobytes() for array in padded])[1]
        for at in range(runs)
    ]
    return [
        np.frombuffer(b"".join(row[n] for row in rows), s.dtype)[: values[n].size]
        for n, s in enumerate(scalings)
    ]


def _compare(board: Board, scaling: InputScaling, values: np.ndarray, answer: np.ndarray) -> None:
    from edgekit.quantize.arrays import quantize_array

    assert scaling.scale is not None and scaling.zero_point is not None
    expected = quantize_array(values, scaling.scale, scaling.zero_point, scaling.dtype)
    wrong = int(np.count_nonzero(expected != answer))
    if wrong:
        raise EdgekitError(
            f"{scaling.function}() on {board.core} differs from Python's scaling in {wrong:,} of "
            f"{values.size:,} values of input '{scaling.input}'",
            hint="this compiler does not compute float32 by IEEE 754; report it with the model",
        )
