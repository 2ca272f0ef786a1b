# SPDX-License-Identifier: Apache-2.0
"""Between an application's real numbers and a model's stored ones, in C as Python does it.

The arithmetic is that of edgekit.quantize.arrays: float32 division, halves away from zero, then
the zero point, then the ends of the type. It needs no library and no other header of edgekit.
"""

from __future__ import annotations

from dataclasses import dataclass

from edgekit.emit.c_array import comment
from edgekit.emit.metadata import float_literal
from edgekit.tflite.graph import Graph, Tensor

# C type, lowest and highest stored value
_TYPES = {
    "int8": ("int8_t", -128, 127),
    "uint8": ("uint8_t", 0, 255),
    "int16": ("int16_t", -32768, 32767),
}


@dataclass(frozen=True, slots=True)
class InputScaling:
    """How an input's real values become what the model takes; real = scale * (q - zero point).

    `function` and `macro` are their names in the generated C, "" for an input that is not
    quantized. `low` and `high` bound the real values that can be told apart.
    """

    input: str
    dtype: str
    scale: float | None
    zero_point: int | None
    low: float | None
    high: float | None
    function: str
    macro: str


def input_scaling(graph: Graph, name: str) -> tuple[InputScaling, ...]:
    """One for each input of the model called `name` in C."""
    found = []
    for position, tensor in enumerate(graph.tensor(index) for index in graph.inputs):
        if not is_scaled(tensor):
            rest = (None, None, None, None, "", "")
            found.append(InputScaling(tensor.name, tensor.dtype, *rest))
            continue
        scale, zero = tensor.q.scale, tensor.q.zero_point
        _, low, high = _TYPES[tensor.dtype]
        function = f"{name}_quantize_input_{position}"
        ends = (scale * (low - zero), scale * (high - zero))
        found.append(
            InputScaling(tensor.name, tensor.dtype, scale, zero, *ends, function, function.upper())
        )
    return tuple(found)


def is_scaled(tensor: Tensor) -> bool:
    """Whether real values have to be scaled for this tensor."""
    return tensor.quant is not None and tensor.dtype in _TYPES


def scaling_header(graph: Graph, name: str, provenance: str) -> dict[str, str]:
    """`<name>_scaling.h`: a function and a macro for each quantized input and output.

    `<name>_quantize_input_<n>(float)` gives what the model takes, `<name>_real_output_<n>(stored)`
    the real number that an output stands for.
    """
    guard = f"{name.upper()}_SCALING_H"
    parts = [comment(provenance), f"#ifndef {guard}\n#define {guard}\n\n#include <stdint.h>\n"]
    for position, index in enumerate(graph.inputs):
        if is_scaled(graph.tensor(index)):
            parts.append(_quantize(graph.tensor(index), name, position))
    for position, index in enumerate(graph.outputs):
        if is_scaled(graph.tensor(index)):
            parts.append(_real(graph.tensor(index), name, position))
    return {f"{name}_scaling.h": "\n".join([*parts, "#endif\n"])}


def _quantize(tensor: Tensor, name: str, position: int) -> str:
    kind, low, high = _TYPES[tensor.dtype]
    function = f"{name}_quantize_input_{position}"
    return f"""\
// Input {position}: round(real / scale) + zero point, halves away from zero, within the type.
#define {function.upper()}(real) {function}(real)
static inline {kind} {function}(float real) {{
  const float scaled = real / {float_literal(tensor.q.scale)};
  int32_t whole;
  float rest;
  if (!(scaled > -1.0e6f)) return {low};
  if (scaled > 1.0e6f) return {high};
  whole = (int32_t)scaled;
  rest = scaled - (float)whole;
  whole += (rest >= 0.5f) - (rest <= -0.5f) + ({tensor.q.zero_point});
  if (whole < {low}) return {low};
  if (whole > {high}) return {high};
  return ({kind})whole;
}}
"""


def _real(tensor: Tensor, name: str, position: int) -> str:
    kind = _TYPES[tensor.dtype][0]
    function = f"{name}_real_output_{position}"
    return f"""\
// Output {position}: scale * (stored - zero point).
#define {function.upper()}(stored) {function}(stored)
static inline float {function}({kind} stored) {{
  return (float)(stored - ({tensor.q.zero_point})) * {float_literal(tensor.q.scale)};
}}
"""
