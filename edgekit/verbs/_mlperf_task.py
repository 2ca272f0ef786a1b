# SPDX-License-Identifier: Apache-2.0
"""MLPerf Tiny's four tasks that a serial line can drive, and which of them a model is for.

Ids, input sizes and conventions: mlcommons/tiny, benchmark/api and reference_submissions; quality
targets: its benchmark/MLPerfTiny_Rules.adoc.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from edgekit.errors import EdgekitError

if TYPE_CHECKING:
    from edgekit.tflite.graph import Graph

AUTO = "auto"


@dataclass(frozen=True, slots=True)
class Task:
    """One task. `input_bytes` is one input as sent, of `values` values; `convention` says what its
    bytes are: "uint8" (a pixel; the model's int8 is 128 less), "int8" (as the model takes them) or
    "float32" (rebuilt by the model; the result is the mean square error). `classes` are results,
    `target` is the closed division's quality: top-1, or for "float32" the area under the curve.
    `stride_bytes` is from one window to the next in a file that holds several, else 0.
    """

    id: str
    title: str
    values: int
    input_bytes: int
    convention: str
    outputs: int
    classes: int
    target: float
    warmup: int
    stride_bytes: int = 0


TASKS = (
    Task("ad01", "anomaly detection", 640, 2560, "float32", 640, 2, 0.85, 10, stride_bytes=512),
    Task("ic01", "image classification", 3072, 3072, "uint8", 10, 10, 0.85, 5),
    Task("kws01", "keyword spotting", 490, 490, "int8", 12, 12, 0.90, 10),
    Task("vww01", "visual wake words", 27648, 27648, "uint8", 2, 2, 0.80, 5),
)
BY_ID = {task.id: task for task in TASKS}
# What a model may take and give in each convention.
_INPUTS = {"uint8": ("int8", "uint8"), "int8": ("int8",), "float32": ("int8", "float32")}
_OUTPUTS = ("int8", "uint8", "float32")
_PIXEL_ZERO = {"int8": -128, "uint8": 0}


def find_task(tflite: Path, asked: str) -> Task:
    """The task `asked` for, or with "auto" the one that the model's shapes are of.

    Raises EdgekitError for a task that there is not, and for a model that cannot do it.
    """
    from edgekit.verbs._named import read_named

    if asked != AUTO and asked not in BY_ID:
        raise EdgekitError(
            f"MLPerf Tiny has no task '{asked}' that a serial line drives",
            hint=f"one of: {AUTO}, {', '.join(BY_ID)}",
        )
    graph = read_named(tflite)
    values, outputs = _sizes(graph)
    fitting = [task for task in TASKS if (task.values, task.outputs) == (values, outputs)]
    if asked != AUTO:
        fitting = [task for task in fitting if task.id == asked]
    if not fitting:
        wanted = [BY_ID[asked]] if asked != AUTO else TASKS
        sizes = ", ".join(f"{task.id} {task.values} to {task.outputs}" for task in wanted)
        raise EdgekitError(
            f"'{tflite.name}' takes {values} values and gives {outputs}, which is not what "
            f"{asked if asked != AUTO else 'any task of MLPerf Tiny'} has",
            hint=f"one input and one output are wanted, of these sizes: {sizes}",
        )
    _check_types(graph, fitting[0], tflite.name)
    return fitting[0]


def _sizes(graph: Graph) -> tuple[int, int]:
    """Values in and out of a model with one of each; (0, 0) for any other."""
    from math import prod

    if len(graph.inputs) != 1 or len(graph.outputs) != 1:
        return 0, 0
    return prod(graph.tensor(graph.inputs[0]).shape), prod(graph.tensor(graph.outputs[0]).shape)


def _check_types(graph: Graph, task: Task, name: str) -> None:
    taken, given = graph.tensor(graph.inputs[0]), graph.tensor(graph.outputs[0])
    allowed = _INPUTS[task.convention]
    if taken.dtype not in allowed or given.dtype not in _OUTPUTS:
        raise EdgekitError(
            f"'{name}' takes {taken.dtype} and gives {given.dtype}, which {task.id} cannot feed",
            hint=f"its input has to be {' or '.join(allowed)}: edgekit convert --input-dtype int8",
        )
    zero = taken.quant.zero_point if taken.quant else 0
    if task.convention == "uint8" and zero != _PIXEL_ZERO[taken.dtype]:
        raise EdgekitError(
            f"the input of '{name}' has zero point {zero}, which is no pixel of 0 of {task.id}",
            hint="calibrate with images whose pixels begin at 0, so that the zero point is "
            f"{_PIXEL_ZERO[taken.dtype]}",
        )
