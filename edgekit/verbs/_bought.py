# SPDX-License-Identifier: Apache-2.0
"""What pruning bought on a board: the model before and after, built and run."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

from edgekit.errors import LimitBroken
from edgekit.progress import Progress
from edgekit.verbs._prune_record import OnBoard, PruneRecord

SAMPLES = 2  # that are run; an emulated board counts the same for each
CALIBRATED = 200
NOTHING = 0.005  # in parts of one: less shows as "-0 %"
DENSER = "use --structure channels, which makes a smaller dense model"
SHAPED = "--structure auto --board BOARD asks which shapes of zeros it skips"


def unbuilt(sparsity: float) -> str:
    """What is known before anything was built."""
    return (
        f"sparsity {100 * sparsity:.0f} %; what it buys depends on the core: TFLite Micro neither"
        f" stores nor runs zeros otherwise, aot skips them on some cores: {SHAPED}"
    )


def with_board(
    record: PruneRecord,
    before: Any,
    after: Any,
    data: Any,
    board: str,
    custom: tuple[Any, ...],
    progress: Progress,
) -> PruneRecord:
    """`record` with what the models `before` and `after` take and cost on `board`.

    Raises what convert, build and bench raise for the model after; one before that is too large
    for the board is left out, with a warning.
    """
    warnings: tuple[str, ...] = ()
    found: dict[str, OnBoard] = {}
    try:
        progress.say(f"building and running the model before on {board}")
        found["before"] = _measured(before, data, board, custom)
    except LimitBroken as error:
        warnings = (f"the model before was not run: {error}",)
    progress.say(f"building and running the model after on {board}")
    found["after"] = _measured(after, data, board, custom)
    bought = _difference(record, found) if "before" in found else record.bought
    return replace(
        record,
        board=Path(board).stem,
        on_board=found,
        bought=bought,
        warnings=(*record.warnings, *warnings),
    )


def _measured(model: Any, data: Any, board: str, custom: tuple[Any, ...]) -> OnBoard:
    from edgekit.verbs.bench import bench
    from edgekit.verbs.build import build
    from edgekit.verbs.convert import convert
    from edgekit.verbs.firmware import firmware

    with tempfile.TemporaryDirectory(prefix="edgekit-prune-") as name:
        int8, project = Path(name) / "int8", Path(name) / "fw"
        given = {"samples": CALIBRATED, "eval_samples": 0, "name": "model", "custom": custom}
        converted = convert(model, data, out=int8, **given)  # type: ignore[arg-type]
        firmware(int8, board=board, out=project)
        built = build(project)
        run = bench(project, data, eval_samples=SAMPLES, calibrated=CALIBRATED, profile=False)
        constants, predicted = _lowered(converted.tflite, board)
    return OnBoard(
        tflite_bytes=converted.tflite_bytes,
        flash_bytes=built.flash_bytes,
        model_flash_bytes=built.model_flash_bytes,
        ram_bytes=built.ram_bytes,
        latency=float(run.latency.median),
        unit=run.latency.unit,
        kind=run.kind,
        constant_bytes=constants,
        predicted_cycles=predicted,
        cycles=(run.cycles or {}).get("estimated"),
    )


def _lowered(tflite: Path, board: str) -> tuple[int, int | None]:
    """Bytes of the aot runtime's constants, and the cycles that its cost model foretells."""
    from edgekit.boards import load_board
    from edgekit.lower.build import lower_graph
    from edgekit.lower.ways.timing import predicted_cycles
    from edgekit.tflite.reader import read_graph
    from edgekit.verbs._lowered import board_target, constant_bytes

    loaded = load_board(board)
    program = lower_graph(read_graph(tflite), board_target(loaded, "balanced"))
    return constant_bytes(program), predicted_cycles(program, loaded.core)


def _difference(record: PruneRecord, found: dict[str, OnBoard]) -> str:
    before, after = found["before"], found["after"]
    less = {
        "flash": 1 - after.flash_bytes / before.flash_bytes,
        "RAM": 1 - after.ram_bytes / before.ram_bytes,
        "latency": 1 - after.latency / before.latency,
    }
    told = ", ".join(f"{name} {_signed(value)}" for name, value in less.items())
    line = f"sparsity {100 * record.sparsity:.0f} %, {told} on this runtime"
    if max(less["flash"], less["latency"]) >= NOTHING:
        return line
    return f"{line}; {SHAPED}, or {DENSER}"


def _signed(less: float) -> str:
    """ "-12 %" for what became less by 0.12, "-0 %" for what did not change."""
    percent = round(100 * less)
    return f"-{percent} %" if percent >= 0 else f"+{-percent} %"
