# SPDX-License-Identifier: Apache-2.0
"""A generated function of C beside what Python computed, value by value, on this machine."""

from __future__ import annotations

import ctypes
import tempfile
from pathlib import Path

import numpy as np

from edgekit.build.host import COMPILE_TIMEOUT_S, STRICT
from edgekit.tools import find_tool, run_tool

_LOOP = """\
#include "{header}"
void run(const float *in, {kind} *out, int n) {{
  for (int i = 0; i < n; ++i) out[i] = {function}(in[i]);
}}
"""


def differing(header: str, text: str, function: str, real: np.ndarray, stored: np.ndarray) -> int:
    """How many of `real` (float32) `function` of the `header` does not turn into `stored`.

    `text` is the header's, `stored` has an integer type; shapes are equal. ToolMissing without
    a C compiler.
    """
    find_tool("cc")
    values = np.ascontiguousarray(real, np.float32)
    found = np.empty(values.shape, stored.dtype)
    with tempfile.TemporaryDirectory(prefix="edgekit-parity-") as folder:
        place = Path(folder)
        (place / header).write_text(text)
        loop = _LOOP.format(header=header, kind=f"{stored.dtype}_t", function=function)
        (place / "loop.c").write_text(loop)
        library = place / "loop.so"
        run_tool(
            "cc", *STRICT, "-O2", "-shared", "-fPIC", "-o", library, place / "loop.c",
            timeout_s=COMPILE_TIMEOUT_S,
        )  # fmt: skip
        run = ctypes.CDLL(str(library)).run
        run(
            values.ctypes.data_as(ctypes.c_void_p),
            found.ctypes.data_as(ctypes.c_void_p),
            values.size,
        )
    return int(np.count_nonzero(found != stored))
