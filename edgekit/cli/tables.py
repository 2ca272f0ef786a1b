# SPDX-License-Identifier: Apache-2.0
"""How the records of convert, inspect, firmware and build are shown."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from edgekit.cli.check_tables import check_facts, show_checks
from edgekit.cli.layer_tables import show_choice
from edgekit.cli.packing_tables import encoded_facts, packing_facts, show_compression
from edgekit.cli.show import (
    Row,
    facts,
    heading,
    kib,
    number,
    percent,
    several,
    shape,
    short_path,
    show_warnings,
    table,
)

if TYPE_CHECKING:
    from rich.console import Console


LARGEST_PARTS = 4
_UNKNOWN = "not checked"  # how the reason of a runtime begins that this machine lacks


def show_convert(out: Console, record: dict[str, Any]) -> None:
    heading(out, "Converted to int8", short_path(record["tflite"]))
    facts(out, convert_facts(record))
    _show_ops(out, record["ops"])
    show_compression(out, record.get("packing"))
    show_warnings(out, record)


def convert_facts(record: dict[str, Any]) -> list[Row]:
    """Size, accuracy, error and arena of a conversion, for its own table and for deploy's."""
    rows: list[Row] = [("size", kib(record["tflite_bytes"]), "the .tflite file")]
    if accuracy := record.get("accuracy"):
        both = f"{percent(accuracy['float'])} float, {percent(accuracy['int8'])} int8"
        rows.append(("accuracy", both, "on this host"))
    if error := record.get("output_error"):
        rows.append(
            (
                "output error",
                f"{error['max_abs']:.3g} largest, {error['rmse']:.3g} RMSE",
                "int8 against float",
            )
        )
    if calibration := record.get("calibration"):
        rows.append(
            ("calibration", f"{calibration['samples']} samples", str(calibration["method"]))
        )
    if noisy := noisiest(record.get("statistics") or ()):
        rows.append(("noisiest", f"{noisy['sqnr_db']:.1f} dB SQNR", f"layer {noisy['layer']}"))
    if kernels := record.get("kernels"):
        weights = sum(kernel["weights"] for kernel in kernels)
        share = {
            kind: percent(sum(k["weights"] * k[f"{kind}_sparsity"] for k in kernels) / weights)
            for kind in ("float", "int8")
        }
        both = f"{share['float']} float, {share['int8']} int8"
        rows.append(("sparsity", both, f"{len(kernels)} pruned kernels, each checked"))
    rows += check_facts(record.get("checks"))
    note = arena_note(record)
    if record["arena_bytes"].get("aot") is not None:
        note = f"aot of the C written here, which edgekit firmware may change for a board; {note}"
    rows.append(("arena", arenas(record["arena_bytes"]), note))
    return rows + packing_facts(record.get("packing"))


def noisiest(statistics: Sequence[dict[str, Any]]) -> dict[str, Any] | None:
    """The activation that its integers hold worst: with the least signal over noise."""
    rows = [row for row in statistics if row["kind"] != "weights" and row["sqnr_db"] is not None]
    return min(rows, key=lambda row: float(row["sqnr_db"]), default=None)


def arenas(by_runtime: dict[str, int | None]) -> str:
    shown = [f"{name} {kib(count)}" for name, count in by_runtime.items() if count is not None]
    return ", ".join(shown) or "-"


def arena_note(record: dict[str, Any]) -> str:
    """Which core and kernels the tflm arena is for, or that it is an estimate."""
    found = record.get("tflm_arena")
    if not found:
        return "peak RAM of tensors"
    if not found["exact"]:
        return "tflm is an estimate"
    by_kernels = ", ".join(
        f"{kernels.replace('cmsis_nn', 'CMSIS-NN')} {kib(size)}"
        for kernels, size in found["plans"].items()
    )
    return f"tflm on {found['core']}: {by_kernels}"


def arena_facts(record: dict[str, Any]) -> list[Row]:
    """What TFLite Micro's arena holds, the largest shares first."""
    parts = (record.get("tflm_arena") or {}).get("parts", ())
    largest = sorted(parts, key=lambda part: -part["bytes"])
    shown = [f"{part['name']} {kib(part['bytes'])}" for part in largest[:LARGEST_PARTS]]
    rest = sum(part["bytes"] for part in largest[LARGEST_PARTS:])
    if rest:
        shown.append(f"rest {kib(rest)}")
    return [("in tflm's", ", ".join(shown), "")] if shown else []


