# SPDX-License-Identifier: Apache-2.0
"""A lowered program as C99: one readable .c/.h pair, and the glue that the app talks to."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from edgekit.emit.dead import dead_stretches
from edgekit.emit.metadata import float_literal
from edgekit.emit.rows import row_facts, row_output
from edgekit.lower.program import Const, KernelCall, Program
from edgekit.tflite.graph import Graph, Op, Tensor

C_TYPES = {
    "int8": "int8_t",
    "uint8": "uint8_t",
    "bool": "uint8_t",
    "int16": "int16_t",
    "int32": "int32_t",
    "int64": "int64_t",
    "float32": "float",
}
DTYPE_MACROS = {
    "float32": "EK_FLOAT32",
    "int32": "EK_INT32",
    "uint8": "EK_UINT8",
    "int64": "EK_INT64",
    "bool": "EK_BOOL",
    "int16": "EK_INT16",
    "int8": "EK_INT8",
}
LINE = 96


@dataclass(frozen=True, slots=True)
class _Argument:
    """A parameter of a specialised kernel function and what a step passes for it."""

    ctype: str
    name: str
    value: str


@dataclass(frozen=True, slots=True)
class _Step:
    """One op of the file: its comment and the call that runs it ("" where nothing runs)."""

    index: int
    title: str
    constants: tuple[str, ...]
    call: str


def aot_sources(program: Program, name: str, provenance: str) -> dict[str, str]:
    """File name -> text of `<name>_aot.h`, `<name>_aot.c` and the glue `ek_model_<name>.c`.

    `name` is a C identifier; `provenance` is text for the head comment. The same program and
    provenance always give the same text. Only the headers of firmware/runtime are needed.
    """
    functions, steps = _functions_and_steps(program)
    graph, plan = program.graph, program.plan
    ends = {
        "inputs": [_end(_as_given(program, i), plan.offsets[i]) for i in graph.inputs],
        "outputs": [_end(graph.tensor(i), plan.offsets[i]) for i in graph.outputs],
    }
    context = {
        "name": name,
        "upper": name.upper(),
        "provenance": _comment(provenance),
        "graph": graph,
        "arena_bytes": max(plan.arena_bytes, 1),
        "kernels": sorted({call.kernel for call in program.calls if not call.alias}),
        "functions": functions,
        "steps": steps,
        "dead": _wrapped([c_value(stretch) for stretch in dead_stretches(program)], "    "),
        "constants": [
            c_array("static const", f"t{t.index}", C_TYPES[t.dtype], t.data)
            for t in _constant_operands(program)
        ],
        "rows": row_facts(program),
        **ends,
    }
    return {
        f"{name}_aot.h": _render("aot.h.jinja", context),
        f"{name}_aot.c": _render("aot.c.jinja", context),
        f"ek_model_{name}.c": _render("model_glue.c.jinja", context),
    }


def _functions_and_steps(program: Program) -> tuple[list[dict[str, Any]], list[_Step]]:
    """One function per distinct (kernel, params, pointer types), one step per op."""
    functions: dict[tuple[Any, ...], dict[str, Any]] = {}
    steps = []
    for op, call in zip(program.graph.ops, program.calls, strict=True):
        arguments = _arguments(program, op, call)
        run = ""
        if not call.alias:
            types = tuple((argument.ctype, argument.name) for argument in arguments)
            key = (call.kernel, c_value(call.params), types)
            function = functions.setdefault(
                key,
                {
                    "name": f"{call.kernel}_{sum(k[0] == call.kernel for k in functions)}",
                    "kernel": call.kernel,
                    "params": _wrapped(
                        [f".{key} = {c_value(item)}" for key, item in call.params.items()], "    "
                    ),
                    "signature": _wrapped([f"{a.ctype}{a.name}" for a in arguments], "    ").rstrip(
                        ","
                    ),
                    "passed": ", ".join(a.name for a in arguments),
                },
            )
            run = f"{function['name']}({', '.join(argument.value for argument in arguments)})"
        constants = tuple(c_const(f"op{op.index}_{const.name}", const) for const in call.consts)
        steps.append(_Step(op.index, _title(program.graph, op), constants, run))
    return list(functions.values()), steps


def _arguments(program: Program, op: Op, call: KernelCall) -> list[_Argument]:
    graph, offsets = program.graph, program.plan.offsets

    def pointer(index: int, const: str, name: str) -> _Argument:
        tensor = graph.tensor(index)
        ctype = f"{const}{C_TYPES[tensor.dtype]} *"
        value = (
            f"t{index}" if tensor.is_constant else f"AT({C_TYPES[tensor.dtype]}, {offsets[index]})"
        )
        if program.rows and op.index == 0 and not const:
            value = row_output(value, program.rows)
        return _Argument(ctype, name, value)

    several = len(call.inputs) > 1
    arguments = [
        pointer(index, "const ", f"in{i}" if several else "in")
        for i, index in enumerate(call.inputs)
    ]
    several = len(call.outputs) > 1
    arguments += [
        pointer(index, "", f"out{i}" if several else "out") for i, index in enumerate(call.outputs)
    ]
    for const in call.consts:
        ctype = const.struct or C_TYPES[const.data.dtype.name]
        arguments.append(_Argument(f"const {ctype} *", const.name, f"op{op.index}_{const.name}"))
    if call.scratch_bytes:
        offset = program.plan.scratch_offsets[op.index]
        arguments.append(_Argument("void *", "scratch", f"AT(void, {offset})"))
    return arguments


def _constant_operands(program: Program) -> list[Tensor]:
    used = {index for call in program.calls for index in call.inputs}
    return [program.graph.tensor(i) for i in sorted(used) if program.graph.tensor(i).is_constant]


def _title(graph: Graph, op: Op) -> str:
    def shape(index: int) -> str:
        return "x".join(str(side) for side in graph.tensor(index).shape) or "scalar"

    inputs = ", ".join(shape(i) for i in op.inputs if i >= 0)
    outputs = ", ".join(shape(i) for i in op.outputs)
    text = f"{op.index}: {op.kind} '{op.layer}' ({inputs}) -> ({outputs})"
    if op.origins != (op.index,):
        numbers = ", ".join(str(index) for index in op.origins)
        text += f", op{'s' if len(op.origins) > 1 else ''} {numbers} of the .tflite file"
    return _comment(text)


def _comment(text: str) -> str:
    """`text` that can stand inside a C comment."""
    return text.replace("*/", "* /").replace("/*", "/ *").encode("ascii", "replace").decode()


def _as_given(program: Program, index: int) -> Tensor:
    """An input as the model's user knows it: the arena may hold a few of its rows alone."""
    return program.rows.source if program.rows else program.graph.tensor(index)


