# SPDX-License-Identifier: Apache-2.0
"""Which golden a machine has: TFLM's interpreter, else the aot model compiled for the host."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from edgekit.errors import EdgekitError
from edgekit.tflite.golden import TflmGolden, tflm_version
from edgekit.tflite.graph import Graph

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np


NOT_CHECKED = "not checked: the TFLM interpreter is not installed on this machine"


class Golden(Protocol):
    """Something that gives golden outputs, and says what it is."""

    by: str
    version: str

    def run(self, inputs: Sequence[np.ndarray]) -> list[np.ndarray]: ...

    def tensor(self, index: int) -> np.ndarray: ...


def golden_for(tflite: Path, *, preserve: bool = False) -> Golden:
    """The golden of a .tflite file. With `preserve`, activations stay readable (TFLM only)."""
    if tflm_version():
        return TflmGolden(tflite, preserve=preserve)
    from edgekit.build.host import HostModel
    from edgekit.emit.aot import aot_sources
    from edgekit.lower.build import lower_graph
    from edgekit.tflite.reader import read_graph

    program = lower_graph(read_graph(tflite))
    return HostModel(program, aot_sources(program, "golden", f"from {tflite.name}"), "golden")


def try_tflm(tflite: Path | bytes, graph: Graph) -> tuple[TflmGolden | None, str]:
    """TFLM's interpreter with the model in it and "", or None and why it cannot run the model.

    The reason names op, layer and remedy where the table of what TFLM runs knows it; without the
    interpreter on this machine the table alone decides.
    """
    import numpy as np

    from edgekit.tflm.ops import first_words

    if not tflm_version():
        return None, first_words(graph) or NOT_CHECKED
    doubt = first_words(graph)
    try:
        golden = TflmGolden(tflite, graph=graph)
        if doubt:  # some kernels look at types only when they run
            golden.run([np.zeros(t.shape, t.dtype) for t in map(graph.tensor, graph.inputs)])
        return golden, ""
    except EdgekitError as error:
        return None, doubt or str(error)


def keeps_layers() -> bool:
    """Whether the golden can show every activation after a run."""
    return bool(tflm_version())
