# SPDX-License-Identifier: Apache-2.0
"""An aot model compiled for this machine and called in process: fast checks, and the golden
where TFLM's interpreter does not exist."""

from __future__ import annotations

import ctypes
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from edgekit.lower.program import Program
from edgekit.resources import resource_dir
from edgekit.tools import find_tool, run_tool

COMPILE_TIMEOUT_S = 300.0
STRICT = ("-std=c99", "-Wall", "-Wextra", "-Wconversion", "-Werror")


class HostModel:
    """`program` built by the host's C compiler; `run` takes and gives quantized arrays.

    `sources` are the texts that `aot_sources` gave for it under `name`. With `poison`, bytes that
    the memory plan takes for dead are overwritten before each op. `optimize` are compiler flags.
    """

    by = "aot on the host"

    def __init__(
        self,
        program: Program,
        sources: Mapping[str, str],
        name: str,
        *,
        optimize: str = "-O2",
        poison: bool = False,
    ) -> None:
        from edgekit import __version__

        self.version = __version__
        self.program = program
        self._name = name
        flags = (*optimize.split(), *(["-DEK_POISON"] if poison else []))
        with tempfile.TemporaryDirectory(prefix="edgekit-host-") as folder:
            # Once mapped, the library needs its file no more.
            self._library = ctypes.CDLL(str(_compile(Path(folder), sources, name, flags)))
        self._invoke = self._library[f"{name}_invoke"]
        self._invoke_op = self._library[f"{name}_invoke_op"]
        arena = (ctypes.c_uint8 * max(program.plan.arena_bytes, 1)).in_dll(
            self._library, f"{name}_arena"
        )
        self.arena = np.ctypeslib.as_array(arena)

    def tensor(self, index: int) -> np.ndarray:
        """A view of an activation in the arena; later ops may have overwritten it."""
        tensor = self.program.graph.tensor(index)
        start = self.program.plan.offsets[index]
        return self.arena[start : start + tensor.bytes].view(tensor.dtype).reshape(tensor.shape)

    def load(self, inputs: Sequence[np.ndarray]) -> None:
        """Writes one set of quantized inputs into the arena."""
        graph = self.program.graph
        if self.program.rows:
            (value,) = inputs
            self._push(value)
            return
        for index, value in zip(graph.inputs, inputs, strict=True):
            self.tensor(index)[...] = np.asarray(value).reshape(graph.tensor(index).shape)

    def _push(self, value: np.ndarray) -> None:
        self._library[f"{self._name}_begin_rows"]()
        data = np.ascontiguousarray(value)
        self._library[f"{self._name}_push_bytes"](data.ctypes, ctypes.c_uint32(data.nbytes))

    def run_op(self, op: int) -> None:
        """Runs one op alone; all of them in order are one inference."""
        self._invoke_op(op)

    def run(self, inputs: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Outputs for one set of quantized inputs, each of its tensor's shape and dtype."""
        self.load(inputs)
        self._invoke()
        graph = self.program.graph
        return [self.tensor(index).copy() for index in graph.outputs]


def _compile(folder: Path, sources: Mapping[str, str], name: str, flags: Sequence[str]) -> Path:
    for file_name, text in sources.items():
        (folder / file_name).write_text(text)
    find_tool("cc")
    library = folder / f"{name}.so"
    run_tool(
        "cc",
        *STRICT,
        *flags,
        "-shared",
        "-fPIC",
        "-I",
        resource_dir("firmware") / "runtime",
        "-o",
        library,
        folder / f"{name}_aot.c",
        timeout_s=COMPILE_TIMEOUT_S,
    )
    return library