def _end(tensor: Tensor, offset: int) -> dict[str, Any]:
    return {
        "name": "".join(c if c.isprintable() and c not in '"\\' else "_" for c in tensor.name),
        "ctype": C_TYPES[tensor.dtype],
        "dtype": DTYPE_MACROS[tensor.dtype],
        "offset": offset,
        "bytes": tensor.bytes,
        "elements": tensor.elements,
        "shape": tensor.shape,
        "scale": float_literal(tensor.quant.scale if tensor.quant else 0.0),
        "zero_point": tensor.quant.zero_point if tensor.quant else 0,
    }


def c_float(value: float) -> str:
    """A float32 as a hexadecimal C constant, exact; ValueError where it is not finite."""
    exact = float(np.float32(value))
    if not np.isfinite(exact):
        raise ValueError(f"{value} cannot be written as a C constant")
    return f"{exact.hex()}f"


def c_value(value: Any) -> str:
    """A Python number, or a dict as a designated initialiser, as C."""
    if isinstance(value, dict):
        return "{" + ", ".join(f".{key} = {c_value(item)}" for key, item in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "{" + ", ".join(c_value(item) for item in value) + "}"
    if isinstance(value, (float, np.floating)):
        return c_float(float(value))
    number = int(value)
    return "INT32_MIN" if number == -(1 << 31) else str(number)


def c_const(name: str, const: Const) -> str:
    """Definition of a kernel's constant, an array in flash."""
    if not const.struct:
        return c_array("static const", name, C_TYPES[const.data.dtype.name], const.data)
    rows = [c_value([int(x) for x in row]) for row in const.data]
    body = _wrapped(rows)
    return f"static const {const.struct} {name}[{len(rows)}] = {{\n{body}\n}};"


def c_array(prefix: str, name: str, ctype: str, data: np.ndarray | None) -> str:
    """Definition of an array of `ctype`, word-aligned so that kernels may load words."""
    assert data is not None
    flat = data.reshape(-1)
    body = _wrapped([c_value(item) for item in flat.tolist()])
    return f"{prefix} {ctype} {name}[{flat.size}] EK_ALIGN(4) = {{\n{body}\n}};"


def _wrapped(items: list[str], indent: str = "  ", separator: str = ",") -> str:
    """`items` joined in lines of at most LINE characters, each line indented."""
    lines, line = [], indent
    for item in items:
        if len(line) + len(item) + 2 > LINE and line != indent:
            lines.append(line.rstrip())
            line = indent
        line += f"{item}{separator} "
    return "\n".join([*lines, line.rstrip()])


@lru_cache
def _environment() -> Any:
    import jinja2

    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent / "templates"),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,
    )


def _render(template: str, context: dict[str, Any]) -> str:
    return str(_environment().get_template(template).render(**context))
