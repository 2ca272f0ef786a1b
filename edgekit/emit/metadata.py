# SPDX-License-Identifier: Apache-2.0
"""Shapes, types, scales and zero points of a model's inputs and outputs as C macros."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from edgekit.tflite.graph import Graph, Tensor


@dataclass(frozen=True, slots=True)
class ArenaNote:
    """TFLite Micro's arena in bytes, and how that number was found."""

    bytes: int
    how: str


def arena_macro(note: ArenaNote | None, name: str) -> str:
    """Macro `<NAME>_ARENA_BYTES` with its origin; "" for None."""
    if note is None:
        return ""
    return (
        f"\n// TFLite Micro's tensor arena, an array aligned to 16 bytes.\n// {_line(note.how)}.\n"
        f"#define {name.upper()}_ARENA_BYTES {note.bytes}u\n"
    )


def _line(words: str) -> str:
    """`words` as the end of a one-line comment, with a capital letter."""
    words = re.sub(r"[^ -\[\]-~]", " ", words).rstrip(" .")
    return words[:1].upper() + words[1:]


def tensor_macros(graph: Graph | None, name: str) -> str:
    """Macros `<NAME>_INPUT_0_SHAPE` and so on, with a real number for each scale; "" for None.

    real = SCALE * (stored - ZERO_POINT). Scales have 9 digits, which gives the float back exactly.
    """
    if graph is None:
        return ""
    prefix = name.upper()
    lines = ["", "// Tensors: real value = SCALE * (stored value - ZERO_POINT)."]
    for direction, indices in (("INPUT", graph.inputs), ("OUTPUT", graph.outputs)):
        lines.append(f"#define {prefix}_{direction}_COUNT {len(indices)}")
        for position, index in enumerate(indices):
            lines += _macros(graph.tensor(index), f"{prefix}_{direction}_{position}")
    return "\n".join(lines) + "\n"


def _macros(tensor: Tensor, prefix: str) -> list[str]:
    shape = ", ".join(str(side) for side in tensor.shape) or "1"
    lines = [
        f'#define {prefix}_NAME "{_printable(tensor.name)}"',
        f'#define {prefix}_TYPE "{tensor.dtype}"',
        f"#define {prefix}_RANK {len(tensor.shape)}",
        f"#define {prefix}_SHAPE {{{shape}}}",
        f"#define {prefix}_ELEMENTS {tensor.elements}",
        f"#define {prefix}_BYTES {tensor.bytes}",
    ]
    if tensor.quant is not None:
        lines += [
            f"#define {prefix}_SCALE {float_literal(tensor.quant.scale)}",
            f"#define {prefix}_ZERO_POINT ({tensor.quant.zero_point})",
        ]
    return lines


def float_literal(value: float) -> str:
    """`value` as a C float constant that reads back to the same float32."""
    text = f"{np.float32(value):.9g}"
    return f"{text}f" if re.search(r"[.e]", text) else f"{text}.0f"


def _printable(name: str) -> str:
    return re.sub(r"[^ !#-\[\]-~]|\?\?", "_", name)
