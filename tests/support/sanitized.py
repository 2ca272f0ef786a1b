# SPDX-License-Identifier: Apache-2.0
"""A generated model as a program of its own with ASan and UBSan, one process per inference."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import weakref
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from edgekit.emit.aot import aot_sources
from edgekit.errors import EdgekitError
from edgekit.lower.program import Program
from edgekit.resources import resource_dir
from edgekit.tools import run_tool

NAME = "m"
TIMEOUT_S = 120.0
FLAGS = ("-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-g", "-O1", "-DEK_POISON")


class SanitizedModel:
    """Like HostModel, but an access out of bounds or undefined arithmetic is an EdgekitError."""

    def __init__(self, program: Program) -> None:
        self.program = program
        folder = Path(tempfile.mkdtemp(prefix="edgekit-sanitized-"))
        weakref.finalize(self, shutil.rmtree, folder)
        for name, text in aot_sources(program, NAME, "test").items():
            (folder / name).write_text(text)
        (folder / "main.c").write_text(_main(program))
        self._program = folder / "model"
        run_tool(
            "cc",
            "-std=c99",
            *FLAGS,
            "-I",
            resource_dir("firmware") / "runtime",
            "-o",
            self._program,
            folder / f"{NAME}_aot.c",
            folder / "main.c",
            timeout_s=TIMEOUT_S,
        )

    def run(self, inputs: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Outputs for one set of quantized inputs."""
        stdout = run_program(self._program, inputs)
        graph, start, outputs = self.program.graph, 0, []
        for index in graph.outputs:
            tensor = graph.tensor(index)
            raw = stdout[start : start + tensor.bytes]
            outputs.append(np.frombuffer(raw, tensor.dtype).reshape(tensor.shape))
            start += tensor.bytes
        return outputs


def run_program(program: Path, inputs: Sequence[np.ndarray], *arguments: str) -> bytes:
    """What `program` writes when it reads `inputs`; EdgekitError where it fails."""
    done = subprocess.run(
        [program, *arguments],
        input=b"".join(np.ascontiguousarray(value).tobytes() for value in inputs),
        capture_output=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    if done.returncode:
        text = done.stderr.decode("utf-8", "replace")
        lines = [line for line in text.splitlines() if "error" in line.lower()]
        raise EdgekitError(f"sanitizer: {(lines or [text])[0][-200:]}", hint="see the C file")
    return done.stdout


def _main(program: Program) -> str:
    graph = program.graph
    lines = ["#include <stdio.h>", f'#include "{NAME}_aot.h"', "int main(void) {"]
    for i in range(len(graph.inputs)):
        size = f"{NAME.upper()}_INPUT_{i}_BYTES"
        lines.append(f"  if (fread({NAME}_input_{i}(), 1, {size}, stdin) != {size}) return 1;")
    lines.append(f"  {NAME}_invoke();")
    for i in range(len(graph.outputs)):
        size = f"{NAME.upper()}_OUTPUT_{i}_BYTES"
        lines.append(f"  if (fwrite({NAME}_output_{i}(), 1, {size}, stdout) != {size}) return 2;")
    return "\n".join([*lines, "  return 0;", "}", ""])
