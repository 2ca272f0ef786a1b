# SPDX-License-Identifier: Apache-2.0
"""The scaling functions of a model as a "model" of their own, for the app that runs models.

Its inputs are real numbers, its outputs what the functions make of them. With it in the place of
the model, the same app, link and compiler say what the functions give on the target core.
"""

from __future__ import annotations

from collections.abc import Sequence

from edgekit.emit.scaling import InputScaling, scaling_header
from edgekit.tflite.graph import Graph

NAME = "scaling"


def scaling_model(
    graph: Graph, scalings: Sequence[InputScaling], name: str, count: int
) -> dict[str, str]:
    """Sources: `<name>_scaling.h`, and C that defines `ek_the_model` over it.

    Input and output n are `count` values of the nth of `scalings`, which `input_scaling` gave for
    `name`, all of them with a function.
    """
    header = scaling_header(graph, name, "checked by edgekit bench")
    numbers = range(len(scalings))
    parts = [
        f'#include <stddef.h>\n\n#include "ek_model.h"\n#include "{next(iter(header))}"\n',
        *(
            f"static float real_{n}[{count}];\nstatic {of.dtype}_t stored_{n}[{count}];\n"
            for n, of in zip(numbers, scalings, strict=True)
        ),
        _tensors("inputs", ["float32"] * len(scalings), "real", count),
        _tensors("outputs", [of.dtype for of in scalings], "stored", count),
        "static int nothing(void) {\n  return 0;\n}\n",
        "static int invoke(void) {",
        *(_loop(n, of.function, count) for n, of in zip(numbers, scalings, strict=True)),
        "  return 0;\n}\n",
        f"""\
const ek_model ek_the_model = {{
    .name = "{NAME}",
    .runtime = "none",
    .sha256 = "",
    .input_count = {len(scalings)},
    .output_count = {len(scalings)},
    .inputs = inputs,
    .outputs = outputs,
    .init = nothing,
    .invoke = invoke,
}};
""",
    ]
    return header | {f"ek_model_{NAME}.c": "\n".join(parts)}


def _tensors(which: str, dtypes: Sequence[str], prefix: str, count: int) -> str:
    rows = [
        f'    {{.name = "{prefix}_{n}", .dtype = EK_{dtype.upper()}, .rank = 1,\n'
        f"     .dims = {{{count}}}, .bytes = sizeof {prefix}_{n}, .data = {prefix}_{n}}},\n"
        for n, dtype in enumerate(dtypes)
    ]
    return f"static const ek_tensor {which}[] = {{\n{''.join(rows)}}};\n"


def _loop(number: int, function: str, count: int) -> str:
    return (
        f"  for (int i = 0; i < {count}; ++i) {{\n"
        f"    stored_{number}[i] = {function}(real_{number}[i]);\n  }}"
    )
