# SPDX-License-Identifier: Apache-2.0
"""`<name>_ops.h`: TFLite Micro's op resolver with exactly the operators of one model."""

from __future__ import annotations

from edgekit.emit.c_array import comment
from edgekit.emit.tflm_methods import BUILTIN_METHODS, CUSTOM_METHODS
from edgekit.errors import EdgekitError
from edgekit.tflite.graph import Graph


def resolver_method(kind: str) -> str:
    """The resolver's method for an op kind ("CONV_2D" -> "AddConv2D"); "" where TFLM has none."""
    if kind.startswith("CUSTOM:"):
        return CUSTOM_METHODS.get(kind.removeprefix("CUSTOM:"), "")
    return BUILTIN_METHODS.get(kind, "")


def ops_header(graph: Graph, name: str, provenance: str) -> dict[str, str]:
    """`<name>_ops.h` of `graph`; EdgekitError for an operator that TFLM's resolver cannot add."""
    methods = []
    for op in (*graph.ops, *graph.decodes):
        method = resolver_method(op.kind)
        if not method:
            raise EdgekitError(
                f"TFLite Micro has no operator {op.kind} (layer '{op.layer}')",
                hint="replace that layer by one that TFLite Micro knows",
            )
        methods.append(method)
    chosen = sorted(set(methods))
    return {f"{name}_ops.h": _text(name, chosen, comment(provenance))}


def _text(name: str, methods: list[str], head: str) -> str:
    guard = f"{name.upper()}_OPS_H_"
    calls = "".join(
        f"  if (resolver.{method}() != kTfLiteOk) return kTfLiteError;\n" for method in methods
    )
    return (
        f"{head}\n#ifndef {guard}\n#define {guard}\n\n"
        '#include "tensorflow/lite/micro/micro_mutable_op_resolver.h"\n\n'
        f"constexpr unsigned int {name}_op_count = {len(methods)};\n"
        f"using {name}_op_resolver = tflite::MicroMutableOpResolver<{name}_op_count>;\n\n"
        f"// Adds the {len(methods)} operators of the model, and no others.\n"
        f"inline TfLiteStatus {name}_add_ops({name}_op_resolver& resolver) {{\n"
        f"{calls}  return kTfLiteOk;\n}}\n\n#endif\n"
    )
