# SPDX-License-Identifier: Apache-2.0
"""Golden outputs: what the real TFLite Micro interpreter gives for a model and its inputs.

The interpreter is the PyPI wheel `tflite-micro` (Linux x86-64). Host TFLite is not the truth: its
kernels differ from TFLM's in the last bit of many outputs.
"""

from __future__ import annotations

import contextlib
import importlib.metadata
import importlib.util
import os
import re
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Any

import numpy as np

from edgekit.errors import EdgekitError
from edgekit.tflite.graph import Graph, forgets
from edgekit.tflite.reader import read_graph

BY = "tflite-micro"
FIRST_ARENA_BYTES = 1 << 20
LAST_ARENA_BYTES = 1 << 30


def tflm_version() -> str:
    """Version of the installed TFLM wheel, "" where there is none for this machine."""
    if importlib.util.find_spec("tflite_micro") is None:
        return ""
    return importlib.metadata.version(BY)


class TflmGolden:
    """One model in TFLM's interpreter. `preserve` keeps every activation readable after a run."""

    by = BY

    def __init__(
        self, model: Path | bytes, *, preserve: bool = False, graph: Graph | None = None
    ) -> None:
        """`graph` spares reading the file again where the caller has read it."""
        self.version = tflm_version()
        if not self.version:
            raise EdgekitError(
                "the TFLM interpreter is not installed on this machine",
                hint="pip install tflite-micro (Linux x86-64 only)",
            )
        self._data = model if isinstance(model, bytes) else model.read_bytes()
        self._graph = graph or read_graph(self._data)
        self._forgets = forgets(self._graph)
        self._interpreter = self._start(preserve)

    @property
    def graph(self) -> Graph:
        return self._graph

    def _start(self, preserve: bool) -> Any:
        from tflite_micro.python.tflite_micro import runtime

        kinds = runtime.InterpreterConfig
        kind = kinds.kPreserveAllTensors if preserve else kinds.kAllocationRecording
        arena_bytes = FIRST_ARENA_BYTES
        while True:
            with _stderr_of_c() as said:
                try:
                    return runtime.Interpreter.from_bytes(
                        self._data, arena_size=arena_bytes, intrepreter_config=kind
                    )
                except RuntimeError:
                    text = said()
            if (
                "missing" not in text and "too small" not in text
            ) or arena_bytes > LAST_ARENA_BYTES:
                raise EdgekitError(
                    f"TFLite Micro refuses this model: {_reason(text)}",
                    hint="`edgekit inspect` names the op; change that layer or its quantization",
                )
            arena_bytes *= 4

    def run(self, inputs: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Outputs for one set of quantized inputs, each of its tensor's shape and dtype.

        Every run of a model with a fused LSTM begins with states of 0.
        """
        if self._forgets:
            self._interpreter.reset()
        for position, (index, value) in enumerate(zip(self._graph.inputs, inputs, strict=True)):
            tensor = self._graph.tensor(index)
            array = np.ascontiguousarray(value, dtype=tensor.dtype).reshape(tensor.shape)
            self._interpreter.set_input(array, position)
        with _stderr_of_c() as said:
            try:
                self._interpreter.invoke()
            except RuntimeError as error:
                raise EdgekitError(
                    f"TFLite Micro failed on this model: {_reason(said())}",
                    hint="`edgekit inspect` names the ops; change that layer",
                ) from error
        return [np.array(self._interpreter.get_output(i)) for i in range(len(self._graph.outputs))]

    def tensor(self, index: int) -> np.ndarray:
        """Values of an activation after a run; needs `preserve=True`."""
        return np.array(self._interpreter.GetTensor(index, 0)["tensor_data"])

    def arena_bytes(self) -> int:
        """Arena that this 64-bit host build uses; a 32-bit device needs somewhat less."""
        with _stderr_of_c() as said:
            self._interpreter.print_allocations()
            text = said()
        found = re.search(r"Arena allocation total (\d+) bytes", text)
        if not found:
            raise EdgekitError("the TFLM interpreter did not report its arena", hint="report this")
        return int(found[1])


def _reason(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[0] if lines else "no reason given"


_ONE_AT_A_TIME = threading.RLock()  # the process has one file descriptor 2


@contextlib.contextmanager
def _stderr_of_c() -> Iterator[Any]:
    """Collects what C code writes to file descriptor 2; gives a function that returns it."""
    sys.stderr.flush()
    with _ONE_AT_A_TIME, tempfile.TemporaryFile() as sink:
        saved = os.dup(2)
        os.dup2(sink.fileno(), 2)
        try:
            yield lambda: _contents(sink)
        finally:
            os.dup2(saved, 2)
            os.close(saved)


def _contents(sink: IO[bytes]) -> str:
    sink.seek(0)
    return sink.read().decode("utf-8", "replace")
