# SPDX-License-Identifier: Apache-2.0
"""A .tflite file as a constant array in C and in C++, for firmware that uses TFLite Micro."""

from __future__ import annotations

from edgekit.emit.metadata import ArenaNote, arena_macro, tensor_macros
from edgekit.tflite.graph import Graph

BYTES_A_LINE = 12
ALIGNMENT = 16  # what flatbuffers need, and what TFLM's own arrays use

_HEX = tuple(f"0x{value:02x}" for value in range(256))

_ALIGN_C = """\
#if defined(__STDC_VERSION__) && __STDC_VERSION__ >= 201112L
#define EK_ALIGN_16 _Alignas(16)
#elif defined(__GNUC__) || defined(__clang__)
#define EK_ALIGN_16 __attribute__((aligned(16)))
#elif defined(_MSC_VER)
#define EK_ALIGN_16 __declspec(align(16))
#else
#error "say here how this compiler aligns a constant to 16 bytes"
#endif
"""


def comment(text: str) -> str:
    """`text` as a C comment of one line each, ending with a newline."""
    return "".join(f"// {line}".rstrip(" \\") + "\n" for line in text.splitlines())


def model_array_sources(
    data: bytes,
    name: str,
    provenance: str,
    graph: Graph | None = None,
    arena: ArenaNote | None = None,
) -> dict[str, str]:
    """`<name>_model.h`, `.cc` and `.c`: the same array twice, of which a firmware takes one.

    `name` is a C identifier, `provenance` the lines of the head comment. With `graph` the header
    also holds the inputs' and outputs' shapes, scales and zero points as macros, with `arena`
    the bytes that TFLite Micro's arena needs.
    """
    body = _array_body(data)
    head = comment(provenance)
    include = f'#include "{name}_model.h"\n\n'
    length = f"const unsigned int {name}_model_len = {len(data)}u;\n"
    declared = f"const unsigned char {name}_model[{len(data)}] = {{\n{body}}};\n"
    cc = f"{head}\n{include}alignas({ALIGNMENT}) {declared}{length}"
    c = f"{head}\n{include}{_ALIGN_C}\nEK_ALIGN_16 {declared}{length}"
    macros = tensor_macros(graph, name) + arena_macro(arena, name)
    return {
        f"{name}_model.h": _header(len(data), name, head, macros),
        f"{name}_model.cc": cc,
        f"{name}_model.c": c,
    }


def _header(length: int, name: str, head: str, macros: str) -> str:
    guard = f"{name.upper()}_MODEL_H_"
    return (
        f"{head}\n#ifndef {guard}\n#define {guard}\n\n"
        '#ifdef __cplusplus\nextern "C" {\n#endif\n\n'
        f"// The .tflite file, aligned to {ALIGNMENT} bytes: add {name}_model.cc or {name}_model.c,"
        " not both.\n"
        f"extern const unsigned char {name}_model[{length}];\n"
        f"extern const unsigned int {name}_model_len;\n\n"
        "#ifdef __cplusplus\n}\n#endif\n\n"
        f"#define {name.upper()}_MODEL_LEN {length}u\n"
        f"{macros}\n#endif\n"
    )


def _array_body(data: bytes) -> str:
    cells = [_HEX[value] for value in data]
    lines = (
        ", ".join(cells[start : start + BYTES_A_LINE])
        for start in range(0, len(cells), BYTES_A_LINE)
    )
    return "".join(f"    {line},\n" for line in lines)