def show_inspect(out: Console, record: dict[str, Any]) -> None:
    heading(out, short_path(record["tflite"]), f"SHA-256 {record['model_sha256'][:16]}…")
    by_role = {
        role: [t for t in record["tensors"] if t["role"] == role] for role in ("input", "output")
    }
    rows: list[Row] = [
        (role, tensor_words(t), "") for role, found in by_role.items() for t in found
    ]
    zeros = f"{percent(record['sparsity'])} of {number(record['weights'])} weights are zero"
    rows += [
        ("sparsity", zeros, ""),
        ("file", kib(record["tflite_bytes"]), f"constants {kib(record['weight_bytes'])}"),
        ("MACs", number(record["macs"]), "of one inference"),
        ("peak RAM", kib(record["peak_bytes"]), f"of activations, in op {record['peak_op']}"),
        ("arena", arenas(record["arena_bytes"]), arena_note(record)),
        *arena_facts(record),
        *encoded_facts(record["tensors"]),
    ]
    for runtime, reason in record["runtimes"].items():
        rows.append((f"on {runtime}", _verdict(reason), ""))
    if board := record["board"]:
        verdict = "fits" if board["fits"] else "does not fit"
        limits = f"flash {kib(board['flash_bytes'])}, RAM {kib(board['ram_bytes'])}"
        rows.append((board["board"], f"{verdict} (constants and activations alone)", limits))
    facts(out, rows)
    _show_ops(out, record["ops"])
    show_choice(out, record["lowered"])
    show_checks(out, record["checks"])


def _verdict(reason: str) -> str:
    if not reason or reason.startswith(_UNKNOWN):
        return reason or "runs"
    return f"does not run: {reason}"


def tensor_words(tensor: dict[str, Any]) -> str:
    """Shape, dtype and quantization of one tensor in a line."""
    words = f"{shape(tensor['shape'])} {tensor['dtype']}"
    if len(tensor["scales"]) == 1:
        words += f"  scale {tensor['scales'][0]:.6g}, zero point {tensor['zero_points'][0]}"
    return f"{tensor['name']}  {words}"


def _show_ops(out: Console, ops: list[dict[str, Any]]) -> None:
    table(
        out,
        ("#", "op", "layer", "output", "MACs", "constants", "zeros", "live", "runs on"),
        [_op_cells(op) for op in ops],
        left=("op", "layer", "output", "runs on"),
        may_shrink=("layer", "output"),
        wide_only=("output", "live"),
    )
    reasons = {
        (op["op"], runtime, reason)
        for op in ops
        for runtime, reason in op.get("refused", {}).items()
        if not reason.startswith(_UNKNOWN)
    }
    for kind, runtime, reason in sorted(reasons):
        out.print(f"  [yellow]{kind} on {runtime}:[/] {reason}")


def _op_cells(op: dict[str, Any]) -> tuple[str, ...]:
    weights = op.get("weights", op["weight_bytes"])
    return (
        str(op["index"]),
        op["op"],
        op["layer"],
        several(op.get("outputs", ())),
        number(op["macs"]) if op["macs"] else "",
        kib(op["weight_bytes"]) if op["weight_bytes"] else "",
        percent(op["zero_weights"] / weights) if weights else "",
        kib(op["live_bytes"]) if "live_bytes" in op else "",
        " ".join(op["runtimes"]) or "nothing",
    )


def show_firmware(out: Console, record: dict[str, Any]) -> None:
    heading(out, "Firmware project", short_path(record["project"]))
    facts(
        out,
        [
            ("model", record["name"], f"SHA-256 {record['model_sha256'][:16]}…"),
            ("board", record["board"], ""),
            ("runtime", record["runtime"], f"for {record['optimize']}"),
            ("template", record["template"], f"tried so far: {record['tried']}"),
            ("arena", kib(record["arena_bytes"]), _arena_words(record)),
            ("next", _next_step(record), ""),
        ],
    )
    show_warnings(out, record)


def _arena_words(record: dict[str, Any]) -> str:
    """What the project's arena holds: TFLite Micro keeps its own structs in it as well."""
    if record["runtime"] != "tflm":
        rows = ", the input's rows as they arrive" if record["stream_rows"] else ""
        return f"peak RAM of tensors{rows}"
    return f"{number(record['arena_bytes'])} bytes for TFLite Micro, its structs included"


def _next_step(record: dict[str, Any]) -> str:
    project = short_path(record["project"])
    return f"edgekit build {project}" if record["builder"] else f"see {project}/README.md"


def show_build(out: Console, record: dict[str, Any]) -> None:
    heading(out, "Built", short_path(record["elf"]))
    facts(out, build_facts(record))
    show_warnings(out, record)


def build_facts(record: dict[str, Any]) -> list[Row]:
    """Flash and RAM against the board's limits, for build's own table and for deploy's."""
    limits = record["limits"]
    return [
        (
            "flash",
            _of_limit(record["flash_bytes"], limits["flash_bytes"]),
            f"{kib(record['model_flash_bytes'])} of it is the model",
        ),
        ("RAM", _of_limit(record["ram_bytes"], limits["ram_bytes"]), ""),
        ("compiler", record["compiler"], ""),
        *_tflm_facts(record.get("tflm")),
    ]


def _tflm_facts(tflm: dict[str, Any] | None) -> list[Row]:
    if not tflm:
        return []
    made = f"{tflm['version'] or 'of unknown version'}, for {tflm['arch']}"
    return [("TFLite Micro", f"{tflm['kernels']} kernels", made)]


def _of_limit(used: int, limit: int) -> str:
    return f"{kib(used)} of {kib(limit)} ({percent(used / limit)})"
