# SPDX-License-Identifier: Apache-2.0
"""The model's sources of a project for TFLite Micro: its array, its op list, and what binds both
to firmware/tflm/ek_model_tflm.cpp.
"""

from __future__ import annotations

from edgekit.emit.c_array import comment, model_array_sources
from edgekit.emit.metadata import ArenaNote
from edgekit.emit.op_resolver import ops_header, resolver_method
from edgekit.tflite.graph import Graph, forgets

CONFIG = "ek_tflm_model.h"


def tflm_sources(
    graph: Graph, tflite: bytes, name: str, provenance: str, *, arena_bytes: int, arena_how: str
) -> dict[str, str]:
    """`<name>_model.h`, `<name>_model.c`, `<name>_ops.h` and `ek_tflm_model.h`.

    `graph` is `tflite` op for op (read with `decode=False`), `arena_how` says how `arena_bytes`
    was found. Raises EdgekitError for an operator that TFLM's resolver cannot add.
    """
    arena = ArenaNote(arena_bytes, arena_how)
    texts = model_array_sources(tflite, name, provenance, graph, arena)
    del texts[f"{name}_model.cc"]
    texts |= ops_header(graph, name, provenance)
    texts[CONFIG] = _config(graph, name, provenance)
    return texts


def needed_methods(graph: Graph) -> list[str]:
    """The op resolver's methods that the model needs, sorted."""
    return sorted({resolver_method(op.kind) for op in graph.ops} - {""})


def _config(graph: Graph, name: str, provenance: str) -> str:
    variables = sum(op.kind == "VAR_HANDLE" for op in graph.ops)
    defines = {
        "NAME": f'"{name}"',
        "SHA256": f'"{graph.sha256}"',
        "DATA": f"{name}_model",
        "RESOLVER": f"{name}_op_resolver",
        "ADD_OPS": f"{name}_add_ops",
        "OP_TYPES": f"{name}_op_count",
        "OPS": f"{len(graph.ops)}",
        "INPUTS": f"{len(graph.inputs)}",
        "OUTPUTS": f"{len(graph.outputs)}",
        "VARIABLES": f"{variables}",
        "FORGETS": f"{int(forgets(graph))}",
    }
    lines = "".join(f"#define EK_TFLM_{key} {value}\n" for key, value in defines.items())
    return (
        f"{comment(provenance)}// What ek_model_tflm.cpp runs.\n"
        "#ifndef EK_TFLM_MODEL_H\n#define EK_TFLM_MODEL_H\n\n"
        f'#include "{name}_model.h"\n#include "{name}_ops.h"\n\n{lines}\n'
        "// The device reports what it really uses of it.\n"
        "#ifndef EK_TFLM_ARENA_BYTES\n"
        f"#define EK_TFLM_ARENA_BYTES {name.upper()}_ARENA_BYTES\n#endif\n\n"
        "// Set by the build where it knows them.\n"
        '#ifndef EK_TFLM_VERSION\n#define EK_TFLM_VERSION ""\n#endif\n'
        '#ifndef EK_TFLM_KERNELS\n#define EK_TFLM_KERNELS ""\n#endif\n\n#endif\n'
    )
